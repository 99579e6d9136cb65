// permessage-deflate: which offers are accepted, and what is compressed and inflated.
#include "../support/catch.hpp"

#include <chain/detail/ws_codec.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <chain/config.hpp>

#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using chain::detail::answer_deflate;
using chain::detail::deflate_message;
using chain::detail::inflate_message;
using chain::detail::Inflated;
using chain::detail::WsDecoder;
using chain::detail::WsEvent;
using Kind = WsEvent::Kind;
using namespace std::string_literals;

constexpr std::size_t limit = 65536;
constexpr chain::Compression all{.enabled = true, .threshold = 0};

/// "Hello" as RFC 7692 section 7.2.3.1 compresses it, and in a block that calls itself the last.
const auto hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
const auto hello_in_last_block = "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s;

std::string compressed(std::string_view text) {
    return std::string(deflate_message(text, all).value());
}

std::pair<Inflated, std::string> inflated(std::string_view payload, std::size_t at_most = limit) {
    std::vector<char> out;
    const auto outcome = inflate_message(payload, at_most, out);
    return {outcome, std::string(out.begin(), out.end())};
}

std::string noise(std::size_t size) {
    std::mt19937 random(7);
    std::string text(size, ' ');
    for (auto& c : text) c = static_cast<char>(random());
    return text;
}

/// A masked frame; a key of zeros leaves the payload as it is.
std::string unmasked_frame(unsigned first, std::string_view payload) {
    std::string bytes(1, static_cast<char>(first));
    if (payload.size() < 126) {
        bytes += static_cast<char>(0x80 | payload.size());
    } else {
        bytes += static_cast<char>(0x80 | 126);
        bytes += static_cast<char>(payload.size() >> 8);
        bytes += static_cast<char>(payload.size() & 0xFF);
    }
    return bytes + std::string(4, '\0') + std::string(payload);
}

struct Decoded {
    Kind kind;
    std::uint16_t code;
    std::string payload;

    bool operator==(const Decoded&) const = default;
};

std::vector<Decoded> decode(std::string stream, std::size_t piece, bool compression = true) {
    WsDecoder decoder(limit, compression);
    std::vector<Decoded> seen;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        auto input = std::span(stream).subspan(at, std::min(piece, stream.size() - at));
        for (auto event = decoder.next(input); event.kind != Kind::need_more;
             event = decoder.next(input)) {
            seen.push_back({event.kind, event.code, std::string(event.payload)});
            if (event.kind == Kind::failure) return seen;
        }
    }
    return seen;
}

/// What comes out must not depend on where the stream is split.
std::vector<Decoded> decode(const std::string& stream) {
    auto seen = decode(stream, stream.size());
    CHECK(decode(stream, 1) == seen);
    CHECK(decode(stream, 7) == seen);
    return seen;
}

Decoded message(std::string text) { return {Kind::message, 0, std::move(text)}; }
Decoded failure(std::uint16_t code, std::string why) {
    return {Kind::failure, code, std::move(why)};
}

} // namespace

TEST_CASE(
    "an offer of permessage-deflate is accepted unless it wants a smaller window of the server") {
    const char* good[] = {
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=10",
        "permessage-deflate;server_no_context_takeover;client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=\"15\"",
        "x-webkit-deflate-frame, permessage-deflate",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
    };
    for (const auto* offer : good) {
        INFO(offer);
        CHECK(answer_deflate(offer).has_value());
    }
    CHECK(answer_deflate("permessage-deflate") ==
          "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    CHECK(answer_deflate("permessage-deflate; server_max_window_bits=15")
              ->ends_with("; server_max_window_bits=15"));
    const char* bad[] = {
        "",
        "permessage-bzip2",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; unknown",
        "permessage-deflate; =15",
    };
    for (const auto* offer : bad) {
        INFO(offer);
        CHECK(!answer_deflate(offer));
    }
}

TEST_CASE("what is compressed inflates to what it was") {
    for (const std::size_t size : {1U, 5U, 1000U, 65535U, 65536U}) {
        const std::string text(size, 'a');
        const auto payload = deflate_message(text, all);
        if (!payload) continue;
        CHECK(payload->size() <= size);
        CHECK(inflated(*payload) == std::pair(Inflated::ok, text));
    }
}

