// WebSocket: the codec, the connection and the transport.
#include <chain/impl/detail/http_transport.ipp>
#include <chain/impl/detail/stream_agent.ipp>
#include <chain/impl/detail/stream_connection.ipp>
#include <chain/impl/detail/subprotocol.ipp>
#include <chain/impl/detail/ws_connection.ipp>
#include <chain/impl/transports/websocket.ipp>
#include <chain/impl/ws_codec.ipp>
