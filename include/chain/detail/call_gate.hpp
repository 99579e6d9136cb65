// CallGate: lets calls in until it is closed.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace chain::detail {

/// Lets calls in until it is closed; whoever closes it waits for those that are inside.
/// Thread-safe.
class CallGate {
  public:
    /// A call; false when the gate is closed.
    class Call {
      public:
        explicit Call(CallGate& gate) : gate_(gate.enter() ? &gate : nullptr) {}
        ~Call() {
            if (gate_) gate_->leave();
        }
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        explicit operator bool() const noexcept { return gate_ != nullptr; }

      private:
        CallGate* gate_;
    };

    /// Lets nobody in any more, and waits for the calls of other threads.
    void close();

  private:
    bool enter();
    void leave();

    std::mutex mutex_;
    std::condition_variable left_;
    std::vector<std::thread::id> inside_;
    bool closed_ = false;
};

} // namespace chain::detail
