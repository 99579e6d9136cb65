// The definitions of <chain/tls.hpp>, for a project that does not link chain::tls: include it where
// <chain/src.hpp> is included, and link OpenSSL's ssl and crypto.
#pragma once

#include <chain/impl/tls.ipp>
