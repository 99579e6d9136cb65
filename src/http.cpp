// HTTP: requests, static files, the browser client, and requests that an application hands over.
#include <chain/impl/client_files.ipp>
#include <chain/impl/detail/exchange.ipp>
#include <chain/impl/detail/forward_end.ipp>
#include <chain/impl/detail/forward_frame.ipp>
#include <chain/impl/detail/forward_in.ipp>
#include <chain/impl/detail/forward_out.ipp>
#include <chain/impl/detail/forwards.ipp>
#include <chain/impl/detail/http_connection.ipp>
#include <chain/impl/detail/http_handler.ipp>
#include <chain/impl/detail/http_message.ipp>
#include <chain/impl/detail/http_site.ipp>
#include <chain/impl/detail/linger.ipp>
