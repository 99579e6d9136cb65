// linger: the end of a stream whose client may still be sending.
#pragma once

#include <chain/detail/byte_stream.hpp>

#include <chrono>
#include <functional>

namespace chain::detail {

/// Says good-bye on a stream on which the last answer was written. What the client still sends is
/// read for a while and dropped: closing at once would reset the connection, and the client might
/// lose the answer. `done`, which keeps the stream, is called at the end; the stream is for closing
/// then.
void linger(ByteStream& stream, std::chrono::milliseconds at_most, std::function<void()> done);

} // namespace chain::detail
