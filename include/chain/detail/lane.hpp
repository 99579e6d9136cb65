// Lane: a handler's sessions on one serial executor.
#pragma once

#include <chain/detail/batch.hpp>
#include <chain/detail/broadcast.hpp>
#include <chain/detail/clock.hpp>
#include <chain/detail/mailbox.hpp>
#include <chain/detail/pattern_map.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/timer_wheel.hpp>
#include <chain/detail/topic_entry.hpp>
#include <chain/fwd.hpp>
#include <chain/message.hpp>
#include <chain/socket.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain::detail {

class HandlerCore;
class LaneService;
class LaneTimer;
struct Place;

/// A handler's sessions on one serial executor. Nothing in it is locked, but for the mailbox,
/// through which the other threads speak to it. Everything else is for its own thread, inside a
/// `Scope`.
///
/// A declared lane has an io_context that one thread runs, and lives as long as that. A private
/// one has the executor of a connection that the application handed over, perhaps a strand, whose
/// thread changes from one `Scope` to the next; it ends with its last session.
class Lane : public RefCounted<Lane> {
  public:
    /// @param context  that of a declared lane; null makes a private one
    Lane(std::shared_ptr<HandlerCore> handler, net::any_io_executor executor,
         net::io_context* context);
    ~Lane();

    /// Marks that the lane's thread is working in the lane. At the end of the outermost scope what
    /// was put off runs, other lanes are woken for what they were sent, and the flush is scheduled.
    class Scope {
      public:
        explicit Scope(Lane& lane) noexcept;
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

      private:
        Ref<Lane> lane_;
        Lane* outer_ = nullptr;
    };

    /// The lane whose scope this thread is in, or null.
    static Lane* current() noexcept;

    // Any thread.
    /// Is this the lane's own thread? For a private lane: is it inside a `Scope` of it?
    bool here() const noexcept;
    /// Is all that runs on this executor the lane's own work? False when the lane is gone.
    bool runs_on(const net::any_io_executor& executor);
    /// Runs `task` on the lane. @return false when the lane is gone.
    bool post(std::function<void()> task);
    /// Delivers a broadcast, or sends for a membership, on the lane. @return false when the lane is
    /// gone.
    bool post(Ref<Broadcast> broadcast);
    bool post(Errand errand);
    HandlerCore& handler() const noexcept { return *handler_; }
    std::size_t sessions() const noexcept { return session_count_.load(std::memory_order_relaxed); }

    /// For the application's coroutines.
    net::any_io_executor executor();
    /// For sockets and timers, whose handlers enter a `Scope` themselves.
    const net::any_io_executor& bare_executor() const noexcept { return executor_; }
    Batch& batch() noexcept { return batch_; }
    /// Runs `task` when the current handler has returned.
    void later(std::function<void()> task) { later_.push_back(std::move(task)); }
    /// Runs what was put off, unless a handler is running.
    void run_later() {
        if (!later_.empty()) run_all_later();
    }
    bool in_handler() const noexcept { return handler_depth_ > 0; }
    /// The reference of the request that is being handled, as long as no coroutine does it.
    std::string_view asked() const noexcept { return asked_; }
    /// @return what was handled before, which it is for the caller to set again
    std::string_view asked(std::string_view ref) noexcept { return std::exchange(asked_, ref); }
    /// A socket of this membership, to be given to `keep_socket` afterwards: requests of one come
    /// in a row, and a reference for each would cost more than to find its handler.
    Socket take_socket(Membership& membership) noexcept;
    void keep_socket(Socket socket) noexcept;
    void enter_handler() noexcept { ++handler_depth_; }
    void leave_handler() noexcept { --handler_depth_; }

    /// The topic's entry on this lane, or null.
    TopicEntry* find_topic(std::string_view topic) const noexcept;
    /// The topic's entry, made when it is new; null when no channel serves the topic.
    Ref<TopicEntry> topic(std::string_view topic);
    /// Removes the entry when nobody uses it.
    void release_topic(TopicEntry& entry);
    void begin_joining(Membership& membership);
    void join(Membership& membership);
    void leave(Membership& membership);
    /// A settled membership gets the bytes of another group from now on.
    void regroup(Membership& membership);
    /// As `leave`, for a membership whose session is dropped: nothing is sent any more.
    void drop(Membership& membership) noexcept;

    /// Delivers a broadcast to this lane's subscribers.
    void apply(TopicEntry& entry, const Message& message, const Membership* except,
               Ref<Broadcast> shared);
    void apply(const Ref<Broadcast>& shared);
    /// Applies what other threads have sent so far, but runs no user code.
    void apply_mailbox();

    void arm(TimerNode& timer, std::chrono::milliseconds after);
    /// Calls `f` after that time, unless no session is left by then.
    void set_deadline(std::chrono::milliseconds after, std::function<void()> f);
    /// Runs `task` in a while; when the lane is shut down before, it is destroyed unrun.
    void after(std::chrono::milliseconds delay, std::function<void()> task);
    /// Fires the timers that are due.
    void advance();
    /// The lane's own timer, which may be gone by now, was due.
    void timer_fired();
    std::uint32_t ticks() const noexcept;

