// The wheel on which a lane's timers hang, alone.
#include "../support/catch.hpp"

#include <chain/detail/timer_wheel.hpp>

#include <functional>
#include <memory>
#include <random>
#include <vector>

using chain::detail::TimerNode, chain::detail::TimerWheel;
using namespace std::chrono_literals;
using Time = TimerWheel::Time;
using Milliseconds = std::chrono::milliseconds;

namespace {

/// A timer that counts how often it fired, and may do something then.
struct Timer : TimerNode {
    Timer() : TimerNode([](TimerNode& node) { static_cast<Timer&>(node).fired(); }) {}
    void fired() {
        ++count;
        if (then) then();
    }
    int count = 0;
    std::function<void()> then;
};

const Time start{1h};

} // namespace

TEST_CASE("a timer fires once, never early, and at most one tick late") {
    for (const auto after :
         {0ms, 1ms, 49ms, 50ms, 51ms, 1'000ms, 25'600ms, 25'601ms, 3'600'000ms}) {
        for (const auto offset : {0ms, 1ms, 49ms}) {
            Timer timer;
            TimerWheel wheel(start);
            wheel.advance(start + offset);
            wheel.arm(timer, start + offset, after);
            const auto due = start + offset + after;
            wheel.advance(due - 1ms);
            CHECK(timer.count == 0);
            wheel.advance(due + TimerWheel::tick);
            CHECK(timer.count == 1);
            CHECK_FALSE(timer.armed());
            wheel.advance(due + 24h);
            CHECK(timer.count == 1);
        }
    }
}

TEST_CASE("a timer that is disarmed, armed again or destroyed does not fire at its old time") {
    TimerWheel wheel(start);
    Timer disarmed, moved;
    wheel.arm(disarmed, start, 100ms);
    wheel.arm(moved, start, 100ms);
    {
        Timer destroyed;
        wheel.arm(destroyed, start, 100ms);
    }
    disarmed.disarm();
    disarmed.disarm(); // a second time does nothing
    wheel.arm(moved, start, 300ms);

    wheel.advance(start + 200ms);
    CHECK(disarmed.count == 0);
    CHECK(moved.count == 0);
    wheel.advance(start + 300ms);
    CHECK(moved.count == 1);
}

TEST_CASE("a timer that fires may arm itself, and arm, disarm or destroy others") {
    TimerWheel wheel(start);
    Timer again, other, late;
    auto victim = std::make_unique<Timer>();
    again.then = [&] {
        wheel.arm(again, start + 100ms, 0ms);
        wheel.arm(late, start + 100ms, 25'600ms); // the same slot, one turn of the wheel later
        other.disarm();
        victim.reset();
    };
    wheel.arm(again, start, 100ms);
    wheel.arm(other, start, 100ms);
    wheel.arm(*victim, start, 100ms);

    wheel.advance(start + 100ms);
    CHECK(again.count == 1);
    CHECK(again.armed());
    CHECK(other.count == 0);
    CHECK(late.count == 0);
    again.then = nullptr;
    wheel.advance(start + 25'700ms);
    CHECK(again.count == 2);
    CHECK(late.count == 1);
}

TEST_CASE("the wheel says when it has something to do, and sleeps when it has nothing") {
    TimerWheel wheel(start);
    CHECK_FALSE(wheel.next());
    Timer timer;
    wheel.arm(timer, start, 120ms);
    REQUIRE(wheel.next());
    CHECK(*wheel.next() == start + 150ms);
    wheel.advance(*wheel.next());
    CHECK(timer.count == 1);
    CHECK_FALSE(wheel.next());
}

TEST_CASE("a timer that is armed for sooner than the others is the next that the wheel asks for") {
    TimerWheel wheel(start);
    Timer late;
    Timer soon;
    for (int i = 0; i < 3; ++i) {
        wheel.arm(late, start, 10s);
        CHECK(*wheel.next() == start + 10s);
        wheel.arm(soon, start, 1s);
        CHECK(*wheel.next() == start + 1s);
        soon.disarm();
        CHECK(*wheel.next() == start + 10s);
        late.disarm();
        CHECK_FALSE(wheel.next());
    }
}

TEST_CASE("a time that lies before the last is no reason to forget a timer") {
    TimerWheel wheel(start);
    Timer timer;
    wheel.advance(start + 100s);
    wheel.arm(timer, start + 100s, 20s);
    CHECK(*wheel.next() == start + 120s);
    wheel.advance(start + 80s);
    CHECK(*wheel.next() == start + 120s);
    wheel.advance(start + 120s);
    CHECK(timer.count == 1);
}

TEST_CASE("who advances the wheel when it asks to meets every timer in time") {
    std::mt19937 random(7);
    std::uniform_int_distribution<int> any(0, 60'000);
    TimerWheel wheel(start);
    std::vector<std::unique_ptr<Timer>> timers;
    Time now = start;
    int fired = 0;
    for (int i = 0; i < 300; ++i) {
        auto& timer = *timers.emplace_back(std::make_unique<Timer>());
        const Milliseconds after{any(random)};
        timer.then = [&, due = now + after] {
            ++fired;
            CHECK(now >= due);
            CHECK(now <= due + TimerWheel::tick);
        };
        wheel.arm(timer, now, after);
    }
    while (const auto next = wheel.next()) {
        now = *next;
        wheel.advance(now);
    }
    CHECK(fired == 300);
}

TEST_CASE("timers that outlive their wheel are disarmed by its end") {
    Timer timer;
    {
        TimerWheel wheel(start);
        wheel.arm(timer, start, 1s);
        CHECK(timer.armed());
    }
    CHECK_FALSE(timer.armed());
}

TEST_CASE("a time that is longer than any clock counts is no time at all that passes") {
    for (const std::size_t slots : {std::size_t{1}, TimerWheel::many}) {
        TimerWheel wheel(start, slots);
        Timer timer;
        wheel.arm(timer, start, Milliseconds::max());
        wheel.advance(start + 24h * 300);
        CHECK(timer.count == 0);
        CHECK(timer.armed());
    }
}
