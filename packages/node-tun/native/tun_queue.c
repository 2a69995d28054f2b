/*
 * The life of a queue object:
 *
 *   new Queue(name, exclusive) ──▶ open ──close()──▶ closed ──garbage collected──▶ freed
 *                                   └── environment ends, or garbage collected ────▲
 */
#include "tun.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The poller goes first: the loop must not watch a number that the next open may hand to another file. */
static void close_queue(tun_queue *queue)
{
  tun_poller_close(queue);
  if (queue->fd >= 0) {
    (void)close(queue->fd);
    queue->fd = -1;
  }
}

static void finalize_queue(napi_env env, void *data, void *hint)
{
  (void)env;
  (void)hint;
  tun_queue *queue = data;
  close_queue(queue);
  tun_scratch_free(&queue->scratch);
  free(queue);
}

/* The queue a method was called on, its arguments and, unless `self` is NULL, its object; NULL with an exception pending. */
tun_queue *tun_queue_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments,
                               napi_value *self)
{
  napi_value object = NULL;
  void *queue = NULL;
  if (!get_arguments(env, info, count, arguments, &object)) {
    return NULL;
  }
  NAPI_TRY(env, napi_unwrap(env, object, &queue), NULL);
  if (self != NULL) {
    *self = object;
  }
  return queue;
}

bool tun_queue_is_open(napi_env env, const tun_queue *queue, const char *syscall_name)
{
  if (queue->fd >= 0) {
    return true;
  }
  (void)throw_errno(env, EBADF, syscall_name, queue->name);
  return false;
}

/* Too long is said here because the kernel would cut the name and open another interface. */
static bool get_interface_name(napi_env env, napi_value value, char name[IFNAMSIZ])
{
  bool fits = false;
  memset(name, 0, IFNAMSIZ);
  if (!get_string(env, value, name, IFNAMSIZ, &fits)) {
    return false;
  }
  if (!fits) {
    (void)throw_errno(env, strlen(name) == IFNAMSIZ - 1 ? ENAMETOOLONG : EINVAL, "ioctl(TUNSETIFF)", name);
  }
  return fits;
}

/* Has the object own the descriptor, which is closed when that fails. */
napi_value tun_queue_wrap(napi_env env, napi_value self, int fd, const char *name)
{
  tun_queue *queue = calloc(1, sizeof(*queue));
  if (queue == NULL) {
    (void)close(fd);
    return throw_errno(env, ENOMEM, "open", name);
  }
  strncpy(queue->name, name, IFNAMSIZ - 1);
  queue->fd = fd;
  if (napi_wrap(env, self, queue, finalize_queue, NULL, NULL) != napi_ok) {
    throw_napi_failure(env);
    finalize_queue(env, queue, NULL);
    return NULL;
  }
  return self;
}

static napi_value construct_queue(napi_env env, napi_callback_info info)
{
  napi_value arguments[2];
  napi_value self = NULL;
  bool exclusive = false;
  char name[IFNAMSIZ];
  napi_value new_target = NULL;
  NAPI_TRY(env, napi_get_new_target(env, info, &new_target), NULL);
  if (new_target == NULL) {
    NAPI_TRY(env, napi_throw_type_error(env, "ERR_CONSTRUCT_CALL_REQUIRED", "Queue is called without new"), NULL);
    return NULL;
  }
  if (!get_arguments(env, info, 2, arguments, &self) || !get_interface_name(env, arguments[0], name) ||
      !get_bool(env, arguments[1], &exclusive)) {
    return NULL;
  }
  int fd = tun_open(env, name, exclusive);
  return fd < 0 ? NULL : tun_queue_wrap(env, self, fd, name);
}

static napi_value get_name(napi_env env, napi_callback_info info)
{
  tun_queue *queue = tun_queue_arguments(env, info, 0, NULL, NULL);
  return queue == NULL ? NULL : make_string(env, queue->name, strlen(queue->name));
}

/* One ioctl whose argument is an unsigned number passed by value. */
static napi_value number_ioctl(napi_env env, napi_callback_info info, unsigned long request, const char *syscall_name)
{
  napi_value argument = NULL;
  uint32_t number = 0;
  tun_queue *queue = tun_queue_arguments(env, info, 1, &argument, NULL);
  if (queue == NULL || !get_uint32(env, argument, &number) || !tun_queue_is_open(env, queue, syscall_name)) {
    return NULL;
  }
  if (ioctl(queue->fd, request, (unsigned long)number) < 0) {
    return throw_errno(env, errno, syscall_name, queue->name);
  }
  return NULL;
}

static napi_value set_offload(napi_env env, napi_callback_info info)
{
  return number_ioctl(env, info, TUNSETOFFLOAD, "ioctl(TUNSETOFFLOAD)");
}

static napi_value set_persistent(napi_env env, napi_callback_info info)
{
  return number_ioctl(env, info, TUNSETPERSIST, "ioctl(TUNSETPERSIST)");
}

static napi_value set_owner(napi_env env, napi_callback_info info)
{
  return number_ioctl(env, info, TUNSETOWNER, "ioctl(TUNSETOWNER)");
}

static napi_value set_group(napi_env env, napi_callback_info info)
{
  return number_ioctl(env, info, TUNSETGROUP, "ioctl(TUNSETGROUP)");
}

static napi_value set_attached(napi_env env, napi_callback_info info)
{
  napi_value argument = NULL;
  bool attached = false;
  tun_queue *queue = tun_queue_arguments(env, info, 1, &argument, NULL);
  if (queue == NULL || !get_bool(env, argument, &attached) || !tun_queue_is_open(env, queue, "ioctl(TUNSETQUEUE)")) {
    return NULL;
  }
  struct ifreq request;
  memset(&request, 0, sizeof(request));
  request.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
  if (ioctl(queue->fd, TUNSETQUEUE, &request) < 0) {
    return throw_errno(env, errno, "ioctl(TUNSETQUEUE)", queue->name);
  }
  return NULL;
}

napi_value tun_queue_close(napi_env env, napi_callback_info info)
{
  tun_queue *queue = tun_queue_arguments(env, info, 0, NULL, NULL);
  if (queue != NULL) {
    close_queue(queue);
  }
  return NULL;
}

/* V8 checks the receiver of every method against this class, so a method never sees another object's data. */
napi_value define_tun_queue(napi_env env)
{
  const napi_property_descriptor properties[] = {
      {.utf8name = "name", .getter = get_name, .attributes = napi_enumerable},
      {.utf8name = "readBatch", .method = tun_read_batch},
      {.utf8name = "writeBatch", .method = tun_write_batch},
      {.utf8name = "startPolling", .method = tun_start_polling},
      {.utf8name = "stopPolling", .method = tun_stop_polling},
      {.utf8name = "setAttached", .method = set_attached},
      {.utf8name = "setOffload", .method = set_offload},
      {.utf8name = "setPersistent", .method = set_persistent},
      {.utf8name = "setOwner", .method = set_owner},
      {.utf8name = "setGroup", .method = set_group},
      {.utf8name = "close", .method = tun_queue_close},
  };
  napi_value constructor = NULL;
  NAPI_TRY(env,
           napi_define_class(env, "Queue", NAPI_AUTO_LENGTH, construct_queue, NULL,
                             sizeof(properties) / sizeof(properties[0]), properties, &constructor),
           NULL);
  return constructor;
}