    void add(SessionCore& session);
    void remove(SessionCore& session);
    std::vector<Ref<SessionCore>> all_sessions() const;
    /// Gives a session another name.
    void name(SessionCore& session, std::string name);
    /// The sessions of this name.
    std::vector<Ref<SessionCore>> named(std::string_view name) const;

    /// Reused: what was decoded last, what was answered last, and what was encoded last.
    Message& inbound() noexcept { return inbound_; }
    Message& answer() noexcept { return answer_; }
    std::string& scratch() noexcept;
    /// Frames were dropped: binary ones, for connections that carry text only.
    void tell_not_carried(std::size_t frames);
    /// The thread's own, shared by its lanes.
    static std::span<char> read_buffer();
    Slice& stamps() noexcept;
    /// The io_context of a declared lane, or null.
    net::io_context* context() const noexcept { return context_; }
    /// What ends it with its context.
    LaneService& service() const noexcept { return service_; }
    /// Where its handler lists it; guarded by that.
    std::size_t& place_in_handler() noexcept { return place_in_handler_; }
    /// Where its service lists it; guarded by that.
    std::size_t& place_in_service() noexcept { return place_in_service_; }

    /// Ends all sessions without running user code; the lane takes nothing any more.
    void shutdown() noexcept;
    /// As `shutdown`, while its context goes on.
    void retire() noexcept;
    /// Was it shut down? Then no timer fires any more.
    bool closed() const noexcept { return closed_; }

  private:
    friend class Scope;
    struct Delayed;
    /// Sessions sent to before the lane lets others have the thread.
    static constexpr std::size_t flush_budget = 256;
    struct Deadline;

    void enter() noexcept;
    void leave() noexcept;
    void run_all_later();
    void check_serial(std::uint64_t thread) noexcept;
    void leave_scope() noexcept;
    void schedule_flush();
    void flush();
    bool wake(const Lane*& promised);
    void wake_now();
    void wake_others();
    void enter_group(Membership& membership);
    void leave_group(Membership& membership) noexcept;
    void run_mailbox();
    void run(const Errand& errand);
    void unname(const SessionCore& session);
    void intercept(TopicEntry& entry, Ref<Broadcast> shared);
    void append(Group& group, const Message& message, const Membership* except,
                const Broadcast* shared, const SharedFate& fate);
    void append(Group& group, const FrameText& frame, const Membership* except,
                const SharedFate& fate);

    std::shared_ptr<HandlerCore> handler_;
    net::io_context* context_;
    net::any_io_executor executor_; ///< Empty once the lane is gone.
    LaneService& service_;
    std::atomic<std::uint64_t> thread_{0};  ///< Who is inside, or was last; see `here`.
    std::atomic<std::uint64_t> entered_{0}; ///< Who is inside, where that is checked.
    std::atomic<std::size_t> session_count_{0};
    Mailbox mailbox_;
    Batch batch_;
    StringMap<Ref<TopicEntry>> topics_;
    TimerWheel wheel_;
    std::list<Delayed> delayed_;
    std::unique_ptr<LaneTimer> timer_;
    std::vector<std::function<void()>> later_;
    std::vector<Ref<Lane>> to_wake_; ///< Lanes that were sent something inside the scope.
    std::vector<std::unique_ptr<Deadline>> deadlines_;
    std::vector<SessionCore*> sessions_;
    StringMap<std::vector<SessionCore*>> names_;
    std::string_view asked_;
    Socket last_socket_{nullptr}; ///< Of a joined membership, until the scope ends, or none.
    Message inbound_;
    Message answer_{.kind = MessageKind::reply};
    std::string scratch_;
    Slice stamps_;
    std::size_t place_in_handler_ = 0;
    std::size_t place_in_service_ = 0;
    unsigned depth_ = 0;
    unsigned handler_depth_ = 0;
    bool flush_scheduled_ = false;
    bool running_later_ = false;
    bool closed_ = false;
};

/// Marks that application code runs, so that what must not run inside it is put off.
class HandlerScope {
  public:
    explicit HandlerScope(Lane& lane) noexcept : lane_(lane) { lane_.enter_handler(); }
    ~HandlerScope() { lane_.leave_handler(); }
    HandlerScope(const HandlerScope&) = delete;
    HandlerScope& operator=(const HandlerScope&) = delete;

  private:
    Lane& lane_;
};

/// Marks that a request is being handled, which its answer refers to. The text of the reference
/// must outlive this.
class RequestScope {
  public:
    RequestScope(Lane& lane, std::string_view ref) noexcept
        : lane_(lane), outer_(lane.asked(ref)) {}
    ~RequestScope() { lane_.asked(outer_); }
    RequestScope(const RequestScope&) = delete;
    RequestScope& operator=(const RequestScope&) = delete;

  private:
    Lane& lane_;
    std::string_view outer_;
};

/// Runs `task` on the lane, now when this is its thread and no handler runs. @return false when the
/// lane is gone.
template <class Task>
bool on_lane(Lane& lane, Task task) {
    if (!lane.here()) return lane.post(std::function<void()>(std::move(task)));
    const Lane::Scope scope(lane);
    if (lane.in_handler())
        lane.later(std::move(task));
    else
        task();
    return true;
}

} // namespace chain::detail
