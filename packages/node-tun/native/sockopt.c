/* socket, getsockopt and setsockopt; which option means what is the caller's. */
#include "tun.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TEXT_OPTION_BYTES 64

typedef struct {
  int32_t fd;
  int32_t level;
  int32_t option;
  napi_value value;
} socket_option;

/* (fd, level, option) and a value when `count` is 4 */
static bool get_socket_option(napi_env env, napi_callback_info info, size_t count, socket_option *result)
{
  napi_value arguments[4] = {NULL, NULL, NULL, NULL};
  if (!get_arguments(env, info, count, arguments, NULL) || !get_int32(env, arguments[0], &result->fd) ||
      !get_int32(env, arguments[1], &result->level) || !get_int32(env, arguments[2], &result->option)) {
    return false;
  }
  result->value = arguments[3];
  return true;
}

static napi_value set_option(napi_env env, const socket_option *target, const void *value, socklen_t bytes)
{
  if (setsockopt(target->fd, target->level, target->option, value, bytes) < 0) {
    return throw_errno(env, errno, "setsockopt", NULL);
  }
  return NULL;
}

napi_value set_socket_option_number(napi_env env, napi_callback_info info)
{
  socket_option target;
  int32_t number = 0;
  if (!get_socket_option(env, info, 4, &target) || !get_int32(env, target.value, &number)) {
    return NULL;
  }
  return set_option(env, &target, &number, sizeof(number));
}

napi_value get_socket_option_number(napi_env env, napi_callback_info info)
{
  socket_option target;
  int32_t number = 0;
  socklen_t bytes = sizeof(number);
  if (!get_socket_option(env, info, 3, &target)) {
    return NULL;
  }
  if (getsockopt(target.fd, target.level, target.option, &number, &bytes) < 0) {
    return throw_errno(env, errno, "getsockopt", NULL);
  }
  return make_number(env, number);
}

napi_value set_socket_option_text(napi_env env, napi_callback_info info)
{
  socket_option target;
  char text[TEXT_OPTION_BYTES];
  bool fits = false;
  if (!get_socket_option(env, info, 4, &target) || !get_string(env, target.value, text, sizeof(text), &fits)) {
    return NULL;
  }
  return fits ? set_option(env, &target, text, (socklen_t)strlen(text)) : throw_errno(env, EINVAL, "setsockopt", NULL);
}

napi_value get_socket_option_text(napi_env env, napi_callback_info info)
{
  socket_option target;
  char text[TEXT_OPTION_BYTES];
  socklen_t bytes = sizeof(text);
  if (!get_socket_option(env, info, 3, &target)) {
    return NULL;
  }
  if (getsockopt(target.fd, target.level, target.option, text, &bytes) < 0) {
    return throw_errno(env, errno, "getsockopt", NULL);
  }
  return make_string(env, text, strnlen(text, bytes));
}

/* getSocketOptionBytes(fd, level, option, buffer): fills the buffer as far as the kernel has something, and says how far */
napi_value get_socket_option_bytes(napi_env env, napi_callback_info info)
{
  socket_option target;
  void *bytes = NULL;
  size_t capacity = 0;
  if (!get_socket_option(env, info, 4, &target) ||
      !get_typed_array(env, target.value, napi_uint8_array, "not a Uint8Array", &bytes, &capacity)) {
    return NULL;
  }
  socklen_t length = (socklen_t)capacity;
  if (getsockopt(target.fd, target.level, target.option, bytes, &length) < 0) {
    return throw_errno(env, errno, "getsockopt", NULL);
  }
  return make_number(env, length);
}

/* openTcpSocket(family): a descriptor that is the caller's */
napi_value open_tcp_socket(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  int32_t family = 0;
  if (!get_arguments(env, info, 1, &argument, NULL) || !get_int32(env, argument, &family)) {
    return NULL;
  }
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? throw_errno(env, errno, "socket", NULL) : make_number(env, fd);
}

/* getUnreadBytes(fd): what was written and the other end of a local socket has not read */
napi_value get_unread_bytes(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  int32_t fd = 0;
  int bytes = 0;
  if (!get_arguments(env, info, 1, &argument, NULL) || !get_int32(env, argument, &fd)) {
    return NULL;
  }
  return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? throw_errno(env, errno, "ioctl(SIOCOUTQ)", NULL) : make_number(env, bytes);
}
