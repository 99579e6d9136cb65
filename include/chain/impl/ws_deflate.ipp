// Definitions of <chain/detail/ws_deflate.hpp>, with zlib.
#pragma once

#include <chain/detail/text.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <utility>

namespace chain::detail {

namespace deflating {

/// What ends a message that was flushed, and is not sent, RFC 7692 section 7.2.1.
inline constexpr std::string_view tail{"\x00\x00\xff\xff", 4};
inline constexpr int raw_window_bits = -15;

/// Splits `name=value`, either of which may have spaces around it and the value quotes.
inline std::pair<std::string_view, std::optional<std::string_view>>
parameter(std::string_view text) noexcept {
    const bool valued = text.find('=') != std::string_view::npos;
    const auto name = trim_spaces(take_until(text, '='));
    auto value = trim_spaces(text);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    return {name, valued ? std::optional(value) : std::nullopt};
}

inline bool window_bits(std::string_view value) noexcept {
    static constexpr std::array<std::string_view, 8> valid{"8",  "9",  "10", "11",
                                                           "12", "13", "14", "15"};
    return std::ranges::find(valid, value) != valid.end();
}

/// Can one parameter of an offer be met? `seen` has a bit for each name that came before.
inline bool acceptable(std::string_view text, unsigned& seen) noexcept {
    static constexpr std::array<std::string_view, 4> names{
        "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
        "client_max_window_bits"};
    const auto [name, value] = parameter(text);
    const auto index = std::ranges::find(names, name) - names.begin();
    const auto bit = 1U << static_cast<unsigned>(index);
    if (index == std::ssize(names) || (seen & bit) != 0) return false;
    seen |= bit;
    if (index < 2) return !value;
    if (index == 2) return value == "15";
    return !value || window_bits(*value);
}

inline std::optional<std::string_view> answer_to(std::string_view offer) noexcept {
    if (trim_spaces(take_until(offer, ';')) != "permessage-deflate") return std::nullopt;
    unsigned seen = 0;
    while (!offer.empty())
        if (!acceptable(take_until(offer, ';'), seen)) return std::nullopt;
    const bool window_named = (seen & 4U) != 0; // then it is accepted by naming it again
    return window_named ? "permessage-deflate; server_no_context_takeover; "
                          "client_no_context_takeover; server_max_window_bits=15"
                        : "permessage-deflate; server_no_context_takeover; "
                          "client_no_context_takeover";
}

/// zlib's state for inflating, of one thread.
class InflateStream {
  public:
    InflateStream() {
        if (inflateInit2(&stream_, raw_window_bits) != Z_OK) throw std::bad_alloc();
    }
    InflateStream(const InflateStream&) = delete;
    InflateStream& operator=(const InflateStream&) = delete;
    ~InflateStream() { inflateEnd(&stream_); }

    Inflated inflate(std::string_view payload, std::size_t limit, std::vector<char>& out) {
        inflateReset(&stream_);
        ended_ = false;
        for (const auto part : {payload, tail}) {
            const auto outcome = feed(part, limit, out);
            if (outcome != Inflated::ok) return outcome;
        }
        static constexpr int between_blocks = 128; // see inflate() in zlib.h
        return ended_ || (stream_.data_type & between_blocks) != 0 ? Inflated::ok
                                                                   : Inflated::corrupt;
    }

  private:
    Inflated feed(std::string_view part, std::size_t limit, std::vector<char>& out) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
        stream_.avail_in = static_cast<uInt>(part.size());
        bool full = false;
        while (stream_.avail_in > 0 || full) {
            std::array<char, 16 * 1024> piece;
            stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
            stream_.avail_out = piece.size();
            const int outcome = ::inflate(&stream_, Z_SYNC_FLUSH);
            if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR)
                return Inflated::corrupt;
            const auto count = piece.size() - stream_.avail_out;
            if (count > limit - out.size()) return Inflated::too_big;
            out.insert(out.end(), piece.begin(),
                       piece.begin() + static_cast<std::ptrdiff_t>(count));
            full = stream_.avail_out == 0;
            ended_ = outcome == Z_STREAM_END;
            // A block that calls itself the last may be followed by others, section 7.2.3.5.
            if (ended_) inflateReset(&stream_);
        }
        return Inflated::ok;
    }

    z_stream stream_{};
    bool ended_ = false;
};

/// zlib's state for deflating, of one thread.
class DeflateStream {
  public:
    explicit DeflateStream(int level) : level_(level) {
        constexpr int memory_level = 8;
        if (deflateInit2(&stream_, level, Z_DEFLATED, raw_window_bits, memory_level,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    DeflateStream(const DeflateStream&) = delete;
    DeflateStream& operator=(const DeflateStream&) = delete;
    ~DeflateStream() { deflateEnd(&stream_); }

    int level() const noexcept { return level_; }

    std::optional<std::string_view> deflate(std::string_view message) {
        if (out_.capacity() > kept_capacity) out_ = {};
        // What is no smaller than the message does not fit: then the message is sent as it is.
        out_.resize(message.size() + tail.size());
        deflateReset(&stream_);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
        stream_.avail_in = static_cast<uInt>(message.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
        stream_.avail_out = static_cast<uInt>(out_.size());
        if (::deflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_out == 0)
            return std::nullopt;
        return std::string_view(out_).substr(0, out_.size() - stream_.avail_out - tail.size());
    }

  private:
    /// A longer buffer is given back at the next message.
    static constexpr std::size_t kept_capacity = 256 * 1024;

    z_stream stream_{};
    int level_;
    std::string out_;
};

} // namespace deflating

std::optional<std::string_view> answer_deflate(std::string_view extensions) noexcept {
    while (!extensions.empty())
        if (const auto answer = deflating::answer_to(take_until(extensions, ','))) return answer;
    return std::nullopt;
}

std::optional<std::string_view> deflate_message(std::string_view message,
                                                const Compression& config) {
    if (message.size() < config.threshold) return std::nullopt;
    thread_local std::optional<deflating::DeflateStream> stream;
    if (!stream || stream->level() != config.level) stream.emplace(config.level);
    return stream->deflate(message);
}

Inflated inflate_message(std::string_view payload, std::size_t limit, std::vector<char>& out) {
    thread_local deflating::InflateStream stream;
    return stream.inflate(payload, limit, out);
}

} // namespace chain::detail
