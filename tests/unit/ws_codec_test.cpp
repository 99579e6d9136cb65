// Tests of the WebSocket codec: golden frames, each rule of RFC 6455, and every way to split a
// stream.
#include "../support/catch.hpp"
#include "../support/rounds.hpp"

#include <chain/detail/ws_codec.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using chain::detail::valid_close_code;
using chain::detail::write_ws_header;
using chain::detail::ws_close_frame;
using chain::detail::ws_max_fragments;
using chain::detail::ws_max_header;
using chain::detail::WsDecoder;
using chain::detail::WsEvent;
using chain::detail::WsOpcode;
using Kind = WsEvent::Kind;
using namespace std::string_literals;
using namespace std::string_view_literals;

// First bytes of frames: FIN and opcode.
constexpr unsigned fin = 0x80;
constexpr unsigned more = 0x00;
constexpr unsigned cont_op = 0, text_op = 1, binary_op = 2, close_op = 8, ping_op = 9, pong_op = 10;

constexpr std::size_t default_limit = 65536;

struct Seen {
    Kind kind;
    bool binary = false;
    std::uint16_t code = 0;
    std::string payload = {};

    bool operator==(const Seen&) const = default;
};

using SeenList = std::vector<Seen>;

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    constexpr std::array names = {"need_more", "message", "ping", "pong", "close", "failure"};
    return out << names.at(static_cast<std::size_t>(seen.kind)) << (seen.binary ? " binary " : " ")
               << seen.code << " '" << seen.payload.substr(0, 60) << "' of " << seen.payload.size();
}

Seen text(std::string payload) { return {Kind::message, false, 0, std::move(payload)}; }
Seen binary(std::string payload) { return {Kind::message, true, 0, std::move(payload)}; }
Seen ping(std::string payload) { return {Kind::ping, false, 0, std::move(payload)}; }
Seen pong(std::string payload) { return {Kind::pong, false, 0, std::move(payload)}; }
Seen closed(std::uint16_t code, std::string reason = "") {
    return {Kind::close, false, code, std::move(reason)};
}
Seen failed(std::uint16_t code, std::string sentence) {
    return {Kind::failure, false, code, std::move(sentence)};
}

const Seen reserved = failed(1002, "reserved bits are set");
const Seen unknown = failed(1002, "unknown opcode");
const Seen fragmented_control = failed(1002, "a control frame must not be fragmented");
const Seen long_control = failed(1002, "a control frame is longer than 125 bytes");
const Seen no_start = failed(1002, "a continuation frame continues no message");
const Seen unfinished = failed(1002, "a new message began before the last one was complete");
const Seen not_minimal = failed(1002, "the payload length is not minimally encoded");
const Seen top_bit = failed(1002, "the payload length has its top bit set");
const Seen unmasked = failed(1002, "client frames must be masked");
const Seen too_big = failed(1009, "the message is too big");
const Seen fragments = failed(1008, "a message has too many fragments");
const Seen bad_text = failed(1007, "the text is not UTF-8");
const Seen bad_reason = failed(1007, "the close reason is not UTF-8");
const Seen close_of_one = failed(1002, "a close frame must not have a payload of one byte");
const Seen bad_code = failed(1002, "the close code is invalid");

std::string number(std::uint64_t value, std::size_t bytes) {
    std::string out;
    while (bytes-- > 0) out += static_cast<char>((value >> (8 * bytes)) & 0xFFU);
    return out;
}

std::string length_field(std::uint64_t size) {
    if (size < 126) return number(0x80U | size, 1);
    return size < 65536 ? number(0xFE, 1) + number(size, 2) : number(0xFF, 1) + number(size, 8);
}

std::string client_frame(unsigned first, std::string_view payload,
                         std::string_view key = "7\xfa!=") {
    auto out = number(first, 1) + length_field(payload.size());
    out += key;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out += static_cast<char>(payload[i] ^ key[i % 4]);
    }
    return out;
}

std::string close_payload(std::uint16_t code, std::string_view reason = "") {
    return number(code, 2).append(reason);
}

// A connection that is fed piece by piece and remembers what it saw.
class Peer {
  public:
    explicit Peer(std::size_t limit = default_limit) : decoder_(limit) {}

    void feed(std::string_view piece) {
        // A block of exactly the piece's size, so that AddressSanitizer sees reads beyond it.
        std::vector<char> bytes(piece.begin(), piece.end());
        std::span<char> input(bytes);
        while (take(decoder_.next(input))) continue;
        if (!input.empty()) FAIL("the decoder left " << input.size() << " bytes");
    }

