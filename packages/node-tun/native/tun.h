/*
 * Shared by the files of the addon. Mechanism only: it opens TUN queues, moves bytes and reports errors; it never
 * looks into a packet and decides nothing.
 *
 *   module.c      what JavaScript sees, per-environment data
 *   tun_queue.c   life of a queue object: constructor, ioctls on it, close, finalizer
 *   tun_open.c    /dev/net/tun and TUNSETIFF
 *   tun_io.c      readBatch and writeBatch
 *   tun_poll.c    uv_poll on the environment's loop, clean-up with the environment
 *   netlink.c     a socket that is told of changes in the network, polled and closed as a queue
 *   sockopt.c     socket, getsockopt and setsockopt
 *   link.c        a setting of a link, by netlink
 *   values.c      JavaScript values in and out
 *   errors.c      errors and calls into JavaScript
 */
#ifndef REVERSED_VPN_TUN_H
#define REVERSED_VPN_TUN_H

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#include <net/if.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The layout of `struct virtio_net_hdr` without `num_buffers` (linux/virtio_net.h). */
#define TUN_HEADER_BYTES 10
#define TUN_MAX_FRAME_BYTES (TUN_HEADER_BYTES + 65535)

/* Every Node-API result passes here: a failure becomes a pending exception and the function returns `failed`. */
#define NAPI_TRY(env, call, failed)                                                                          \
  do {                                                                                                       \
    if ((call) != napi_ok) {                                                                                 \
      throw_napi_failure(env);                                                                               \
      return failed;                                                                                         \
    }                                                                                                        \
  } while (0)

/* One frame of a batch: pieces[first .. first + count) of the plan. */
typedef struct {
  size_t first;
  size_t count;
  uint64_t bytes;
} tun_frame;

/* Memory that writeBatch reuses from call to call; grows to the largest batch seen, freed with the queue. */
typedef struct {
  struct iovec *chunks;
  size_t chunk_capacity;
  struct iovec *pieces;
  size_t piece_capacity;
  tun_frame *frames;
  size_t frame_capacity;
  uint8_t *flat;
} tun_scratch;

typedef struct tun_poller tun_poller;

typedef struct {
  int fd;             /* -1 once closed */
  tun_poller *poller; /* NULL before the first startPolling and after close */
  char name[IFNAMSIZ];
  tun_scratch scratch;
} tun_queue;

/* errors.c */
void throw_napi_failure(napi_env env);
napi_value throw_errno(napi_env env, int error, const char *syscall_name, const char *subject);
napi_value set_error_class(napi_env env, napi_callback_info info);
void call_into_js(napi_env env, napi_ref receiver_ref, napi_ref function_ref);

/* values.c; those that return bool leave an exception pending when false */
bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, napi_value *self);
bool get_uint32(napi_env env, napi_value value, uint32_t *result);
bool get_int32(napi_env env, napi_value value, int32_t *result);
bool get_bool(napi_env env, napi_value value, bool *result);
bool get_string(napi_env env, napi_value value, char *buffer, size_t buffer_bytes, bool *fits);
bool get_typed_array(napi_env env, napi_value value, napi_typedarray_type type, const char *complaint, void **data,
                     size_t *length);
napi_value make_number(napi_env env, double number);
napi_value make_string(napi_env env, const char *text, size_t length);

/* tun_open.c */
int tun_open(napi_env env, char name[IFNAMSIZ], bool exclusive);

/* tun_queue.c */
tun_queue *tun_queue_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments,
                               napi_value *self);
bool tun_queue_is_open(napi_env env, const tun_queue *queue, const char *syscall_name);
napi_value tun_queue_wrap(napi_env env, napi_value self, int fd, const char *name);
napi_value tun_queue_close(napi_env env, napi_callback_info info);
napi_value define_tun_queue(napi_env env);

/* netlink.c */
napi_value define_netlink(napi_env env);

/* tun_io.c */
napi_value tun_read_batch(napi_env env, napi_callback_info info);
napi_value tun_write_batch(napi_env env, napi_callback_info info);
void tun_scratch_free(tun_scratch *scratch);

/* tun_poll.c */
napi_value tun_start_polling(napi_env env, napi_callback_info info);
napi_value tun_stop_polling(napi_env env, napi_callback_info info);
void tun_poller_close(tun_queue *queue);

/* sockopt.c */
napi_value set_socket_option_number(napi_env env, napi_callback_info info);
napi_value get_socket_option_number(napi_env env, napi_callback_info info);
napi_value set_socket_option_text(napi_env env, napi_callback_info info);
napi_value get_socket_option_text(napi_env env, napi_callback_info info);
napi_value get_socket_option_bytes(napi_env env, napi_callback_info info);
napi_value open_tcp_socket(napi_env env, napi_callback_info info);
napi_value get_unread_bytes(napi_env env, napi_callback_info info);

/* link.c */
napi_value forward_ipv4(napi_env env, napi_callback_info info);

#endif
