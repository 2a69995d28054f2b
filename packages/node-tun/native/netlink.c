/*
 * A netlink socket that listens to multicast groups (netlink(7)): the kernel tells there of what changes in links, addresses,
 * routes, rules and nftables. It is polled and closed as a queue is; messages are handed on unread.
 */
#include "tun.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bound, since the kernel tells a socket without an address nothing. Returns a descriptor, or -1 with an exception pending. */
static int open_netlink(napi_env env, int protocol)
{
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) {
    (void)throw_errno(env, errno, "socket", "netlink");
    return -1;
  }
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
    int error = errno;
    (void)close(fd);
    (void)throw_errno(env, error, "bind", "netlink");
    return -1;
  }
  return fd;
}

/* new Netlink(protocol) */
static napi_value construct_netlink(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  napi_value self = NULL;
  int32_t protocol = 0;
  if (!get_arguments(env, info, 1, &argument, &self) || !get_int32(env, argument, &protocol)) {
    return NULL;
  }
  int fd = open_netlink(env, protocol);
  return fd < 0 ? NULL : tun_queue_wrap(env, self, fd, "netlink");
}

/* join(group): EPERM where the group is for CAP_NET_ADMIN alone */
static napi_value join_group(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  int32_t group = 0;
  tun_queue *socket = tun_queue_arguments(env, info, 1, &argument, NULL);
  if (socket == NULL || !get_int32(env, argument, &group) || !tun_queue_is_open(env, socket, "setsockopt")) {
    return NULL;
  }
  if (setsockopt(socket->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
    return throw_errno(env, errno, "setsockopt(NETLINK_ADD_MEMBERSHIP)", socket->name);
  }
  return NULL;
}

/* receive(buffer): bytes of the next datagram, 0 when none waits; ENOBUFS when the kernel had to leave some out */
static napi_value receive_messages(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  void *bytes = NULL;
  size_t capacity = 0;
  tun_queue *socket = tun_queue_arguments(env, info, 1, &argument, NULL);
  if (socket == NULL ||
      !get_typed_array(env, argument, napi_uint8_array, "not a Uint8Array", &bytes, &capacity) ||
      !tun_queue_is_open(env, socket, "recv")) {
    return NULL;
  }
  ssize_t length = recv(socket->fd, bytes, capacity, 0);
  if (length < 0 && errno != EAGAIN && errno != EINTR) {
    return throw_errno(env, errno, "recv", socket->name);
  }
  return make_number(env, length < 0 ? 0 : (double)length);
}

napi_value define_netlink(napi_env env)
{
  const napi_property_descriptor properties[] = {
      {.utf8name = "join", .method = join_group},
      {.utf8name = "receive", .method = receive_messages},
      {.utf8name = "startPolling", .method = tun_start_polling},
      {.utf8name = "close", .method = tun_queue_close},
  };
  napi_value constructor = NULL;
  NAPI_TRY(env,
           napi_define_class(env, "Netlink", NAPI_AUTO_LENGTH, construct_netlink, NULL,
                             sizeof(properties) / sizeof(properties[0]), properties, &constructor),
           NULL);
  return constructor;
}
