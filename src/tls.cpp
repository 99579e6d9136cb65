// TLS, a library of its own: chain::tls.
#include <chain/impl/tls.ipp>