    const SeenList& seen() const { return seen_; }
    std::size_t buffered() const { return decoder_.buffered(); }

  private:
    bool take(const WsEvent& event) {
        if (ended_ && (event.kind != seen_.back().kind || event.code != seen_.back().code)) {
            FAIL("the decoder had ended otherwise");
        }
        if (ended_ || event.kind == Kind::need_more) return false;
        seen_.push_back({event.kind, event.binary, event.code, std::string(event.payload)});
        ended_ = event.kind == Kind::close || event.kind == Kind::failure;
        return !ended_;
    }

    WsDecoder decoder_;
    SeenList seen_;
    bool ended_ = false;
};

SeenList decode(std::string_view stream, std::size_t piece, std::size_t limit = default_limit) {
    Peer peer(limit);
    for (; !stream.empty(); stream.remove_prefix(std::min(piece, stream.size()))) {
        peer.feed(stream.substr(0, piece));
    }
    return peer.seen();
}

SeenList whole(std::string_view stream, std::size_t limit = default_limit) {
    return decode(stream, stream.size(), limit);
}

SeenList split_at(std::string_view stream, std::size_t first, std::size_t second,
                  std::size_t limit = default_limit) {
    Peer peer(limit);
    peer.feed(stream.substr(0, first));
    peer.feed(stream.substr(first, second - first));
    peer.feed(stream.substr(second));
    return peer.seen();
}

// The stream gives these events in one piece, byte by byte and cut in two anywhere.
bool gives(std::string_view stream, const SeenList& expected, std::size_t limit = default_limit) {
    INFO("stream of " << stream.size() << " bytes");
    CHECK(whole(stream, limit) == expected);
    CHECK(decode(stream, 1, limit) == expected);
    const std::size_t step = stream.size() > 1000 ? 997 : 1;
    std::size_t wrong = 0;
    for (std::size_t cut = 0; cut <= stream.size(); cut += step) {
        if (split_at(stream, cut, stream.size(), limit) != expected) ++wrong;
    }
    return wrong == 0 && whole(stream, limit) == expected && decode(stream, 1, limit) == expected;
}

std::string server_header(WsOpcode opcode, std::uint64_t size) {
    std::array<char, ws_max_header> out{};
    return {out.data(), write_ws_header(out.data(), opcode, size)};
}

TEST_CASE("server headers use the shortest length encoding") {
    CHECK(server_header(WsOpcode::text, 0) == "\x81\x00"s);
    CHECK(server_header(WsOpcode::text, 5) == "\x81\x05"s);
    CHECK(server_header(WsOpcode::ping, 125) == "\x89\x7D"s);
    CHECK(server_header(WsOpcode::text, 126) == "\x81\x7E\x00\x7E"s);
    CHECK(server_header(WsOpcode::binary, 256) == "\x82\x7E\x01\x00"s);
    CHECK(server_header(WsOpcode::binary, 65535) == "\x82\x7E\xFF\xFF"s);
    CHECK(server_header(WsOpcode::binary, 65536) == "\x82\x7F\0\0\0\0\0\x01\0\0"s);
    CHECK(server_header(WsOpcode::pong, 0x0102030405060708) ==
          "\x8A\x7F\x01\x02\x03\x04\x05\x06\x07\x08"s);
}

TEST_CASE("close frames carry code and reason") {
    CHECK(ws_close_frame(1000) == "\x88\x02\x03\xE8"s);
    CHECK(ws_close_frame(4001, "replaced") == "\x88\x0A\x0F\xA1replaced"s);
    CHECK(ws_close_frame(0) == "\x88\x00"s);
    CHECK(ws_close_frame(0, "ignored") == "\x88\x00"s);
    CHECK(ws_close_frame(1005) == "\x88\x00"s);
    CHECK(ws_close_frame(1000, std::string(123, 'r')).size() == 127);
}

TEST_CASE("a long close reason is cut between code points") {
    const auto reason_of = [](const std::string& reason) {
        return ws_close_frame(1000, reason).substr(4);
    };
    CHECK(reason_of(std::string(200, 'r')) == std::string(123, 'r'));
    CHECK(reason_of(std::string(122, 'r') + "\u00e9") == std::string(122, 'r'));
    CHECK(reason_of(std::string(121, 'r') + "\u00e9x") == std::string(121, 'r') + "\u00e9");
    CHECK(reason_of(std::string(120, 'r') + "\U0001F600") == std::string(120, 'r'));
    CHECK(reason_of(std::string(119, 'r') + "\U0001F600!") == std::string(119, 'r') + "\U0001F600");
    CHECK(reason_of(std::string(300, '\x80')).empty());
    CHECK(ws_close_frame(1000, std::string(200, 'r'))[1] == 125);
}

