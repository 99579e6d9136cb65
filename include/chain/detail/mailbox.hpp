// Mailbox: what other threads ask of a lane.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/message.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chain::detail {

class Lane;

/// Something to send to one client: an event, the late reply to a request, or a frame that is
/// encoded already.
struct Errand {
    enum class Kind : std::uint8_t { push, reply, frame };

    Kind kind;
    Ref<SessionCore> session;
    Ref<Membership> membership; ///< Null for a frame of the session itself.
    std::string name = {};      ///< The event, or the request's reference.
    std::string payload = {};
    Status status = Status::ok;
    bool binary = false;
    std::string status_name = {};
};

/// What other threads ask of a lane, in order. Data (broadcasts and errands) may be applied ahead
/// of tasks, which run user code.
class Mailbox {
  public:
    using Data = std::variant<Ref<Broadcast>, Errand>;
    using Task = std::function<void()>;

    /// Appends. `wake` is called under the lock when the lane has to be woken, so that it cannot be
    /// closed in between. It returns false when it has only promised to call `keep_promise`; it may
    /// note in its argument who has promised that last.
    /// @return false when the mailbox is closed.
    template <class Wake>
    bool put(Data item, Wake wake) {
        const std::lock_guard lock(mutex_);
        if (closed_) return false;
        data_.push_back(std::move(item));
        wake_once(wake);
        return true;
    }
    template <class Wake>
    bool put(Task task, Wake wake) {
        const std::lock_guard lock(mutex_);
        if (closed_) return false;
        tasks_.push_back(std::move(task));
        wake_once(wake);
        return true;
    }

    /// What `condition` says, under the lock; false when the mailbox is closed.
    template <class Condition>
    bool when_open(Condition condition) {
        const std::lock_guard lock(mutex_);
        return !closed_ && condition();
    }

    /// Calls `wake` when the lane has something to do that it was not woken for.
    template <class Wake>
    void keep_promise(Wake wake) {
        const std::lock_guard lock(mutex_);
        promised_ = nullptr;
        if (closed_ || woken_ || (data_.empty() && tasks_.empty())) return;
        woken_ = true;
        wake();
    }

    /// Takes the data that is there.
    std::vector<Data> take_data();
    /// Takes the tasks that are there; the next `put` wakes the lane again.
    std::vector<Task> take_tasks();
    /// Refuses everything from now on, and forgets what is there.
    void close();

  private:
    template <class Wake>
    void wake_once(Wake& wake) {
        if (!woken_) woken_ = wake(promised_);
    }

    std::mutex mutex_;
    std::vector<Data> data_;
    std::vector<Task> tasks_;
    const Lane* promised_ = nullptr; ///< Who has promised to wake the lane, last.
    bool woken_ = false;
    bool closed_ = false;
};

} // namespace chain::detail
