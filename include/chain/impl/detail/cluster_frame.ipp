// Definitions of <chain/detail/cluster_frame.hpp>.
#pragma once

#include <chain/detail/cluster_frame.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/topic.hpp>

#include <algorithm>

namespace chain::detail {

// Layout: magic 'C', version 1, kind, flags, node (16 bytes), topic length, event length (1 byte
// each), topic, event, payload.
inline constexpr char cluster_magic = 'C';
inline constexpr char cluster_version = 1;
inline constexpr std::size_t cluster_header = 22;

bool is_cluster_frame(std::string_view bytes) noexcept { return bytes.starts_with(cluster_magic); }

bool sent_by(std::string_view bytes, const RandomId& node) noexcept {
    const std::string_view id(reinterpret_cast<const char*>(node.data()), node.size());
    return is_cluster_frame(bytes) &&
           bytes.substr(std::min(bytes.size(), std::size_t{4})).starts_with(id);
}

std::size_t cluster_frame_size(const ClusterFrame& frame) noexcept {
    return cluster_header + frame.topic.size() + frame.event.size() + frame.payload.size();
}

std::string write_cluster_frame(const ClusterFrame& frame) {
    std::string out;
    out.reserve(cluster_frame_size(frame));
    out += cluster_magic;
    out += cluster_version;
    out += static_cast<char>(frame.kind);
    out += frame.binary ? '\1' : '\0';
    out.append(reinterpret_cast<const char*>(frame.node.data()), frame.node.size());
    out += static_cast<char>(frame.topic.size());
    out += static_cast<char>(frame.event.size());
    out.append(frame.topic).append(frame.event).append(frame.payload);
    return out;
}

bool well_formed(const ClusterFrame& frame) noexcept {
    if (!valid_topic(frame.topic)) return false;
    if (frame.kind != ClusterFrame::Kind::publication && !valid_event(frame.event)) return false;
    if (frame.binary) return true;
    JsonScanner scanner(frame.payload, JsonScanner::depth_capacity);
    const auto value = scanner.value();
    return value && value->text == frame.payload &&
           value->compact; // a line break would split frames
}

result<ClusterFrame> read_cluster_frame(std::string_view bytes) {
    const auto wrong = make_error_code(Errc::invalid_cluster_frame);
    if (bytes.size() < cluster_header || bytes.size() > max_cluster_frame) return wrong;
    if (bytes[0] != cluster_magic || bytes[1] != cluster_version) return wrong;
    if (bytes[2] < 1 || bytes[2] > 3) return wrong;
    ClusterFrame frame;
    frame.kind = static_cast<ClusterFrame::Kind>(bytes[2]);
    frame.binary = bytes[3] != 0;
    std::copy_n(bytes.begin() + 4, frame.node.size(), frame.node.begin());
    const auto topic = static_cast<unsigned char>(bytes[20]);
    const auto event = static_cast<unsigned char>(bytes[21]);
    bytes.remove_prefix(cluster_header);
    if (bytes.size() < std::size_t{topic} + event) return wrong;
    frame.topic = bytes.substr(0, topic);
    frame.event = bytes.substr(topic, event);
    frame.payload = bytes.substr(std::size_t{topic} + event);
    if (!well_formed(frame)) return wrong;
    return frame;
}

} // namespace chain::detail
