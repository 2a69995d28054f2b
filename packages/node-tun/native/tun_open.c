/* Opens one queue of a TUN interface, which the first of them creates (linux/if_tun.h). */
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char DEVICE_PATH[] = "/dev/net/tun";

/*
 * The flags are the same for every queue: the kernel refuses a queue whose flags differ from the interface's, and
 * IFF_MULTI_QUEUE can't be added later.
 */
static const short QUEUE_FLAGS = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);

/* Returns 0, or the errno with the name of the call that failed. The name is replaced by the kernel's. */
static int configure(int fd, char name[IFNAMSIZ], bool exclusive, const char **failed)
{
  struct ifreq request;
  memset(&request, 0, sizeof(request));
  memcpy(request.ifr_name, name, IFNAMSIZ);
  request.ifr_flags = exclusive ? (short)(QUEUE_FLAGS | IFF_TUN_EXCL) : QUEUE_FLAGS;
  *failed = "ioctl(TUNSETIFF)";
  if (ioctl(fd, TUNSETIFF, &request) < 0) {
    return errno;
  }
  memcpy(name, request.ifr_name, IFNAMSIZ);
  name[IFNAMSIZ - 1] = '\0';

  /* A persistent interface keeps both from whoever had it before. */
  int little_endian = 1;
  *failed = "ioctl(TUNSETVNETLE)";
  if (ioctl(fd, TUNSETVNETLE, &little_endian) < 0) {
    return errno;
  }
  int header_bytes = TUN_HEADER_BYTES;
  *failed = "ioctl(TUNSETVNETHDRSZ)";
  return ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0 ? errno : 0;
}

/* Returns a descriptor, or -1 with an exception pending. */
int tun_open(napi_env env, char name[IFNAMSIZ], bool exclusive)
{
  int fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    (void)throw_errno(env, errno, "open", DEVICE_PATH);
    return -1;
  }
  const char *failed = NULL;
  int error = configure(fd, name, exclusive, &failed);
  if (error != 0) {
    (void)close(fd);
    (void)throw_errno(env, error, failed, name);
    return -1;
  }
  return fd;
}
