/* JavaScript values in and out, each with the check its caller needs. */
#include "tun.h"

#include <stdio.h>
#include <string.h>

bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments, napi_value *self)
{
  size_t given = count;
  NAPI_TRY(env, napi_get_cb_info(env, info, &given, arguments, self, NULL), false);
  if (given >= count) {
    return true;
  }
  char message[96];
  (void)snprintf(message, sizeof(message), "%zu arguments given, %zu expected", given, count);
  NAPI_TRY(env, napi_throw_type_error(env, "ERR_MISSING_ARGS", message), false);
  return false;
}

/* Node-API would wrap 2^32 round to 0 and turn NaN into it; a length or offset must not. */
bool get_uint32(napi_env env, napi_value value, uint32_t *result)
{
  double number = 0;
  NAPI_TRY(env, napi_get_value_double(env, value, &number), false);
  if (!(number >= 0 && number <= UINT32_MAX) || number != (double)(uint32_t)number) {
    NAPI_TRY(env, napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "not an unsigned 32-bit integer"), false);
    return false;
  }
  *result = (uint32_t)number;
  return true;
}

bool get_int32(napi_env env, napi_value value, int32_t *result)
{
  double number = 0;
  NAPI_TRY(env, napi_get_value_double(env, value, &number), false);
  if (!(number >= INT32_MIN && number <= INT32_MAX) || number != (double)(int32_t)number) {
    NAPI_TRY(env, napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "not a signed 32-bit integer"), false);
    return false;
  }
  *result = (int32_t)number;
  return true;
}

bool get_bool(napi_env env, napi_value value, bool *result)
{
  NAPI_TRY(env, napi_get_value_bool(env, value, result), false);
  return true;
}

/* `fits` is false when the text is longer than the buffer or holds a NUL: what C would see is not what was given. */
bool get_string(napi_env env, napi_value value, char *buffer, size_t buffer_bytes, bool *fits)
{
  size_t whole = 0;
  size_t copied = 0;
  NAPI_TRY(env, napi_get_value_string_utf8(env, value, NULL, 0, &whole), false);
  NAPI_TRY(env, napi_get_value_string_utf8(env, value, buffer, buffer_bytes, &copied), false);
  *fits = copied == whole && strlen(buffer) == whole;
  return true;
}

bool get_typed_array(napi_env env, napi_value value, napi_typedarray_type type, const char *complaint, void **data,
                     size_t *length)
{
  bool is_typed_array = false;
  napi_typedarray_type actual = type;
  NAPI_TRY(env, napi_is_typedarray(env, value, &is_typed_array), false);
  if (is_typed_array) {
    NAPI_TRY(env, napi_get_typedarray_info(env, value, &actual, length, data, NULL, NULL), false);
  }
  if (is_typed_array && actual == type) {
    return true;
  }
  NAPI_TRY(env, napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", complaint), false);
  return false;
}

napi_value make_number(napi_env env, double number)
{
  napi_value result = NULL;
  NAPI_TRY(env, napi_create_double(env, number, &result), NULL);
  return result;
}

napi_value make_string(napi_env env, const char *text, size_t length)
{
  napi_value result = NULL;
  NAPI_TRY(env, napi_create_string_utf8(env, text, length, &result), NULL);
  return result;
}
