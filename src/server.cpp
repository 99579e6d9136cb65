// The ready-made server.
#include <chain/impl/detail/server_core.ipp>
#include <chain/impl/server.ipp>
