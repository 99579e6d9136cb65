// Server-Sent Events: the connection, the tabs and the transport.
#include <chain/impl/detail/http_rules.ipp>
#include <chain/impl/detail/sse_connection.ipp>
#include <chain/impl/detail/sse_tabs.ipp>
#include <chain/impl/transports/sse.ipp>
