// Definitions of <chain/detail/handler_core.hpp>: the end, in batches, and its being called off.
#pragma once

#include <chain/detail/drain_plan.hpp>
#include <chain/detail/handler_core.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

/// Knows when the last session has ended, or the deadline is over.
class HandlerCore::Draining {
  public:
    explicit Draining(std::function<void()> done) : done_(std::move(done)) {}

    /// May come while a context is destroyed, so what the application throws goes no further. What
    /// the callback holds, perhaps the handler itself, goes with it.
    void complete(HandlerCore& handler) noexcept {
        if (completed_.exchange(true)) return;
        try {
            if (const auto done = std::exchange(done_, nullptr)) done();
        } catch (...) {
            handler.notify(
                [](Observer& o) { o.log(LogLevel::error, "the callback of a drain threw"); });
        }
    }
    void call_off() noexcept {
        if (!completed_.exchange(true)) done_ = nullptr;
    }

  private:
    std::function<void()> done_;
    std::atomic<bool> completed_{false};
};

/// Closes a lane's connections batch by batch, and then ends what is left. The lane's timer holds
/// it, on whose thread it lives.
class HandlerCore::LaneDrain : public std::enable_shared_from_this<LaneDrain> {
  public:
    LaneDrain(Lane& lane, std::chrono::milliseconds window, std::uint32_t turn)
        : lane_(lane), turn_(turn), began_(lane.ticks()), sessions_(lane.all_sessions()),
          plan_(sessions_.size(), window / TimerWheel::tick, make_random_id()) {
        plan_.shuffle(sessions_);
    }

    void step() {
        auto& handler = lane_.handler();
        if (!handler.draining(turn_)) return;
        const auto delay = handler.config().timeouts.restart;
        const auto passed = lane_.ticks() - began_;
        for (const auto due = plan_.due(passed); closed_ < due; ++closed_)
            std::exchange(sessions_[closed_], nullptr)->dismiss(delay);
        if (plan_.ended(passed))
            for (const auto& session : lane_.all_sessions())
                session->end(close_restart, retry_after(delay));
        else if (lane_.sessions() > 0)
            lane_.after(TimerWheel::tick, [self = shared_from_this()] { self->step(); });
    }

  private:
    Lane& lane_;
    std::uint32_t turn_;
    std::uint32_t began_;                    ///< In the lane's ticks.
    std::vector<Ref<SessionCore>> sessions_; ///< In the order in which they are dismissed.
    DrainPlan plan_;
    std::size_t closed_ = 0;
};

void HandlerCore::check_drained() {
    if (!draining() || sessions_.size() > 0) return;
    std::vector<std::shared_ptr<Draining>> drains;
    {
        const std::lock_guard lock(mutex_);
        drains = drains_;
    }
    for (const auto& drain : drains) drain->complete(*this);
}

void HandlerCore::drain(std::chrono::milliseconds deadline, std::function<void()> done) {
    auto drain = std::make_shared<Draining>(std::move(done));
    std::uint32_t turn = 0;
    {
        const std::lock_guard lock(mutex_);
        drains_.push_back(drain);
        turn = drain_turn_;
        draining_ = true;
    }
    if (auto* const part = http()) part->drain();
    const auto window = drain_window(config_.drain, sessions_.size(), deadline);
    bool posted = false;
    for (const auto& lane : lanes()) {
        posted |= lane->post([lane, drain, deadline, window, turn] {
            lane->set_deadline(deadline, [lane, drain] { drain->complete(lane->handler()); });
            std::make_shared<LaneDrain>(*lane, window, turn)->step();
        });
    }
    if (!posted || sessions_.size() == 0) drain->complete(*this);
}

void HandlerCore::call_off_drain() {
    std::vector<std::shared_ptr<Draining>> drains;
    {
        const std::lock_guard lock(mutex_);
        drains.swap(drains_);
        ++drain_turn_;
        draining_ = false;
    }
    for (const auto& drain : drains) drain->call_off();
}

} // namespace chain::detail
