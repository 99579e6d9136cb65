// What nodes send one another: a versioned, checked, bounded frame.
#pragma once

#include <chain/detail/random_id.hpp>
#include <chain/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain::detail {

/// A publication as it travels between nodes. The views look into the bytes it was read from.
struct ClusterFrame {
    enum class Kind : std::uint8_t {
        broadcast = 1,
        publication = 2,
        node = 3, ///< From the library to itself: the topic is a node's id, or "all".
    };

    Kind kind = Kind::broadcast;
    bool binary = false;
    RandomId node{}; ///< Who sent it.
    std::string_view topic = {};
    std::string_view event = {}; ///< Empty for a publication; what kind of message for a node.
    std::string_view payload = {};
};

/// Longest frame that is sent or read.
inline constexpr std::size_t max_cluster_frame = 16 << 20;

/// Do these bytes mean to be a cluster frame? JSON never begins like one.
bool is_cluster_frame(std::string_view bytes) noexcept;
/// Did this node send it? By its head alone.
bool sent_by(std::string_view bytes, const RandomId& node) noexcept;
/// How long it is when it is written.
std::size_t cluster_frame_size(const ClusterFrame& frame) noexcept;
std::string write_cluster_frame(const ClusterFrame& frame);
/// @return the frame, or `Errc::invalid_cluster_frame`.
result<ClusterFrame> read_cluster_frame(std::string_view bytes);

} // namespace chain::detail
