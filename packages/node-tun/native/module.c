/* What JavaScript sees. Loads into any number of environments; none shares state with another. */
#include "tun.h"

static napi_value initialize(napi_env env, napi_value exports)
{
  napi_value queue = define_tun_queue(env);
  napi_value netlink = define_netlink(env);
  if (queue == NULL || netlink == NULL) {
    return NULL;
  }
  const napi_property_descriptor properties[] = {
      {.utf8name = "Queue", .value = queue, .attributes = napi_enumerable},
      {.utf8name = "Netlink", .value = netlink, .attributes = napi_enumerable},
      {.utf8name = "setErrorClass", .method = set_error_class, .attributes = napi_enumerable},
      {.utf8name = "setSocketOptionNumber", .method = set_socket_option_number, .attributes = napi_enumerable},
      {.utf8name = "getSocketOptionNumber", .method = get_socket_option_number, .attributes = napi_enumerable},
      {.utf8name = "setSocketOptionText", .method = set_socket_option_text, .attributes = napi_enumerable},
      {.utf8name = "getSocketOptionText", .method = get_socket_option_text, .attributes = napi_enumerable},
      {.utf8name = "getSocketOptionBytes", .method = get_socket_option_bytes, .attributes = napi_enumerable},
      {.utf8name = "openTcpSocket", .method = open_tcp_socket, .attributes = napi_enumerable},
      {.utf8name = "getUnreadBytes", .method = get_unread_bytes, .attributes = napi_enumerable},
      {.utf8name = "forwardIpv4", .method = forward_ipv4, .attributes = napi_enumerable},
  };
  NAPI_TRY(env, napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties), NULL);
  return exports;
}

NAPI_MODULE_INIT()
{
  return initialize(env, exports);
}