TEST_CASE("messages are compressed alone: equal ones give equal bytes") {
    const std::string text(500, 'x');
    const std::string first(deflate_message(text, all).value());
    CHECK(deflate_message(text, all).value() == first);
}

TEST_CASE(
    "pitfall 2.15: short messages, and those that would not become smaller, are sent as they are") {
    const chain::Compression hundred{.enabled = true, .threshold = 100};
    CHECK_FALSE(deflate_message(std::string(99, 'a'), hundred));
    CHECK(deflate_message(std::string(100, 'a'), hundred));
    CHECK_FALSE(deflate_message(noise(1000), hundred));
    CHECK_FALSE(chain::HandlerConfig{}.compression.enabled);
}

TEST_CASE("the examples of RFC 7692 are inflated") {
    CHECK(inflated(hello) == std::pair(Inflated::ok, "Hello"s));
    CHECK(inflated(hello_in_last_block) == std::pair(Inflated::ok, "Hello"s));
    const auto stored = "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s;
    CHECK(inflated(stored) == std::pair(Inflated::ok, "Hello"s));
    const auto two_blocks = "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s;
    CHECK(inflated(two_blocks) == std::pair(Inflated::ok, "Hello"s));
    CHECK(inflated("\x00"s) == std::pair(Inflated::ok, ""s));
}

TEST_CASE("inflating stops at the limit") {
    CHECK(inflated(compressed(std::string(limit, 'a'))).first == Inflated::ok);
    CHECK(inflated(compressed(std::string(limit + 1, 'a'))).first == Inflated::too_big);
    const auto [outcome, out] = inflated(compressed(std::string(50'000'000, '\0')));
    CHECK(outcome == Inflated::too_big);
    CHECK(out.size() <= limit);
}

TEST_CASE("what is no whole deflate stream is corrupt") {
    CHECK(inflated("\xff\xff\xff").first == Inflated::corrupt);
    CHECK(inflated("Hello").first == Inflated::corrupt);
    for (std::size_t size = 1; size + 1 < hello.size(); ++size) {
        INFO(size);
        CHECK(inflated(hello.substr(0, size)).first == Inflated::corrupt);
    }
    CHECK(inflated(hello).first == Inflated::ok); // and the next message is none the worse for it
}

TEST_CASE("a compressed message may be fragmented, with control frames in between") {
    const auto stream = unmasked_frame(0x41, hello.substr(0, 3)) + unmasked_frame(0x89, "ping") +
                        unmasked_frame(0x00, "") + unmasked_frame(0x80, hello.substr(3)) +
                        unmasked_frame(0xC1, hello);
    CHECK(decode(stream) ==
          std::vector<Decoded>{{Kind::ping, 0, "ping"}, message("Hello"), message("Hello")});
}

TEST_CASE("where compression was agreed on, messages may still come as they are") {
    CHECK(decode(unmasked_frame(0x81, "plain") + unmasked_frame(0xC1, hello) +
                 unmasked_frame(0x01, "pl") + unmasked_frame(0x80, "ain")) ==
          std::vector<Decoded>{message("plain"), message("Hello"), message("plain")});
}

TEST_CASE("the bit for compression is refused where it may not be") {
    const auto refused = failure(1002, "reserved bits are set");
    CHECK(decode(unmasked_frame(0xC1, hello), 100, false) == std::vector<Decoded>{refused});
    CHECK(decode(unmasked_frame(0xC9, "")) == std::vector<Decoded>{refused});
    CHECK(decode(unmasked_frame(0xE1, hello)) == std::vector<Decoded>{refused});
    CHECK(decode(unmasked_frame(0x41, hello.substr(0, 3)) +
                 unmasked_frame(0xC0, hello.substr(3))) == std::vector<Decoded>{refused});
}

TEST_CASE("a bad compressed message is refused with the code that fits") {
    CHECK(decode(unmasked_frame(0xC1, "nonsense")) ==
          std::vector<Decoded>{failure(1007, "the compressed message cannot be inflated")});
    CHECK(decode(unmasked_frame(0xC1, compressed(std::string(100, '\xff')))) ==
          std::vector<Decoded>{failure(1007, "the text is not UTF-8")});
    CHECK(decode(unmasked_frame(0xC1, compressed(std::string(limit + 1, 'a')))) ==
          std::vector<Decoded>{failure(1009, "the message is too big")});
}
