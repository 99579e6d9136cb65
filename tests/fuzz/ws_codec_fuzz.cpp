// libFuzzer target: a stream of frames gives the same events however it is split, and keeps its
// promises.
//
// Input: one byte selects the message limit and whether messages may be compressed, one gives the
// number of pieces n (at most 15), n bytes give the length of each, the rest is the stream; what is
// left after the last piece is fed at once.

// This target is one translation unit, so that the codec is instrumented however the library was
// built.
#include <chain/impl/detail/text.ipp>
#include <chain/impl/utf8.ipp>
#include <chain/impl/ws_codec.ipp>
#include <chain/impl/ws_deflate.ipp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using chain::detail::WsDecoder;
using chain::detail::WsEvent;
using Kind = WsEvent::Kind;

struct Seen {
    Kind kind;
    bool binary;
    std::uint16_t code;
    std::string payload;

    bool operator==(const Seen&) const = default;
};

void require(bool holds, const char* promise) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

// A second opinion on UTF-8: decodes each code point and looks at its value and at its shortest
// length.
bool reference_utf8(std::string_view text) {
    constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
    for (std::size_t size = 0; !text.empty(); text.remove_prefix(size)) {
        const auto lead = static_cast<unsigned char>(text[0]);
        size = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (size == 0 || lead >= 0xF8 || size > text.size()) return false;
        std::uint32_t code_point = size == 1 ? lead : lead & (0x7FU >> size);
        for (std::size_t i = 1; i < size; ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            if ((byte & 0xC0U) != 0x80) return false;
            code_point = (code_point << 6U) | (byte & 0x3FU);
        }
        const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        if (code_point < smallest[size] || code_point > 0x10FFFF || surrogate) return false;
    }
    return true;
}

void check_event(const WsEvent& event, std::size_t limit) {
    switch (event.kind) {
    case Kind::message:
        require(event.payload.size() <= limit, "no message is longer than the limit");
        require(event.binary || reference_utf8(event.payload), "text is UTF-8");
        break;
    case Kind::ping:
    case Kind::pong: require(event.payload.size() <= 125, "control payloads are short"); break;
    case Kind::close:
        require(event.payload.size() <= 123 && reference_utf8(event.payload), "reasons are UTF-8");
        require(event.code == 1005 || chain::detail::valid_close_code(event.code),
                "codes are valid");
        break;
    case Kind::failure:
        require((event.code == 1002 || (event.code >= 1007 && event.code <= 1009)),
                "failure codes");
        require(!event.payload.empty(), "failures are explained");
        break;
    case Kind::need_more: require(event.payload.empty(), "need_more carries nothing");
    }
}

class Run {
  public:
    Run(std::size_t limit, bool compression) : decoder_(limit, compression), limit_(limit) {}

    void feed(std::string_view piece) {
        received_ += piece.size();
        // A block of exactly this size: AddressSanitizer sees any access beyond it.
        std::vector<char> bytes(piece.begin(), piece.end());
        std::span<char> input(bytes);
        for (WsEvent event = decoder_.next(input); event.kind != Kind::need_more;
             event = decoder_.next(input)) {
            check_event(event, limit_);
            seen.push_back({event.kind, event.binary, event.code, std::string(event.payload)});
            if (event.kind == Kind::close || event.kind == Kind::failure) return end(input);
        }
        require(input.empty(), "need_more means that all input was used");
        require(decoder_.buffered() <= 512 + 2 * received_, "memory follows the bytes received");
    }

    bool ended() const { return ended_; }

    std::vector<Seen> seen;

  private:
    void end(std::span<char>& input) {
        const auto again = decoder_.next(input);
        require(again.kind == seen.back().kind && again.code == seen.back().code, "an end stays");
        require(decoder_.buffered() == 0 && input.empty(), "an end keeps nothing");
        ended_ = true;
    }

    WsDecoder decoder_;
    std::size_t limit_;
    std::size_t received_ = 0;
    bool ended_ = false;
};

std::vector<Seen> run(std::string_view stream, std::size_t limit, bool compression,
                      const std::function<std::size_t()>& next_size) {
    Run run(limit, compression);
    while (!stream.empty() && !run.ended()) {
        const auto size = std::min(stream.size(), next_size());
        run.feed(stream.substr(0, size));
        stream.remove_prefix(size);
    }
    return run.seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    constexpr std::array<std::size_t, 4> limits = {20, 130, 1000, 70000};
    const auto limit = limits[data[0] % limits.size()];
    const bool compression = data[0] >= 128;
    const std::size_t piece_count = std::min<std::size_t>(data[1] % 16U, size - 2);
    const std::span pieces(data + 2, piece_count);

    std::string stream(size - 2 - piece_count, '\0');
    std::copy(data + 2 + piece_count, data + size, stream.begin());

    std::size_t piece = 0;
    const auto expected = run(stream, limit, compression, [&] { return stream.size(); });
    const auto in_pieces = run(stream, limit, compression, [&]() -> std::size_t {
        return piece < pieces.size() ? pieces[piece++] : stream.size();
    });
    require(in_pieces == expected, "chosen pieces give the events of one piece");
    require(run(stream, limit, compression, [] { return 1; }) == expected,
            "single bytes give the events of one piece");
    return 0;
}
