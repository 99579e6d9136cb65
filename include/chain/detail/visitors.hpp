// Visitors: what belongs to one context and waits for what happens elsewhere.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

namespace chain::detail {

/// Something of a context that other threads know: a stream that serves a session of another
/// executor, or a request that waits for its answer.
class Visitor {
  public:
    /// Lets go of all that must not outlive the context. Called under a lock.
    /// @return what is to be destroyed now, without the lock
    virtual std::shared_ptr<void> context_gone() noexcept = 0;

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
        if (!gone_) all_.insert(&visitor);
        return !gone_;
    }
    void remove(Visitor& visitor) noexcept {
        const std::lock_guard lock(mutex_);
        all_.erase(&visitor);
    }
    /// Calls `f` unless the context is gone; it stays as long as the call lasts.
    template <class F>
    void while_alive(F f) {
        const std::lock_guard lock(mutex_);
        if (!gone_) f();
    }
    void end() noexcept {
        std::vector<std::shared_ptr<void>> left; // it may come back to this object
        const std::lock_guard lock(mutex_);
        gone_ = true;
        for (auto* visitor : std::exchange(all_, {})) left.push_back(visitor->context_gone());
    }

  private:
    std::mutex mutex_;
    std::unordered_set<Visitor*> all_;
    bool gone_ = false;
};

} // namespace chain::detail