TEST_CASE("only the codes that the RFC and its registry allow may be on the wire") {
    const auto allowed = [](unsigned code) {
        return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
               (code >= 3000 && code <= 4999);
    };
    std::size_t wrong = 0;
    for (unsigned code = 0; code <= 0xFFFF; ++code) {
        if (valid_close_code(static_cast<std::uint16_t>(code)) != allowed(code)) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK_FALSE(valid_close_code(1004));
    CHECK_FALSE(valid_close_code(1006));
    CHECK_FALSE(valid_close_code(1015));
    CHECK_FALSE(valid_close_code(2999));
}

TEST_CASE("the RFC's masked example is understood") {
    CHECK(gives("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s, {text("Hello")}));
    CHECK(gives("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s, {ping("Hello")}));
}

TEST_CASE("messages of every length form are delivered") {
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 7, 8, 9, 125, 126, 127, 128, 65535, 65536}) {
        const std::string letters(size, '*');
        const std::string bytes(size, '\xFE');
        CHECK(gives(client_frame(fin | text_op, letters), {text(letters)}));
        CHECK(gives(client_frame(fin | binary_op, bytes), {binary(bytes)}));
    }
}

TEST_CASE("messages follow each other without a gap") {
    const auto stream = client_frame(fin | text_op, "one") + client_frame(fin | binary_op, "") +
                        client_frame(fin | text_op, "") +
                        client_frame(fin | text_op, "four", "\0\0\0\0"sv);
    CHECK(gives(stream, {text("one"), binary(""), text(""), text("four")}));
}

TEST_CASE("pings and pongs are delivered with their payload") {
    CHECK(gives(client_frame(fin | ping_op, ""), {ping("")}));
    CHECK(gives(client_frame(fin | ping_op, "\x00\xFF\xFE"sv), {ping("\x00\xFF\xFE"s)}));
    CHECK(gives(client_frame(fin | ping_op, std::string(125, 'p')), {ping(std::string(125, 'p'))}));
    CHECK(gives(client_frame(fin | pong_op, ""), {pong("")}));
    CHECK(gives(client_frame(fin | pong_op, "unsolicited") + client_frame(fin | ping_op, "x"),
                {pong("unsolicited"), ping("x")}));
    std::string ten;
    SeenList expected;
    for (const char digit : "0123456789"sv) {
        ten += client_frame(fin | ping_op, std::string(1, digit));
        expected.push_back(ping(std::string(1, digit)));
    }
    CHECK(gives(ten, expected));
}

TEST_CASE("a control frame is neither long nor fragmented") {
    CHECK(gives(client_frame(fin | ping_op, std::string(126, 'p')), {long_control}));
    CHECK(gives(client_frame(fin | pong_op, std::string(65536, 'p')), {long_control}));
    CHECK(gives(client_frame(fin | close_op, std::string(126, 'c')), {long_control}));
    CHECK(gives(client_frame(more | ping_op, "part"), {fragmented_control}));
    CHECK(gives(client_frame(more | pong_op, ""), {fragmented_control}));
    CHECK(gives(client_frame(more | close_op, ""), {fragmented_control}));
}

TEST_CASE("the message limit does not count for control frames") {
    CHECK(gives(client_frame(fin | ping_op, std::string(125, 'p')), {ping(std::string(125, 'p'))},
                10));
}

TEST_CASE("reserved bits are refused in every frame") {
    for (const unsigned bits : {0x10U, 0x20U, 0x40U, 0x50U, 0x70U}) {
        for (const unsigned opcode : {text_op, binary_op, ping_op, pong_op, close_op}) {
            CHECK(gives(client_frame(fin | bits | opcode, ""), {reserved}));
        }
        const auto after_text =
            client_frame(fin | text_op, "fine") + client_frame(fin | bits | text_op, "bad");
        CHECK(gives(after_text, {text("fine"), reserved}));
        const auto in_message =
            client_frame(more | text_op, "a") + client_frame(fin | bits | cont_op, "b");
        CHECK(gives(in_message, {reserved}));
    }
}

TEST_CASE("unknown opcodes are refused") {
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
        CHECK(gives(client_frame(fin | opcode, ""), {unknown}));
        const auto later = client_frame(fin | text_op, "fine") + client_frame(more | opcode, "x");
        CHECK(gives(later, {text("fine"), unknown}));
    }
}

TEST_CASE("an unmasked frame of a client is refused") {
    CHECK(gives("\x81\x05Hello", {unmasked}));
    CHECK(gives("\x89\x00"s, {unmasked}));
    CHECK(gives("\x81\x7E\x01\x00"s, {unmasked}));
    CHECK(gives(client_frame(fin | text_op, "ok") + "\x88\x00"s, {text("ok"), unmasked}));
}

TEST_CASE("lengths are encoded minimally") {
    CHECK(gives("\x81\xFE\x00\x05\0\0\0\0Hello"s, {not_minimal}));
    CHECK(gives("\x81\xFE\x00\x7D"s + std::string(129, '\0'), {not_minimal}));
    CHECK(gives("\x82\xFF\0\0\0\0\0\0\x00\x05\0\0\0\0Hello"s, {not_minimal}));
    CHECK(gives("\x82\xFF\0\0\0\0\0\0\xFF\xFF\0\0\0\0"s, {not_minimal}));
    CHECK(gives("\x82\xFF\x80\0\0\0\0\0\0\x05\0\0\0\0"s, {top_bit}));
    CHECK(gives("\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"s, {top_bit}));
    CHECK(gives("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"s, {too_big}));
}

TEST_CASE("fragments are put together") {
    CHECK(gives(client_frame(more | text_op, "Hel") + client_frame(fin | cont_op, "lo", "abcd"),
                {text("Hello")}));
    CHECK(gives(client_frame(more | binary_op, "\xFF") + client_frame(more | cont_op, "\xFE") +
                    client_frame(fin | cont_op, "\xFD"),
                {binary("\xFF\xFE\xFD")}));
    CHECK(gives(client_frame(more | text_op, "") + client_frame(more | cont_op, "") +
                    client_frame(fin | cont_op, ""),
                {text("")}));
    CHECK(gives(client_frame(more | text_op, "") + client_frame(more | cont_op, "middle") +
                    client_frame(fin | cont_op, ""),
                {text("middle")}));
    CHECK(gives(client_frame(more | binary_op, "") + client_frame(fin | cont_op, "end"),
                {binary("end")}));
    CHECK(gives(client_frame(more | text_op, "a") + client_frame(fin | cont_op, "b") +
                    client_frame(more | binary_op, "c") + client_frame(fin | cont_op, "d") +
                    client_frame(fin | text_op, "e"),
                {text("ab"), binary("cd"), text("e")}));
}

TEST_CASE("control frames may stand between fragments") {
    const auto start = client_frame(more | text_op, "frag");
    const auto end = client_frame(fin | cont_op, "ment");
    CHECK(gives(start + client_frame(fin | ping_op, "p") + end, {ping("p"), text("fragment")}));
    CHECK(gives(start + client_frame(fin | pong_op, "") + client_frame(fin | ping_op, "q") + end,
                {pong(""), ping("q"), text("fragment")}));
    CHECK(gives(start + client_frame(fin | ping_op, "1") + client_frame(more | cont_op, "-") +
                    client_frame(fin | ping_op, std::string(125, '2')) + end,
                {ping("1"), ping(std::string(125, '2')), text("frag-ment")}));
    CHECK(gives(start + client_frame(fin | close_op, close_payload(1001)) + end, {closed(1001)}));
    CHECK(gives(start + client_frame(fin | ping_op, std::string(126, 'p')) + end, {long_control}));
}

TEST_CASE("fragments come in the order start, continuations, end") {
    CHECK(gives(client_frame(fin | cont_op, "x"), {no_start}));
    CHECK(gives(client_frame(more | cont_op, "x"), {no_start}));
    CHECK(gives(client_frame(fin | text_op, "a") + client_frame(fin | cont_op, "x"),
                {text("a"), no_start}));
    CHECK(gives(client_frame(more | text_op, "a") + client_frame(fin | cont_op, "b") +
                    client_frame(fin | cont_op, "c"),
                {text("ab"), no_start}));
    CHECK(
        gives(client_frame(more | text_op, "a") + client_frame(fin | text_op, "b"), {unfinished}));
    CHECK(gives(client_frame(more | text_op, "a") + client_frame(more | binary_op, "b"),
                {unfinished}));
    CHECK(gives(client_frame(more | binary_op, "") + client_frame(fin | binary_op, "b"),
                {unfinished}));
    CHECK(gives(client_frame(fin | ping_op, "") + client_frame(fin | cont_op, ""),
                {ping(""), no_start}));
}

TEST_CASE("valid text of every script is delivered, in pieces too") {
    const auto greeting = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!"s;
    const auto astral = "\U00010000\U0010FFFF\uFFFF\uD7FF\uE000"s;
    CHECK(gives(client_frame(fin | text_op, greeting), {text(greeting)}));
    CHECK(gives(client_frame(fin | text_op, astral), {text(astral)}));
    CHECK(gives(client_frame(fin | text_op, "\0"sv), {text("\0"s)}));
    for (std::size_t cut = 0; cut <= astral.size(); ++cut) {
        const auto stream = client_frame(more | text_op, astral.substr(0, cut)) +
                            client_frame(fin | ping_op, "") +
                            client_frame(fin | cont_op, astral.substr(cut));
        CHECK(gives(stream, {ping(""), text(astral)}));
    }
}

TEST_CASE("text that is not UTF-8 is refused") {
    for (const auto bad : {"\xFF"sv, "a\x80"sv, "\xC0\xAF"sv, "\xE0\x80\xAF"sv, "\xED\xA0\x80"sv,
                           "\xF4\x90\x80\x80"sv, "\xF8\x88\x80\x80\x80"sv, "\xE2\x82"sv,
                           "long enough for words \xFE"sv}) {
        CHECK(gives(client_frame(fin | text_op, bad), {bad_text}));
        CHECK(gives(client_frame(more | text_op, "ok") + client_frame(fin | cont_op, bad),
                    {bad_text}));
        CHECK(gives(client_frame(fin | binary_op, bad), {binary(std::string(bad))}));
    }
    CHECK(gives(client_frame(more | text_op, "\xE2\x82") + client_frame(fin | cont_op, ""),
                {bad_text}));
    CHECK(gives(client_frame(more | text_op, "\xE2") + client_frame(more | cont_op, "") +
                    client_frame(fin | cont_op, "z"),
                {bad_text}));
    CHECK(
        gives(client_frame(more | text_op, "\xFF") + client_frame(fin | close_op, ""), {bad_text}));
}

TEST_CASE("a byte that is not UTF-8 is found wherever it stands in a frame") {
    for (const std::size_t size : {1U, 7U, 8U, 9U, 31U, 32U, 33U, 47U, 71U})
        for (std::size_t place = 0; place < size; ++place) {
            std::string bad(size, 'x');
            bad[place] = '\xFF';
            Peer peer;
            peer.feed(client_frame(fin | text_op, bad));
            REQUIRE(peer.seen() == SeenList{bad_text});
        }
}

TEST_CASE("text is refused in the middle of a frame, before the rest arrives") {
    const auto stream = client_frame(fin | text_op, "abc\xED\xA0" + std::string(1000, 'x'));
    Peer peer;
    peer.feed(stream.substr(0, 12)); // header 8, then a b c ED
    CHECK(peer.seen().empty());
    peer.feed(stream.substr(12, 1));
    CHECK(peer.seen() == SeenList{bad_text});
    CHECK(peer.buffered() == 0);
}

TEST_CASE("a close frame gives code and reason") {
    CHECK(gives(client_frame(fin | close_op, ""), {closed(1005)}));
    CHECK(gives(client_frame(fin | close_op, close_payload(1000)), {closed(1000)}));
    CHECK(gives(client_frame(fin | close_op, close_payload(1000, "bye \u20ac")),
                {closed(1000, "bye \u20ac")}));
    const std::string longest(123, 'r');
    CHECK(
        gives(client_frame(fin | close_op, close_payload(4999, longest)), {closed(4999, longest)}));
    for (const unsigned code :
         std::initializer_list<unsigned>{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                                         1013, 1014, 3000, 3999, 4000, 4999}) {
        const auto wire_code = static_cast<std::uint16_t>(code);
        CHECK(gives(client_frame(fin | close_op, close_payload(wire_code)), {closed(wire_code)}));
    }
}

TEST_CASE("a malformed close frame is refused") {
    CHECK(gives(client_frame(fin | close_op, "x"), {close_of_one}));
    for (const unsigned code : std::initializer_list<unsigned>{0, 999, 1004, 1005, 1006, 1015, 1016,
                                                               1100, 2000, 2999, 5000, 65535}) {
        const auto wire_code = static_cast<std::uint16_t>(code);
        CHECK(gives(client_frame(fin | close_op, close_payload(wire_code)), {bad_code}));
    }
    CHECK(gives(client_frame(fin | close_op, close_payload(1000, "\xFF")), {bad_reason}));
    CHECK(gives(client_frame(fin | close_op, close_payload(1000, "cut \xE2\x82")), {bad_reason}));
}

TEST_CASE("what follows a close frame is discarded") {
    const auto stream =
        client_frame(fin | close_op, close_payload(1000)) + client_frame(fin | text_op, "late");
    CHECK(gives(stream, {closed(1000)}));
    CHECK(
        gives(client_frame(fin | text_op, "a") + client_frame(fin | close_op, "") + "\xFF\xFF\xFF",
              {text("a"), closed(1005)}));
}

TEST_CASE("a decoder that has ended repeats its outcome") {
    auto bad = client_frame(fin | cont_op, "x") + client_frame(fin | text_op, "fine");
    WsDecoder decoder(default_limit);
    std::span<char> input(bad);
    CHECK(decoder.next(input).code == 1002);
    CHECK(input.empty());
    auto fine = client_frame(fin | text_op, "fine");
    input = fine;
    const auto again = decoder.next(input);
    CHECK(again.kind == Kind::failure);
    CHECK(again.code == 1002);
    CHECK(again.payload == no_start.payload);
    CHECK(input.empty());

    auto bye = client_frame(fin | close_op, close_payload(1001, "gone"));
    WsDecoder closing(default_limit);
    input = bye;
    CHECK(closing.next(input).payload == "gone");
    input = fine;
    const auto closed_again = closing.next(input);
    CHECK(closed_again.kind == Kind::close);
    CHECK(closed_again.code == 1001);
    CHECK(input.empty());
    CHECK(closing.buffered() == 0);
}

TEST_CASE("a message may be as long as the limit, not longer") {
    CHECK(gives(client_frame(fin | text_op, "12345678"), {text("12345678")}, 8));
    CHECK(gives(client_frame(fin | text_op, "123456789"), {too_big}, 8));
    CHECK(gives(client_frame(fin | text_op, ""), {text("")}, 0));
    CHECK(gives(client_frame(fin | text_op, "x"), {too_big}, 0));
    CHECK(gives(client_frame(more | text_op, "12345") + client_frame(fin | cont_op, "678"),
                {text("12345678")}, 8));
    CHECK(gives(client_frame(more | text_op, "12345") + client_frame(fin | cont_op, "6789"),
                {too_big}, 8));
    CHECK(gives(client_frame(more | text_op, "12345678") + client_frame(fin | cont_op, ""),
                {text("12345678")}, 8));
    CHECK(gives(client_frame(fin | text_op, "12345678") + client_frame(fin | text_op, "12345678"),
                {text("12345678"), text("12345678")}, 8));
}

TEST_CASE("a frame that is too big is refused at its length, before any payload") {
    Peer peer(1000);
    peer.feed("\x81\xFE\x03"sv);
    CHECK(peer.seen().empty());
    peer.feed("\xE9"sv);
    CHECK(peer.seen() == SeenList{too_big});
    CHECK(peer.buffered() == 0);
}

TEST_CASE("each wrong header is refused at the byte that is wrong") {
    CHECK(whole("\xC1"sv) == SeenList{reserved});
    CHECK(whole("\x83"sv) == SeenList{unknown});
    CHECK(whole("\x09"sv) == SeenList{fragmented_control});
    CHECK(whole("\x80"sv) == SeenList{no_start});
    CHECK(whole("\x81\x05"sv) == SeenList{unmasked});
    CHECK(whole("\x89\xFE"sv) == SeenList{long_control});
    CHECK(whole("\x81\xFE\x00\x7D"sv) == SeenList{not_minimal});
    CHECK(whole(client_frame(more | text_op, "a") + "\x01") == SeenList{unfinished});
}

TEST_CASE("the number of fragments of a message is bounded") {
    const auto message_of = [](std::size_t count) {
        auto stream = client_frame(more | text_op, "");
        for (std::size_t i = 2; i < count; ++i) stream += client_frame(more | cont_op, "");
        return stream + client_frame(fin | cont_op, "end");
    };
    const auto allowed = message_of(ws_max_fragments);
    CHECK(gives(allowed + allowed, {text("end"), text("end")}));
    CHECK(gives(message_of(ws_max_fragments + 1), {fragments}));
}

TEST_CASE("an idle decoder is small and holds nothing") {
    STATIC_REQUIRE(sizeof(WsDecoder) <= 16);
    CHECK(WsDecoder(default_limit).buffered() == 0);
    CHECK(WsDecoder(SIZE_MAX).buffered() == 0);
}

TEST_CASE("whole frames are delivered as views into the input, and nothing is held") {
    auto stream = client_frame(fin | text_op, "some text") + client_frame(fin | ping_op, "ping") +
                  client_frame(fin | binary_op, std::string(300, 'b')) +
                  client_frame(fin | close_op, close_payload(1000, "bye"));
    std::span<char> input(stream);
    WsDecoder decoder(default_limit);
    std::vector<std::ptrdiff_t> places;
    for (int i = 0; i < 4; ++i) {
        places.push_back(decoder.next(input).payload.data() - stream.data());
        CHECK(decoder.buffered() == 0);
    }
    // Headers are 6, 6, 8 and 6 bytes; the reason follows the two bytes of the code.
    CHECK(places == std::vector<std::ptrdiff_t>{6, 21, 33, 341});
}

TEST_CASE("a frame whose header came before is still delivered without a copy") {
    auto stream = client_frame(fin | text_op, "some text");
    std::span<char> header(stream.data(), 3);
    std::span<char> rest(stream.data() + 3, stream.size() - 3);
    WsDecoder decoder(default_limit);
    CHECK(decoder.next(header).kind == Kind::need_more);
    CHECK(decoder.next(rest).payload.data() == stream.data() + 6);
    CHECK(decoder.next(rest).kind == Kind::need_more);
    CHECK(decoder.buffered() == 0);
}

TEST_CASE("memory follows the bytes received, not the bytes announced") {
    const auto stream = client_frame(fin | binary_op, std::string(65536, 'b'));
    Peer peer;
    peer.feed(stream.substr(0, 14));
    CHECK(peer.buffered() > 0);
    CHECK(peer.buffered() < 512);
    std::size_t excess = 0;
    for (std::size_t at = 14; at + 100 < stream.size(); at += 100) {
        peer.feed(stream.substr(at, 100));
        if (peer.buffered() > 2 * at + 512) ++excess;
    }
    CHECK(excess == 0);
    CHECK(peer.buffered() >= 65000);
}

TEST_CASE("the memory of a message is freed when it has been delivered") {
    const auto stream = client_frame(more | text_op, std::string(5000, 'a')) +
                        client_frame(fin | ping_op, "p") + client_frame(fin | cont_op, "b");
    Peer peer;
    peer.feed(stream.substr(0, 3000));
    CHECK(peer.buffered() >= 2900);
    peer.feed(stream.substr(3000));
    CHECK(peer.seen().size() == 2);
    CHECK(peer.buffered() == 0);
    peer.feed(client_frame(fin | ping_op, "split").substr(0, 8));
    CHECK(peer.buffered() > 0);
    peer.feed(client_frame(fin | ping_op, "split").substr(8));
    CHECK(peer.seen().back() == ping("split"));
    CHECK(peer.buffered() == 0);
}

TEST_CASE("a failure frees what was held") {
    Peer peer;
    peer.feed(client_frame(more | text_op, std::string(5000, 'a')));
    CHECK(peer.buffered() >= 5000);
    peer.feed(client_frame(fin | text_op, ""));
    CHECK(peer.seen() == SeenList{unfinished});
    CHECK(peer.buffered() == 0);
}

TEST_CASE("a decoder may be moved in the middle of a message") {
    auto stream = client_frame(more | text_op, "Hel") + client_frame(fin | cont_op, "lo");
    WsDecoder first(default_limit);
    std::span<char> head(stream.data(), 11);
    CHECK(first.next(head).kind == Kind::need_more);
    WsDecoder second(std::move(first));
    std::span<char> rest(stream.data() + 11, stream.size() - 11);
    CHECK(second.next(rest).payload == "Hello");
}

TEST_CASE("a scripted conversation does not depend on how it is split") {
    const auto stream = client_frame(fin | text_op, "\u20ac one") +
                        client_frame(more | binary_op, "two", "\x01\x02\x03\x04") +
                        client_frame(fin | ping_op, "p1") + client_frame(more | cont_op, "") +
                        client_frame(fin | pong_op, "") + client_frame(fin | cont_op, " end") +
                        client_frame(fin | text_op, std::string(130, 'l')) +
                        client_frame(more | text_op, "\xF0\x9F") +
                        client_frame(fin | ping_op, "p2") +
                        client_frame(fin | cont_op, "\x98\x80") +
                        client_frame(fin | close_op, close_payload(1001, "bye"));
    const SeenList expected = {
        text("\u20ac one"),          ping("p1"), pong(""),           binary("two end"),
        text(std::string(130, 'l')), ping("p2"), text("\U0001F600"), closed(1001, "bye")};
    CHECK(gives(stream, expected));
    std::size_t wrong = 0;
    for (std::size_t first = 0; first <= stream.size(); ++first) {
        for (std::size_t second = first; second <= stream.size(); ++second) {
            if (split_at(stream, first, second) != expected) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

// Invents conversations, with the events that they must give.
class Conversation {
  public:
    explicit Conversation(std::uint32_t seed) : random_(seed) {
        for (auto count = below(12); count > 0; --count) add_message();
        if (below(2) == 0) return;
        const auto code = static_cast<std::uint16_t>(3000 + below(2000));
        add_frame(fin | close_op, close_payload(code, "done"));
        expected.push_back(closed(code, "done"));
    }

    std::size_t below(std::size_t bound) { return random_() % bound; }

    SeenList decode_in_random_pieces(std::string_view bytes) {
        Peer peer(max_message);
        const std::size_t longest = std::array<std::size_t, 4>{3, 40, 5000, 200000}.at(below(4));
        while (!bytes.empty()) {
            const auto size = std::min(bytes.size(), 1 + below(longest));
            peer.feed(bytes.substr(0, size));
            bytes.remove_prefix(size);
        }
        return peer.seen();
    }

    static constexpr std::size_t max_message = 70000;
    std::string stream;
    SeenList expected;

  private:
    void add_frame(unsigned first, std::string_view payload) {
        stream += client_frame(first, payload, number(random_(), 4));
    }

    std::string some_payload(bool is_text) {
        const std::size_t size =
            std::array<std::size_t, 8>{0, 5, 30, 124, 125, 126, 300, 66000}.at(below(8));
        std::string payload;
        while (payload.size() < size) {
            constexpr std::array pieces = {"a", "bc", "\u00e9", "\u20ac", "\U0001F600"};
            payload +=
                is_text ? pieces.at(below(5)) : std::string(1, static_cast<char>(below(256)));
        }
        return payload;
    }

    void maybe_add_control() {
        if (below(3) > 0) return;
        const bool is_ping = below(2) == 0;
        const auto payload = some_payload(false).substr(0, below(126));
        add_frame(fin | (is_ping ? ping_op : pong_op), payload);
        expected.push_back(is_ping ? ping(payload) : pong(payload));
    }

    void add_message() {
        const bool is_text = below(2) == 0;
        const auto payload = some_payload(is_text);
        unsigned opcode = is_text ? text_op : binary_op;
        std::size_t at = 0;
        for (auto parts = below(4); parts > 0; --parts) {
            const auto size = below(payload.size() - at + 1);
            add_frame(more | opcode, std::string_view(payload).substr(at, size));
            opcode = cont_op;
            at += size;
            maybe_add_control();
        }
        add_frame(fin | opcode, std::string_view(payload).substr(at));
        expected.push_back(is_text ? text(payload) : binary(payload));
        maybe_add_control();
    }

    std::mt19937 random_;
};

TEST_CASE("random conversations are understood, however they are split") {
    for (std::uint32_t seed = 1; seed <= test::rounds(300); ++seed) {
        INFO("seed " << seed);
        Conversation conversation(seed);
        REQUIRE(whole(conversation.stream, Conversation::max_message) == conversation.expected);
        REQUIRE(conversation.decode_in_random_pieces(conversation.stream) == conversation.expected);
    }
}

TEST_CASE("damaged conversations give the same events, however they are split") {
    std::size_t failures = 0;
    for (std::uint32_t seed = 1; seed <= test::rounds(300); ++seed) {
        INFO("seed " << seed);
        Conversation conversation(seed);
        auto damaged = conversation.stream;
        if (damaged.empty()) continue;
        for (int i = 0; i < 3; ++i) {
            damaged[conversation.below(damaged.size())] =
                static_cast<char>(conversation.below(256));
        }
        const auto expected = whole(damaged, Conversation::max_message);
        REQUIRE(conversation.decode_in_random_pieces(damaged) == expected);
        failures += !expected.empty() && expected.back().kind == Kind::failure ? 1U : 0U;
    }
    CHECK(failures > test::rounds(50));
}

} // namespace
