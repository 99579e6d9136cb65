// Definitions of <chain/detail/redis_streams.hpp>.
#pragma once

#include <chain/detail/redis_streams.hpp>

#include <boost/crc.hpp>

#include <algorithm>
#include <charconv>

namespace chain::detail {

std::size_t redis_shard(std::string_view topic) noexcept {
    boost::crc_32_type crc;
    crc.process_bytes(topic.data(), topic.size());
    return crc.checksum() % redis_shards;
}

std::string redis_stream_key(std::string_view prefix, std::size_t shard) {
    return std::string(prefix) + "stream:" + std::to_string(shard);
}

std::optional<RedisStreamId> read_stream_id(std::string_view text) noexcept {
    RedisStreamId id;
    const auto* const end = text.data() + text.size();
    const auto time = std::from_chars(text.data(), end, id.time);
    if (time.ec != std::errc() || time.ptr == end || *time.ptr != '-') return std::nullopt;
    const auto number = std::from_chars(time.ptr + 1, end, id.number);
    if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
    return id;
}

std::string write_stream_id(const RedisStreamId& id) {
    return std::to_string(id.time) + '-' + std::to_string(id.number);
}

RedisStampBytes write_stamp(const RedisStamp& stamp) noexcept {
    RedisStampBytes bytes;
    auto out = std::ranges::copy(stamp.epoch, bytes.begin()).out;
    for (int shift = 56; shift >= 0; shift -= 8)
        *out++ = static_cast<char>(stamp.number >> static_cast<unsigned>(shift) & 0xFFU);
    return bytes;
}

std::optional<RedisStamp> read_stamp(std::string_view bytes) noexcept {
    RedisStamp stamp;
    if (bytes.size() != stamp.epoch.size() + 8) return std::nullopt;
    std::copy_n(bytes.begin(), stamp.epoch.size(), stamp.epoch.begin());
    for (const char c : bytes.substr(stamp.epoch.size()))
        stamp.number = stamp.number << 8U | static_cast<unsigned char>(c);
    if (stamp.number == 0) return std::nullopt;
    return stamp;
}

RedisSeen::Writer& RedisSeen::writer(const RandomId& epoch) {
    if (const auto found = writers_.find(epoch); found != writers_.end()) return found->second;
    if (writers_.size() >= max_writers) {
        const auto earlier = [](const auto& a, const auto& b) {
            return a.second.heard < b.second.heard;
        };
        writers_.erase(std::ranges::min_element(writers_, earlier));
    }
    return writers_[epoch];
}

RedisSeen::Verdict RedisSeen::look(std::size_t shard, const RedisStamp& stamp) {
    auto& writer = this->writer(stamp.epoch);
    writer.heard = ++count_;
    auto& last = writer.last[shard];
    if (last != 0 && stamp.number <= last) return {true, 0};
    const auto missing = last == 0 ? 0 : stamp.number - last - 1;
    last = stamp.number;
    return {false, missing};
}

void RedisSeen::forget(std::size_t shard) noexcept {
    for (auto& [epoch, writer] : writers_) writer.last[shard] = 0;
}

} // namespace chain::detail
