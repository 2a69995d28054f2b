/* A second descriptor of an open file, which another thread may have as its own. */
#include "tun.h"

#include <errno.h>
#include <fcntl.h>

napi_value duplicate_descriptor(napi_env env, int fd, const char *subject)
{
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? throw_errno(env, errno, "fcntl(F_DUPFD_CLOEXEC)", subject) : make_number(env, copy);
}

/* duplicateDescriptor(fd) */
napi_value duplicate_number(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  int32_t fd = 0;
  if (!get_arguments(env, info, 1, &argument, NULL) || !get_int32(env, argument, &fd)) {
    return NULL;
  }
  return duplicate_descriptor(env, fd, NULL);
}
