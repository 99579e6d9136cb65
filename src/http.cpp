// HTTP: requests, static files, the browser client, and requests that an application hands over.
#include <chain/impl/client_files.ipp>
#include <chain/impl/detail/exchange.ipp>
#include <chain/impl/detail/http_connection.ipp>
#include <chain/impl/detail/http_handler.ipp>
#include <chain/impl/detail/http_message.ipp>
#include <chain/impl/detail/http_site.ipp>
#include <chain/impl/detail/linger.ipp>
