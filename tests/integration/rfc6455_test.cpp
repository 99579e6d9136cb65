// A conformance suite after RFC 6455 and RFC 7692, run against the real server: each case is what a
// client writes, and everything that the server must answer up to its close frame.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <chain/detail/ws_deflate.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using test::RawClient, test::TestServer, test::ws_close, test::ws_frame, test::ws_text;
using namespace std::string_literals;

namespace {

using Strings = std::vector<std::string>;

struct Case {
    std::string name;
    Strings writes;   ///< Each is one write to the socket.
    Strings expected; ///< What comes back: "text …", "pong …", "close CODE".
};
using Cases = std::vector<Case>;

constexpr unsigned fin = 0x80;
constexpr unsigned rsv1 = 0x40;
constexpr unsigned text = 1, binary = 2, cont = 0, close_op = 8, ping = 9, pong = 10;
constexpr std::size_t limit = 64 * 1024;

// ----------------------------------------------------------------------------- what is said

/// A request that is answered at once, with `filler` in its payload.
std::string beat(int ref, const std::string& filler = {}) {
    return "[0,0," + std::to_string(ref) + R"(,"_chain","_heartbeat",")" + filler + "\"]";
}
/// One that is so many bytes long.
std::string beat_of(int ref, std::size_t size) {
    return beat(ref, std::string(size - beat(ref).size(), 'x'));
}
std::string answer(int ref) { return "text [1,0," + std::to_string(ref) + ",0,null]"; }

std::string masked(unsigned first, std::string_view payload, std::string_view key) {
    auto frame = ws_frame(first, payload);
    const auto at = frame.size() - payload.size();
    for (std::size_t i = 0; i < 4; ++i) frame[at - 4 + i] = key[i];
    for (std::size_t i = 0; i < payload.size(); ++i)
        frame[at + i] = static_cast<char>(payload[i] ^ key[i % 4]);
    return frame;
}

/// A header that says a length in so many bytes, which may be more than it needs.
std::string header(unsigned first, std::uint64_t size, int length_bytes) {
    std::string bytes{static_cast<char>(first),
                      static_cast<char>(0x80 | (length_bytes == 2 ? 126 : 127))};
    for (int i = length_bytes; i > 0; --i) bytes += static_cast<char>(size >> (8 * (i - 1)) & 0xFF);
    return bytes + "\1\2\3\4";
}

std::string compressed(const std::string& message) {
    const chain::Compression all{.enabled = true, .threshold = 0};
    return std::string(chain::detail::deflate_message(message, all).value());
}

// ------------------------------------------------------------------------- how it is written

Strings bytewise(const std::string& bytes) {
    Strings writes;
    for (const char byte : bytes) writes.emplace_back(1, byte);
    return writes;
}
Strings halves(const std::string& bytes) {
    return {bytes.substr(0, bytes.size() / 2), bytes.substr(bytes.size() / 2)};
}
/// The header's bytes one by one, then the rest.
Strings header_bytewise(const std::string& bytes) {
    auto writes = bytewise(bytes.substr(0, 14));
    writes.push_back(bytes.substr(14));
    return writes;
}
/// The message in frames of so many bytes.
std::string in_frames(unsigned opcode, const std::string& message, std::size_t size) {
    std::string bytes;
    for (std::size_t at = 0; at < message.size(); at += size) {
        const bool last = at + size >= message.size();
        bytes += ws_frame((last ? fin : 0) | (at == 0 ? opcode : cont), message.substr(at, size));
    }
    return bytes;
}

/// The connection goes on: one more request is answered, and the client's close too.
Case goes_on(std::string name, Strings writes, Strings expected) {
    writes.push_back(ws_text(beat(999)) + ws_close(1000));
    expected.push_back(answer(999));
    expected.emplace_back("close 1000");
    return {std::move(name), std::move(writes), std::move(expected)};
}
Case closes(std::string name, Strings writes, int code, Strings before = {}) {
    before.push_back("close " + std::to_string(code));
    return {std::move(name), std::move(writes), std::move(before)};
}

// ---------------------------------------------------------------------------------- the cases

