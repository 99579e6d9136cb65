// WebSocket: the codec, the connection and the transport.
#include <chain/impl/detail/http_transport.ipp>
#include <chain/impl/detail/plain_connection.ipp>
#include <chain/impl/detail/subprotocol.ipp>
#include <chain/impl/detail/ws_connection.ipp>
#include <chain/impl/transports/websocket.ipp>
#include <chain/impl/ws_codec.ipp>
#include <chain/impl/ws_deflate.ipp>
