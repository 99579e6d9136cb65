// The definitions of the adapter for Redis, for exactly one translation unit of a project that does
// not link the library. It needs hiredis and OpenSSL's libssl.
#pragma once

#include <chain/impl/adapters/redis.ipp>
#include <chain/impl/detail/redis_connection.ipp>
#include <chain/impl/detail/redis_core.ipp>
#include <chain/impl/detail/redis_socket.ipp>
#include <chain/impl/detail/redis_stream_reader.ipp>
#include <chain/impl/detail/redis_streams.ipp>
#include <chain/impl/detail/redis_subscriber.ipp>
#include <chain/impl/detail/redis_wire.ipp>
#include <chain/impl/detail/redis_writer.ipp>
