// HTTP: requests, static files, and the browser client.
#include <chain/impl/client_files.ipp>
#include <chain/impl/detail/http_connection.ipp>
#include <chain/impl/detail/http_site.ipp>
