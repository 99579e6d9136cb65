// StreamMaker: what a Server needs of TLS, without linking it.
#pragma once

#include <chain/detail/byte_stream.hpp>

#include <functional>
#include <memory>

namespace chain::detail {

/// Makes the stream that HTTP is spoken on of a client's connection.
class StreamMaker {
  public:
    virtual ~StreamMaker() = default;

    /// The stream; `handshake` comes next. Thread-safe.
    virtual std::unique_ptr<ByteStream> wrap(HttpSocket socket) = 0;
    /// Does the handshake of what `wrap` has made.
    virtual void handshake(ByteStream& stream, std::function<void(error_code)> done) = 0;
    /// Reads its files again: connections that come from now on get what is in them.
    virtual void reload() = 0;
};

} // namespace chain::detail
