/*
 * Watches a queue's descriptor on the environment's event loop.
 *
 * A poller outlives its queue by one turn of the loop: libuv calls on_closed after uv_close, and only then may the memory
 * go. The clean-up hook of the environment (process or worker) waits for that too; it exists from the first
 * startPolling to on_closed and does nothing when the poller is closing already.
 */
#include "tun.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct tun_poller {
  uv_poll_t handle;
  napi_env env;
  tun_queue *queue;
  napi_async_cleanup_hook_handle cleanup;
  napi_ref receiver; /* the queue's object and */
  napi_ref callback; /* onReadable: held while polling, so that neither is collected */
};

static void release_references(tun_poller *poller)
{
  if (poller->receiver != NULL) {
    (void)napi_delete_reference(poller->env, poller->receiver);
    poller->receiver = NULL;
  }
  if (poller->callback != NULL) {
    (void)napi_delete_reference(poller->env, poller->callback);
    poller->callback = NULL;
  }
}

/* The environment may be gone by now; the hook's handle keeps what its removal needs. */
static void on_closed(uv_handle_t *handle)
{
  tun_poller *poller = handle->data;
  (void)napi_remove_async_cleanup_hook(poller->cleanup);
  free(poller);
}

void tun_poller_close(tun_queue *queue)
{
  tun_poller *poller = queue->poller;
  if (poller == NULL) {
    return;
  }
  queue->poller = NULL;
  poller->queue = NULL;
  release_references(poller);
  uv_close((uv_handle_t *)&poller->handle, on_closed);
}

static void on_environment_cleanup(napi_async_cleanup_hook_handle handle, void *data)
{
  (void)handle;
  tun_poller *poller = data;
  if (poller->queue != NULL) {
    tun_poller_close(poller->queue);
  }
}

/* On an error (the interface is gone) libuv has stopped the handle; the reader learns the errno from its read. */
static void on_ready(uv_poll_t *handle, int status, int events)
{
  (void)status;
  (void)events;
  tun_poller *poller = handle->data;
  call_into_js(poller->env, poller->receiver, poller->callback);
}

static bool create_poller(napi_env env, tun_queue *queue)
{
  uv_loop_t *loop = NULL;
  NAPI_TRY(env, napi_get_uv_event_loop(env, &loop), false);
  tun_poller *poller = calloc(1, sizeof(*poller));
  if (poller == NULL) {
    (void)throw_errno(env, ENOMEM, "uv_poll_init", queue->name);
    return false;
  }
  int status = uv_poll_init(loop, &poller->handle, queue->fd);
  if (status < 0) {
    free(poller);
    (void)throw_errno(env, -status, "uv_poll_init", queue->name);
    return false;
  }
  poller->handle.data = poller;
  poller->env = env;
  poller->queue = queue;
  queue->poller = poller;
  /* Without the hook the poller would outlive a worker's loop, so it goes again. */
  if (napi_add_async_cleanup_hook(env, on_environment_cleanup, poller, &poller->cleanup) != napi_ok) {
    throw_napi_failure(env);
    tun_poller_close(queue);
    return false;
  }
  return true;
}

static bool hold_references(napi_env env, tun_poller *poller, napi_value self, napi_value callback)
{
  release_references(poller);
  NAPI_TRY(env, napi_create_reference(env, self, 1, &poller->receiver), false);
  NAPI_TRY(env, napi_create_reference(env, callback, 1, &poller->callback), false);
  return true;
}

/* startPolling(onReadable); a second call replaces the callback */
napi_value tun_start_polling(napi_env env, napi_callback_info info)
{
  napi_value callback = NULL;
  napi_value self = NULL;
  napi_valuetype type = napi_undefined;
  tun_queue *queue = tun_queue_arguments(env, info, 1, &callback, &self);
  if (queue == NULL) {
    return NULL;
  }
  NAPI_TRY(env, napi_typeof(env, callback, &type), NULL);
  if (type != napi_function) {
    NAPI_TRY(env, napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "onReadable is not a function"), NULL);
    return NULL;
  }
  if (!tun_queue_is_open(env, queue, "uv_poll_start") || (queue->poller == NULL && !create_poller(env, queue)) ||
      !hold_references(env, queue->poller, self, callback)) {
    return NULL;
  }
  int status = uv_poll_start(&queue->poller->handle, UV_READABLE, on_ready);
  return status < 0 ? throw_errno(env, -status, "uv_poll_start", queue->name) : NULL;
}

napi_value tun_stop_polling(napi_env env, napi_callback_info info)
{
  tun_queue *queue = tun_queue_arguments(env, info, 0, NULL, NULL);
  if (queue == NULL || queue->poller == NULL) {
    return NULL;
  }
  release_references(queue->poller);
  int status = uv_poll_stop(&queue->poller->handle);
  return status < 0 ? throw_errno(env, -status, "uv_poll_stop", queue->name) : NULL;
}
