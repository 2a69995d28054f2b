/* What a link is told by netlink alone, where /proc/sys is read-only. */
#include "tun.h"

#include <errno.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each attribute holds the next one and nothing else (kernel, net/ipv4/devinet.c: inet_set_link_af). */
typedef struct {
  struct nlmsghdr header;
  struct ifinfomsg link;
  struct nlattr spec;
  struct nlattr inet;
  struct nlattr conf;
  struct nlattr forwarding;
  uint32_t value;
} forwarding_request;

typedef struct {
  struct nlmsghdr header;
  struct nlmsgerr result;
  char rest[512]; /* the request, and words about an error */
} netlink_answer;

static struct nlattr attribute(uint16_t type, size_t bytes)
{
  return (struct nlattr){.nla_len = (uint16_t)bytes, .nla_type = type};
}

static forwarding_request make_request(unsigned int index)
{
  const size_t all = sizeof(forwarding_request);
  return (forwarding_request){
      .header = {.nlmsg_len = all, .nlmsg_type = RTM_SETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
      .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index},
      .spec = attribute(IFLA_AF_SPEC, all - offsetof(forwarding_request, spec)),
      .inet = attribute(AF_INET, all - offsetof(forwarding_request, inet)),
      .conf = attribute(IFLA_INET_CONF, all - offsetof(forwarding_request, conf)),
      .forwarding = attribute(IPV4_DEVCONF_FORWARDING, all - offsetof(forwarding_request, forwarding)),
      .value = 1,
  };
}

/* The kernel has answered when send returns. 0, or an errno. */
static int exchange(int fd, const forwarding_request *request)
{
  netlink_answer answer;
  memset(&answer, 0, sizeof(answer));
  if (send(fd, request, sizeof(*request), 0) < 0 || recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) < 0) {
    return errno;
  }
  return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.result.error : EPROTO;
}

/* forwardIpv4(name): the link forwards what comes in by it */
napi_value forward_ipv4(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  char name[IFNAMSIZ];
  bool fits = false;
  if (!get_arguments(env, info, 1, &argument, NULL) || !get_string(env, argument, name, sizeof(name), &fits)) {
    return NULL;
  }
  unsigned int index = fits ? if_nametoindex(name) : 0;
  if (index == 0) {
    return throw_errno(env, ENODEV, "netlink(RTM_SETLINK)", name);
  }
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) {
    return throw_errno(env, errno, "socket", NULL);
  }
  const forwarding_request request = make_request(index);
  int error = exchange(fd, &request);
  (void)close(fd);
  return error == 0 ? NULL : throw_errno(env, error, "netlink(RTM_SETLINK)", name);
}
