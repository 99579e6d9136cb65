// Visitors: streams of one context that serve sessions which live elsewhere.
#pragma once

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace chain::detail {

/// A stream that serves a session of another executor than its own.
class Visitor {
  public:
    virtual void context_gone() noexcept = 0;

  protected:
    ~Visitor() = default;
};

/// The visitors from one context, which learn when that goes: other threads must not touch it then.
/// Thread-safe.
class Visitors {
  public:
    /// @return false when the context is gone
    bool add(Visitor& visitor) {
        const std::lock_guard lock(mutex_);
        if (!gone_) all_.push_back(&visitor);
        return !gone_;
    }
    void remove(Visitor& visitor) noexcept {
        const std::lock_guard lock(mutex_);
        std::erase(all_, &visitor);
    }
    /// Calls `f` unless the context is gone; it stays as long as the call lasts.
    template <class F>
    void while_alive(F f) {
        const std::lock_guard lock(mutex_);
        if (!gone_) f();
    }
    void end() noexcept {
        const std::lock_guard lock(mutex_);
        gone_ = true;
        for (auto* visitor : std::exchange(all_, {})) visitor->context_gone();
    }

  private:
    std::mutex mutex_;
    std::vector<Visitor*> all_;
    bool gone_ = false;
};

} // namespace chain::detail
