// SseConnection: a session's stream of server-sent events.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/stream_connection.hpp>

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

struct Unclaimed;

/// Writes a session's events behind the head of an HTTP response; the body ends with the
/// connection. The client sends nothing on it.
class SseConnection : public StreamConnection {
  public:
    SseConnection(Ref<SessionCore> session, std::chrono::milliseconds keep_alive);

    /// Says how soon to come back, attaches itself to the session, and waits for the stream's end.
    void start(std::uint32_t claim, std::chrono::milliseconds retry);

    Framing framing() const noexcept override { return Framing::sse; }
    std::size_t write(std::string_view bytes) noexcept override;
    void close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept override;

  private:
    void take(std::span<char>) override {}
    void watch() override;
    void lost() override;
    void rest_sent() noexcept override;

    std::chrono::milliseconds keep_alive_;
    std::uint32_t wrote_ = 0; ///< When something was written last, in the lane's ticks.
};

/// Makes `stream`, on which the head of the response is written, that of `session`, on the
/// session's own lane; it is claimed then.
/// @param claim  that with which the session was resumed, or 0
void start_sse(std::unique_ptr<ByteStream> stream, const Ref<SessionCore>& session,
               std::uint32_t claim, std::shared_ptr<Unclaimed> unclaimed,
               std::chrono::milliseconds retry, std::chrono::milliseconds keep_alive);

} // namespace chain::detail
