// What a session keeps for its client's return, against a naive model.
#include "support/catch.hpp"

#include <chain/detail/framing.hpp>
#include <chain/detail/kept_frames.hpp>
#include <chain/detail/outbox.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <deque>
#include <random>
#include <string>
#include <vector>

using chain::Framing;
using chain::detail::FrameSink;
using chain::detail::KeptFrames;
using chain::detail::Outbox;
using chain::detail::Slice;

namespace {

struct Naive {
    struct Frame {
        std::uint32_t number;
        std::string text;
        bool binary;
        std::uint32_t at;
    };
    std::deque<Frame> frames;
    std::uint32_t last = 0;

    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& frame : frames) sum += frame.text.size();
        return sum;
    }
};

void require_same(const KeptFrames& kept, const Naive& naive) {
    REQUIRE(kept.size() == naive.frames.size());
    REQUIRE(kept.bytes() == naive.bytes());
    REQUIRE(kept.last() == naive.last);
    const auto first = naive.last - static_cast<std::uint32_t>(naive.frames.size());
    REQUIRE(kept.reaches(first));
    REQUIRE(kept.reaches(naive.last));
    REQUIRE_FALSE(kept.reaches(naive.last + 1));
    REQUIRE_FALSE(kept.reaches(first - 1));
    auto expected = naive.frames.begin();
    kept.after(first, [&](std::uint32_t number, const chain::detail::FrameText& frame) {
        REQUIRE(number == expected->number);
        REQUIRE(frame.text == expected->text);
        REQUIRE(frame.binary == expected->binary);
        REQUIRE(frame.deflated == expected->binary);
        ++expected;
    });
    REQUIRE(expected == naive.frames.end());
    if (!naive.frames.empty()) REQUIRE(kept.oldest() == naive.frames.front().at);
}

} // namespace

TEST_CASE("kept frames are those of a naive model, whatever is kept, confirmed and forgotten") {
    std::mt19937 random(20261126);
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    for (int run = 0; run < 50; ++run) {
        KeptFrames kept;
        Naive naive;
        std::uint32_t now = 0;
        for (int step = 0; step < 400; ++step) {
            switch (below(8)) {
            case 0: {
                const auto count = naive.last - std::min(naive.last, below(20));
                kept.confirm(count);
                while (!naive.frames.empty() && naive.frames.front().number <= count)
                    naive.frames.pop_front();
                break;
            }
            case 1: {
                const auto bytes = below(400), frames = below(30);
                kept.limit(bytes, frames);
                while (naive.frames.size() > frames || naive.bytes() > bytes)
                    naive.frames.pop_front();
                break;
            }
            case 2:
                now += below(10);
                kept.expire(now, 50);
                while (!naive.frames.empty() && now - naive.frames.front().at >= 50)
                    naive.frames.pop_front();
                break;
            default: {
                const std::string text(below(40), static_cast<char>('a' + below(26)));
                const bool binary = below(2) == 0;
                kept.keep({text, binary, binary}, now);
                naive.frames.push_back({++naive.last, text, binary, now});
            }
            }
            require_same(kept, naive);
        }
    }
}

TEST_CASE("a confirmation of frames that were never sent, or long ago, changes nothing") {
    KeptFrames kept;
    for (int i = 0; i < 3; ++i) kept.keep({"x"}, 0);
    kept.confirm(4);
    kept.confirm(0xffffffffU);
    CHECK(kept.size() == 3);
    kept.confirm(2);
    kept.confirm(1);
    CHECK(kept.size() == 1);
    CHECK(kept.reaches(2));
    CHECK_FALSE(kept.reaches(1));
}

TEST_CASE("a frame comes out of its framing as it went in") {
    const auto framing = GENERATE(Framing::lines, Framing::websocket, Framing::sse);
    const auto size = GENERATE(std::size_t{0}, std::size_t{5}, std::size_t{125}, std::size_t{126},
                               std::size_t{65535}, std::size_t{65536});
    const std::string text(size, 'x');
    for (const bool binary : {false, true}) {
        std::string framed;
        if (framing == Framing::sse) framed = "id: 0a1b2c3d-17\n";
        chain::detail::append_frame(framed, framing, {text, binary});
        const auto frame = chain::detail::unframed(framing, framed);
        CHECK(frame.text == text);
        CHECK(frame.binary == (binary && framing == Framing::websocket));
    }
}

TEST_CASE("a frame that was sent compressed is kept so, and can be sent without") {
    const std::string text(2000, 'x');
    const auto payload = chain::detail::deflate_message(text, {.enabled = true});
    REQUIRE(payload);
    std::string framed;
    chain::detail::append_frame(framed, Framing::websocket_deflate, {*payload, true, true});
    const auto frame = chain::detail::unframed(Framing::websocket_deflate, framed);
    CHECK(frame.text == *payload);
    CHECK(frame.deflated);
    std::vector<char> storage;
    const auto plain = chain::detail::inflated(frame, storage);
    CHECK(plain.text == text);
    CHECK(plain.binary);
    CHECK_FALSE(plain.deflated);
}

namespace {

/// Writes down what is numbered.
struct Sink final : FrameSink {
    void numbered(std::string_view framed) override { frames.emplace_back(framed); }
    std::vector<std::string> frames;
};

} // namespace

TEST_CASE("the outbox tells each frame once, when its first byte is handed over, however it is "
          "cut") {
    std::mt19937 random(7);
    for (int run = 0; run < 200; ++run) {
        Outbox outbox;
        Sink sink;
        std::vector<std::string> given;
        std::size_t bytes = 0, taken = 0;
        const auto begun = [&] {
            std::size_t count = 0, at = 0;
            for (; count < given.size() && at < taken; ++count) at += given[count].size();
            return count;
        };
        for (int step = 0; step < 60; ++step) {
            if (random() % 2 == 0) {
                Slice slice;
                for (auto frames = 1 + random() % 3; frames > 0; --frames) {
                    given.push_back(std::to_string(given.size()) + std::string(random() % 9, '.') +
                                    "\n");
                    slice.append_framed(given.back(), true);
                }
                bytes += slice.bytes().size();
                const auto part = outbox.idle() ? random() % (slice.bytes().size() + 1) : 0;
                taken += part;
                if (part == slice.bytes().size())
                    outbox.handed_over(slice, &sink);
                else
                    outbox.keep(slice, part, &sink);
            } else if (!outbox.idle()) {
                const auto part = 1 + random() % outbox.unsent();
                taken += part;
                outbox.handed_over(part, &sink);
            }
            REQUIRE(outbox.unsent() == bytes - taken);
            REQUIRE(outbox.sent() == begun());
            REQUIRE(sink.frames ==
                    std::vector<std::string>(given.begin(), given.begin() + outbox.sent()));
            std::size_t waiting = outbox.sent();
            outbox.waiting(
                [&](std::string_view framed, const auto&) { REQUIRE(framed == given[waiting++]); });
            REQUIRE(waiting == given.size());
        }
    }
}
