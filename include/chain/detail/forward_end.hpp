// ForwardEnd: one of the two nodes that a forwarded request is about.
#pragma once

#include <chain/detail/cluster_service.hpp>
#include <chain/detail/forward_frame.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace chain::detail {

/// A request's id, and the other node: that where it came in, or that of its session.
struct ForwardKey {
    RandomId node;
    std::uint64_t id;

    auto operator<=>(const ForwardKey&) const = default;
};

/// One end of a forwarded request: what it sends the other one, in which order that comes, and how
/// many bytes of a stream may be on their way.
class ForwardEnd {
  public:
    /// What nodes call such messages.
    static constexpr std::string_view kind_name = "forward";
    /// Signs of life that may be missing.
    static constexpr unsigned patience = 3;

    /// @param served  Is this the node that serves the request?
    /// @param room  bytes of the stream that may be on their way, each way
    ForwardEnd(std::shared_ptr<ClusterService> cluster, const ForwardKey& key, bool served,
               std::size_t room);

    const ForwardKey& key() const noexcept { return key_; }
    /// @return false when the broker cannot take it: then the other end must be given up
    bool send(ForwardFrame::Kind kind, std::string_view body = {});
    /// Sends as much of a stream as there is room for, and cuts it off the front of `bytes`.
    bool send_some(std::string_view& bytes);
    /// Bytes of the stream that may be sent now.
    std::size_t room() const noexcept { return room_; }

    enum class Order : std::uint8_t { next, again, gap };
    /// Is this the frame that was to come? If so, it was a sign of life, too.
    Order order(const ForwardFrame& frame) noexcept;
    /// The other end has passed on some bytes. @return false when it makes no sense
    bool more_room(std::string_view body) noexcept;
    /// Counts bytes that have come. @return false when there are more than had room
    bool came(std::size_t bytes) noexcept;
    /// Bytes that came were passed on.
    bool passed_on(std::size_t bytes);
    /// It is time for a sign of life. @return false when the other end has given none for too long
    bool tick();

  private:
    std::shared_ptr<ClusterService> cluster_;
    ForwardKey key_;
    bool served_;
    std::size_t limit_;
    std::size_t room_;           ///< Of what is sent.
    std::size_t on_its_way_ = 0; ///< Has come, and is not reported as passed on.
    std::size_t passed_on_ = 0;  ///< Of it, what was passed on.
    std::uint32_t sent_ = 0;
    std::uint32_t received_; ///< Begins with the request, where that is served.
    unsigned silent_ = 0;
};

} // namespace chain::detail
