/* Errors towards JavaScript, and the one place that calls into it. */
#include "tun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Per environment, so that every worker has its own. */
typedef struct {
  napi_ref error_class;
} addon_data;

/* The status must be read before any other Node-API call replaces it. */
void throw_napi_failure(napi_env env)
{
  const napi_extended_error_info *failure = NULL;
  const char *message = "Node-API call failed";
  if (napi_get_last_error_info(env, &failure) == napi_ok && failure->error_message != NULL) {
    message = failure->error_message;
  }
  bool is_pending = false;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && is_pending) {
    return;
  }
  (void)napi_throw_error(env, "ERR_TUN_NATIVE", message);
}

static void free_addon_data(napi_env env, void *data, void *hint)
{
  (void)env;
  (void)hint;
  free(data);
}

/* setErrorClass(SyscallError): what throw_errno constructs. Called once per environment by the loader. */
napi_value set_error_class(napi_env env, napi_callback_info info)
{
  napi_value error_class = NULL;
  if (!get_arguments(env, info, 1, &error_class, NULL)) {
    return NULL;
  }
  addon_data *data = calloc(1, sizeof(*data));
  if (data == NULL) {
    (void)napi_throw_error(env, "ENOMEM", "out of memory");
    return NULL;
  }
  if (napi_create_reference(env, error_class, 1, &data->error_class) != napi_ok ||
      napi_set_instance_data(env, data, free_addon_data, NULL) != napi_ok) {
    throw_napi_failure(env);
    free(data);
  }
  return NULL;
}

/* libuv names what it knows; EBADFD, which a TUN whose interface is gone reports, it does not. */
static const char *errno_name(int error)
{
  return error == EBADFD ? "EBADFD" : uv_err_name(-error);
}

static const char *errno_text(int error)
{
  return error == EBADFD ? "file descriptor in bad state" : uv_strerror(-error);
}

/* Throws new SyscallError(code, errno, syscall, message); errno is negative as in Node. Returns NULL for `return throw_errno(…)`. */
napi_value throw_errno(napi_env env, int error, const char *syscall_name, const char *subject)
{
  char message[256];
  bool has_subject = subject != NULL && subject[0] != '\0';
  int length = snprintf(message, sizeof(message), "%s: %s, %s%s%s%s", errno_name(error), errno_text(error),
                        syscall_name, has_subject ? " '" : "", has_subject ? subject : "", has_subject ? "'" : "");
  if (length < 0 || (size_t)length >= sizeof(message)) {
    length = (int)strlen(message);
  }

  void *data = NULL;
  NAPI_TRY(env, napi_get_instance_data(env, &data), NULL);
  if (data == NULL) {
    (void)napi_throw_error(env, errno_name(error), message);
    return NULL;
  }
  napi_value error_class = NULL;
  napi_value arguments[4];
  napi_value instance = NULL;
  NAPI_TRY(env, napi_get_reference_value(env, ((addon_data *)data)->error_class, &error_class), NULL);
  NAPI_TRY(env, napi_create_string_utf8(env, errno_name(error), NAPI_AUTO_LENGTH, &arguments[0]), NULL);
  NAPI_TRY(env, napi_create_int32(env, -error, &arguments[1]), NULL);
  NAPI_TRY(env, napi_create_string_utf8(env, syscall_name, NAPI_AUTO_LENGTH, &arguments[2]), NULL);
  NAPI_TRY(env, napi_create_string_utf8(env, message, (size_t)length, &arguments[3]), NULL);
  NAPI_TRY(env, napi_new_instance(env, error_class, 4, arguments, &instance), NULL);
  NAPI_TRY(env, napi_throw(env, instance), NULL);
  return NULL;
}

/* An exception that no JavaScript frame can catch: 'uncaughtException', as for any event handler. */
static void report_uncaught(napi_env env)
{
  bool is_pending = false;
  napi_value exception = NULL;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && is_pending &&
      napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
    (void)napi_fatal_exception(env, exception);
  }
}

/*
 * Calls function.call(receiver) from the event loop, microtasks and ticks after it. The callee may close what it was
 * called for, so the caller must not touch that afterwards. A worker that is being terminated is not called.
 */
void call_into_js(napi_env env, napi_ref receiver_ref, napi_ref function_ref)
{
  napi_handle_scope scope = NULL;
  napi_value receiver = NULL;
  napi_value function = NULL;
  if (napi_open_handle_scope(env, &scope) != napi_ok) {
    return;
  }
  if (napi_get_reference_value(env, receiver_ref, &receiver) == napi_ok && receiver != NULL &&
      napi_get_reference_value(env, function_ref, &function) == napi_ok && function != NULL &&
      napi_make_callback(env, NULL, receiver, function, 0, NULL, NULL) != napi_ok) {
    report_uncaught(env);
  }
  (void)napi_close_handle_scope(env, scope);
}