void add_lengths(Cases& cases) { // section 5.2
    for (const std::size_t size : {40UL, 125UL, 126UL, 127UL, 128UL, 65535UL, limit}) {
        const auto bytes = ws_text(beat_of(1, size));
        const auto name = "a text of " + std::to_string(size) + " bytes";
        cases.push_back(goes_on(name, {bytes}, {answer(1)}));
        cases.push_back(goes_on(name + ", in two writes", halves(bytes), {answer(1)}));
        cases.push_back(
            goes_on(name + ", its header byte by byte", header_bytewise(bytes), {answer(1)}));
        if (size < 1000)
            cases.push_back(goes_on(name + ", byte by byte", bytewise(bytes), {answer(1)}));
    }
    for (const std::uint64_t size : {0ULL, 1ULL, 125ULL})
        cases.push_back(closes("a length of " + std::to_string(size) + " in two bytes",
                               {header(fin | text, size, 2)}, 1002));
    for (const std::uint64_t size : {0ULL, 126ULL, 65535ULL})
        cases.push_back(closes("a length of " + std::to_string(size) + " in eight bytes",
                               {header(fin | text, size, 8)}, 1002));
    cases.push_back(
        closes("a length with its top bit set", {header(fin | text, 1ULL << 63U, 8)}, 1002));
    cases.push_back(closes("one byte over the limit", {ws_text(beat_of(1, limit + 1))}, 1009));
    for (const std::uint64_t size : {65537ULL, 1ULL << 32U, (1ULL << 63U) - 1})
        cases.push_back(closes("an announced length of " + std::to_string(size),
                               {header(fin | text, size, 8)}, 1009));
    cases.push_back(closes("fragments that are over the limit together",
                           {in_frames(text, beat_of(1, limit + 1), 10'000)}, 1009));
    cases.push_back(goes_on("many messages in one write",
                            {ws_text(beat(1)) + ws_text(beat(2)) + ws_text(beat(3))},
                            {answer(1), answer(2), answer(3)}));
}

void add_reserved_bits(Cases& cases) { // section 5.2
    for (unsigned bits = 0x10; bits <= 0x70; bits += 0x10)
        for (const unsigned opcode : {cont, text, binary, close_op, ping, pong})
            cases.push_back(closes("reserved bits " + std::to_string(bits >> 4U) + " with opcode " +
                                       std::to_string(opcode),
                                   {ws_frame(fin | bits | opcode, "x")}, 1002));
}

void add_opcodes(Cases& cases) { // section 5.2
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
        const auto name = "opcode " + std::to_string(opcode);
        cases.push_back(closes(name, {ws_frame(fin | opcode, "")}, 1002));
        cases.push_back(closes(name + " after a message",
                               {ws_text(beat(1)) + ws_frame(fin | opcode, "x")}, 1002,
                               {answer(1)}));
    }
    cases.push_back(closes("a binary message, which the dialect has none of",
                           {ws_frame(fin | binary, "x")}, 1003));
}

void add_masking(Cases& cases) { // section 5.1, 5.3
    for (const unsigned opcode : {text, binary, close_op, ping, pong})
        cases.push_back(closes("an unmasked frame of opcode " + std::to_string(opcode),
                               {ws_frame(fin | opcode, "", false)}, 1002));
    for (const auto& key : {"\0\0\0\0"s, "\xff\xff\xff\xff"s, "\0\1\2\3"s, "[\"x\x80"s})
        for (const std::size_t size : {40UL, 41UL, 42UL, 43UL, 1000UL})
            cases.push_back(goes_on("a mask, " + std::to_string(size) + " bytes",
                                    {masked(fin | text, beat_of(1, size), key)}, {answer(1)}));
}

void add_control_frames(Cases& cases) { // section 5.5
    for (const std::size_t size : {0UL, 1UL, 124UL, 125UL}) {
        const auto payload = std::string(size, '\xfe');
        const auto name = " of " + std::to_string(size) + " bytes";
        cases.push_back(
            goes_on("a ping" + name, {ws_frame(fin | ping, payload)}, {"pong " + payload}));
        cases.push_back(goes_on("a ping" + name + ", byte by byte",
                                bytewise(ws_frame(fin | ping, payload)), {"pong " + payload}));
        cases.push_back(goes_on("a pong" + name, {ws_frame(fin | pong, payload)}, {}));
    }
    for (const unsigned opcode : {close_op, ping, pong}) {
        const auto name = "a control frame of opcode " + std::to_string(opcode);
        cases.push_back(
            closes(name + ", too long", {ws_frame(fin | opcode, std::string(126, 'x'))}, 1002));
        cases.push_back(closes(name + ", fragmented", {ws_frame(opcode, "x")}, 1002));
        cases.push_back(closes(name + ", fragmented and empty", {ws_frame(opcode, "")}, 1002));
    }
    std::string pings;
    Strings pongs;
    for (int i = 0; i < 10; ++i) {
        pings += ws_frame(fin | ping, std::to_string(i));
        pongs.push_back("pong " + std::to_string(i));
    }
    cases.push_back(goes_on("ten pings in one write", {pings}, pongs));
    cases.push_back(
        goes_on("a message between two pings",
                {ws_frame(fin | ping, "a") + ws_text(beat(1)) + ws_frame(fin | ping, "b")},
                {"pong a", answer(1), "pong b"}));
}

void add_fragments(Cases& cases) { // section 5.4
    const auto message = beat_of(1, 300);
    for (const std::size_t size : {1UL, 2UL, 7UL, 150UL, 299UL}) {
        const auto bytes = in_frames(text, message, size);
        const auto name = "frames of " + std::to_string(size) + " bytes";
        cases.push_back(goes_on(name, {bytes}, {answer(1)}));
        if (size > 2)
            cases.push_back(goes_on(name + ", byte by byte", bytewise(bytes), {answer(1)}));
    }
    const auto first = ws_frame(text, message.substr(0, 100));
    const auto rest = ws_frame(fin | cont, message.substr(100));
    const auto empty = ws_frame(cont, "");
    cases.push_back(goes_on("an empty first frame",
                            {ws_frame(text, "") + ws_frame(fin | cont, message)}, {answer(1)}));
    cases.push_back(
        goes_on("empty frames in between", {first + empty + empty + rest}, {answer(1)}));
    cases.push_back(goes_on("an empty last frame",
                            {ws_frame(text, message) + ws_frame(fin | cont, "")}, {answer(1)}));
    cases.push_back(goes_on("a ping in between", {first + ws_frame(fin | ping, "p") + rest},
                            {"pong p", answer(1)}));
    cases.push_back(goes_on("a ping in between, byte by byte",
                            bytewise(first + ws_frame(fin | ping, "p") + rest),
                            {"pong p", answer(1)}));
    cases.push_back(
        goes_on("a pong in between", {first + ws_frame(fin | pong, "p") + rest}, {answer(1)}));
    cases.push_back(closes("a close in between", {first + ws_close(1000)}, 1000));
    cases.push_back(closes("a continuation of nothing", {ws_frame(cont, "x")}, 1002));
    cases.push_back(closes("a last continuation of nothing", {ws_frame(fin | cont, "x")}, 1002));
    cases.push_back(closes("a continuation after a whole message",
                           {ws_text(beat(1)) + ws_frame(fin | cont, "x")}, 1002, {answer(1)}));
    for (const unsigned opcode : {text, binary}) {
        cases.push_back(
            closes("a new message inside another", {first + ws_frame(opcode, "x")}, 1002));
        cases.push_back(
            closes("a whole message inside another", {first + ws_frame(fin | opcode, "x")}, 1002));
    }
    std::string frames = ws_frame(text, "");
    for (int i = 0; i < 1022; ++i) frames += empty;
    cases.push_back(goes_on("as many frames as a message may have",
                            {frames + ws_frame(fin | cont, message)}, {answer(1)}));
    cases.push_back(closes("one frame too many", {frames + empty + empty + empty}, 1008));
}

void add_utf8(Cases& cases) { // section 8.1
    const Strings good = {"\u00e9",       "\u0080",       "\u07ff",     "\u0800",
                          "\uffff",       "\ufdd0",       "\U00010000", "\U0010ffff",
                          "\xed\x9f\xbf", "\xee\x80\x80", "\ufeff",     "\u20ac\u20ac"};
    const Strings bad = {"\x80",
                         "\xbf",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x80\x80",
                         "\xe0\x9f\xbf",
                         "\xf0\x80\x80\x80",
                         "\xf0\x8f\xbf\xbf",
                         "\xed\xa0\x80",
                         "\xed\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xf8\x88\x80\x80\x80",
                         "\xfe",
                         "\xff",
                         "\xc3",
                         "\xe2\x82",
                         "\xf0\x9f\x98",
                         "\xce\xba\xed\xa0"};
    for (std::size_t i = 0; i < good.size(); ++i) {
        const auto name = "good UTF-8 number " + std::to_string(i);
        cases.push_back(goes_on(name, {ws_text(beat(1, good[i]))}, {answer(1)}));
        cases.push_back(goes_on(name + ", a frame for each byte",
                                {in_frames(text, beat(1, good[i]), 1)}, {answer(1)}));
    }
    for (std::size_t i = 0; i < bad.size(); ++i) {
        const auto name = "bad UTF-8 number " + std::to_string(i);
        cases.push_back(closes(name, {ws_text(beat(1, bad[i]))}, 1007));
        cases.push_back(
            closes(name + ", a frame for each byte", {in_frames(text, beat(1, bad[i]), 1)}, 1007));
        cases.push_back(closes(name + " as a close reason",
                               {ws_frame(fin | close_op, "\x03\xe8" + bad[i])}, 1007));
    }
    cases.push_back(closes("bad UTF-8 is noticed before its message is complete",
                           {ws_frame(text, "[0,0,1,\"\xff")}, 1007));
    cases.push_back(closes("and before its frame is",
                           {ws_text(beat_of(1, 1000)).substr(0, 8) + std::string(20, '\xff')},
                           1007));
}

void add_closes(Cases& cases) { // section 5.5.1, 7.4
    for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U,
                                1012U, 1013U, 1014U, 3000U, 3999U, 4000U, 4999U})
        cases.push_back(
            closes("close code " + std::to_string(code), {ws_close(code)}, static_cast<int>(code)));
    for (const unsigned code :
         {0U, 1U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 1100U, 2000U, 2999U, 5000U, 65535U})
        cases.push_back(closes("close code " + std::to_string(code) + ", which nobody may send",
                               {ws_close(code)}, 1002));
    cases.push_back(closes("a close without a code", {ws_frame(fin | close_op, "")}, 1005));
    cases.push_back(closes("a close of one byte", {ws_frame(fin | close_op, "\x03")}, 1002));
    for (const std::size_t size : {1UL, 122UL, 123UL})
        cases.push_back(closes("a reason of " + std::to_string(size) + " bytes",
                               {ws_frame(fin | close_op, "\x03\xe8" + std::string(size, 'r'))},
                               1000));
    cases.push_back(closes("a close byte by byte", bytewise(ws_close(1001)), 1001));
    cases.push_back(closes("a message after a close", {ws_close(1000) + ws_text(beat(1))}, 1000));
    cases.push_back(
        closes("a ping after a close", {ws_close(1000) + ws_frame(fin | ping, "p")}, 1000));
    cases.push_back(closes("two closes", {ws_close(1000) + ws_close(1001)}, 1000));
    cases.push_back(
        closes("garbage after a close", {ws_close(1000) + std::string(100, '\xff')}, 1000));
}

void add_compression(Cases& cases) { // RFC 7692
    const auto message = beat_of(1, 2000);
    const auto packed = compressed(message);
    const unsigned first = rsv1 | text;
    cases.push_back(goes_on("a compressed message", {ws_frame(fin | first, packed)}, {answer(1)}));
    cases.push_back(goes_on("a compressed message, byte by byte",
                            bytewise(ws_frame(fin | first, packed)), {answer(1)}));
    cases.push_back(goes_on("a message that is not", {ws_text(message)}, {answer(1)}));
    for (const std::size_t size : {1UL, 10UL, 30UL})
        cases.push_back(goes_on("compressed, in frames of " + std::to_string(size),
                                {in_frames(first, packed, size)}, {answer(1)}));
    cases.push_back(goes_on("a ping between compressed frames",
                            {ws_frame(first, packed.substr(0, 9)) + ws_frame(fin | ping, "p") +
                             ws_frame(fin | cont, packed.substr(9))},
                            {"pong p", answer(1)}));
    cases.push_back(goes_on("the same compressed message twice",
                            {ws_frame(fin | first, packed) + ws_frame(fin | first, packed)},
                            {answer(1), answer(1)}));
    cases.push_back(closes(
        "the bit on a continuation",
        {ws_frame(first, packed.substr(0, 9)) + ws_frame(fin | rsv1 | cont, packed.substr(9))},
        1002));
    for (const unsigned opcode : {close_op, ping, pong})
        cases.push_back(
            closes("the bit on a control frame", {ws_frame(fin | rsv1 | opcode, "")}, 1002));
    for (const unsigned bits : {0x20U, 0x10U, 0x30U})
        cases.push_back(
            closes("another reserved bit too", {ws_frame(fin | bits | first, packed)}, 1002));
    cases.push_back(closes("nonsense", {ws_frame(fin | first, "\xff\xff\xff")}, 1007));
    cases.push_back(closes("half a message", {ws_frame(fin | first, packed.substr(0, 9))}, 1007));
    cases.push_back(closes("bad UTF-8, compressed",
                           {ws_frame(fin | first, compressed(beat(1, std::string(90, '\xff'))))},
                           1007));
    cases.push_back(goes_on("one that inflates to the limit",
                            {ws_frame(fin | first, compressed(beat_of(1, limit)))}, {answer(1)}));
    cases.push_back(closes("one that inflates to one byte more",
                           {ws_frame(fin | first, compressed(beat_of(1, limit + 1)))}, 1009));
    cases.push_back(
        closes("a bomb", {ws_frame(fin | first, compressed(std::string(20'000'000, ' ')))}, 1009));
    cases.push_back(closes("an empty message, compressed", {ws_frame(fin | first, "\0"s)}, 1007));
    cases.push_back(closes("a compressed binary message, which the dialect has none of",
                           {ws_frame(fin | rsv1 | binary, packed)}, 1003));
}

// ---------------------------------------------------------------------------------- running them

/// Everything that comes back, up to the close frame or the end of the stream.
Strings converse(RawClient& client, const Case& what) {
    for (const auto& bytes : what.writes)
        if (!client.send(bytes)) break;
    Strings heard;
    while (const auto frame = client.read_frame()) {
        if (frame->is_close()) {
            heard.push_back("close " + std::to_string(frame->close_code()));
            client.send(ws_close(1000));
            break;
        }
        if (frame->is_text()) heard.push_back("text " + frame->payload);
        if (frame->is_pong()) heard.push_back("pong " + frame->payload);
    }
    return heard;
}

void run(const Cases& cases, const chain::HandlerConfig& config, const std::string& headers) {
    TestServer server(test::room_channel(), config);
    server.start();
    auto bystander = server.member("room:a");
    for (const auto& what : cases) {
        INFO(what.name);
        RawClient client(server.port());
        REQUIRE(client.upgrade("/socket/websocket", headers).status == 101);
        CHECK(converse(client, what) == what.expected);
    }
    bystander.send_text(beat(1));
    CHECK("text " + bystander.receive() == answer(1));
}

} // namespace

TEST_CASE("the server keeps to RFC 6455 in each case of the conformance suite") {
    Cases cases;
    add_lengths(cases);
    add_reserved_bits(cases);
    add_opcodes(cases);
    add_masking(cases);
    add_control_frames(cases);
    add_fragments(cases);
    add_utf8(cases);
    add_closes(cases);
    CHECK(cases.size() >= 250);
    run(cases, {}, {});
}

TEST_CASE("the server keeps to RFC 7692 in each case of the conformance suite") {
    Cases cases;
    add_compression(cases);
    CHECK(cases.size() >= 23);
    chain::HandlerConfig config;
    config.compression.enabled = true;
    run(cases, config, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
}
