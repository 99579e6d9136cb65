// StreamAgent: works a stream that knows no readiness, such as TLS, for a session's connection.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/visitors.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// What a StreamAgent tells, on the lane.
class AgentEvents {
  public:
    virtual void agent_read(error_code failed, std::span<char> bytes) = 0;
    virtual void agent_wrote(error_code failed) = 0;
    virtual void agent_parted() = 0;

  protected:
    ~AgentEvents() = default;
};

/// Works a stream for a connection, which lives on a lane: where the stream has another executor,
/// by post. Has one `async_read_some` outstanding, and at most one `async_write`. All members but
/// the constructor are for the lane.
class StreamAgent final : public Visitor, public std::enable_shared_from_this<StreamAgent> {
  public:
    /// On the stream's executor.
    StreamAgent(std::unique_ptr<ByteStream> stream, Ref<Lane> lane);
    ~StreamAgent();

    /// Tells this object, which must be there until that is told.
    using Owner = std::shared_ptr<AgentEvents>;
    void read(Owner owner);
    /// Takes some bytes, unless others are on their way. @return how many were taken
    std::size_t write(std::string_view bytes, Owner owner);
    bool writing() const noexcept { return !out_.empty(); }
    /// Reads nothing more, and says good-bye to the peer.
    void part(Owner owner);
    void close() noexcept;
    std::shared_ptr<void> context_gone() noexcept override;

  private:
    /// Taken at once: enough for a batch, and a bound to what is copied.
    static constexpr std::size_t most = 64 * 1024;

    void say_goodbye(Owner owner);
    void on_stream(std::function<void(ByteStream&)> f);
    void on_lane(std::function<void()> f);

    std::unique_ptr<ByteStream> stream_;
    net::any_io_executor executor_;
    Ref<Lane> lane_;
    std::shared_ptr<Visitors> visitors_; ///< Null when the stream lives on the lane.
    // On the stream's executor.
    std::weak_ptr<AgentEvents> owner_;
    bool reading_ = false;
    bool parting_ = false;
    // Shared by both, but never at once.
    std::array<char, 4096> in_;
    std::string out_;
};

} // namespace chain::detail
