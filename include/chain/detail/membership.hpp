// Membership: what is behind a Socket: one session in one topic.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/end_watcher.hpp>
#include <chain/detail/handler_traits.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/reference.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/state_slot.hpp>
#include <chain/detail/topic_entry.hpp>
#include <chain/observer.hpp>
#include <chain/socket.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

struct Held;
struct MembershipWork;
struct PendingReply;
struct StoredMessage;

/// One session in one topic. Its handlers run one at a time: an activity (join, event, leave) is
/// begun, may suspend as a coroutine, and is concluded; what comes meanwhile waits. All members are
/// for the lane's thread unless said otherwise.
class Membership : public RefCounted<Membership> {
  public:
    static Ref<Membership> make(SessionCore& session, Ref<TopicEntry> topic,
                                std::string_view join_ref);
    ~Membership();
    /// Gives its memory back to its session's room.
    static void operator delete(Membership* ended, std::destroying_delete_t);

    // Any thread.
    SessionCore& session() const noexcept { return *session_; }
    const std::string& topic() const noexcept { return topic_->name(); }
    SocketStatus status() const noexcept { return status_.load(std::memory_order_acquire); }

    TopicEntry& entry() const noexcept { return *topic_; }
    /// Where the batch finds it; null unless joined.
    Group* group() const noexcept { return group_; }
    std::uint32_t index() const noexcept { return index_; }
    void place(Group* group, std::uint32_t index) noexcept {
        group_ = group;
        index_ = index;
    }
    /// Of the turn's frames, the first that may be for it.
    std::uint32_t skip() const noexcept { return skip_; }
    void skip(std::uint32_t frames) noexcept { skip_ = frames; }
    /// Is there a frame of its group that it does not get?
    bool marked() const noexcept { return marked_; }
    void marked(bool on) noexcept { marked_ = on; }
    Membership* next() const noexcept { return next_.get(); }
    Ref<Membership>& next_ref() noexcept { return next_; }

    StateSlot& state() noexcept { return state_; }
    Json& assigns();
    const Json* find_assigns() const noexcept { return extras_ ? &extras_->assigns : nullptr; }
    /// Has the membership's end told to `watcher`, once.
    void watch(std::shared_ptr<EndWatcher> watcher);
    const Reference& join_ref() const noexcept { return join_ref_; }

    /// Is `join_ref` that of another membership than this one?
    bool stale(std::string_view join_ref) const noexcept;
    /// Does a handler run, so that messages have to wait?
    bool busy() const noexcept { return activity_ != Activity::none; }
    /// Does a coroutine run, which may look at the state?
    bool suspended() const noexcept;
    /// Does a newer join wait for this membership's end?
    bool superseded() const noexcept;

    /// Runs the join handler.
    void begin_join(const Message& message);
    /// The handler that bears the event's very name, or null.
    const std::shared_ptr<Callback>* handler_of(std::string_view event) const noexcept;
    /// Runs an event's handler: `callback`, or where that is null the one whose prefix fits.
    inline void begin_event(const Message& message, const std::shared_ptr<Callback>* callback);
    /// Ends the membership as soon as what runs has completed. `request` is the leave message or
    /// the next join, or null.
    void end(LeaveReason why, const Message* request);
    /// Ends the membership for the application, when what runs has completed by itself.
    void stop();
    /// Takes the place of one that has ended, which is told so once this one's join is answered.
    void replaces(Membership& old);
    /// Tells the client that this membership has ended, because it joined again as `join_ref`.
    void tell_closed(std::string_view join_ref);
    /// Lets a message wait for what runs. @return false when too many wait.
    bool wait(const Message& message);
    /// A newer join has come while a handler runs: ends this membership and lets the join wait.
    void supersede(const Message& message);
    /// A cancelled coroutine did not end in time.
    void give_up();
    /// Drops it without running user code.
    void abandon() noexcept;

    error_code push(std::string_view event, std::string_view payload, bool binary);
    error_code send(std::string_view frame);
    /// A broadcast reached the topic while the join is not answered yet.
    void hold(Ref<Broadcast> broadcast, bool intercepted);
    /// Runs the out handler for a broadcast, and sends what it gives.
    void deliver_intercepted(const Ref<Broadcast>& broadcast);
    std::shared_ptr<PendingReply> make_token(TokenUse use);
    error_code reply_later(std::string_view ref, const Answer& answer);

  private:
    Membership(SessionCore& session, Ref<TopicEntry> topic, std::string_view join_ref);

    enum class Activity : std::uint8_t { none, join, event, leave };
    enum class Failure : std::uint8_t { none, bad_payload, threw };
    /// What most memberships never need.
    struct Extras {
        Json assigns;
        std::vector<std::shared_ptr<EndWatcher>> watchers;
    };

    MembershipWork& work();
    Extras& extras();
    void tell_watchers(bool quietly) noexcept;
    const std::string& pattern() const noexcept;
    void run(Activity activity, Callback& callback, const Message& message, Socket& socket);
    inline Outcome call(Callback& callback, const HandlerArgs& args, Failure& failure);
    void spawn(net::awaitable<Reply> coroutine);
    void completed(std::uint32_t run, std::exception_ptr thrown, Reply reply);
    Hook hook() const noexcept;
    Failure explain(std::exception_ptr thrown, Hook hook) noexcept;
    inline void conclude(Failure failure, const Reply& reply);
    void conclude_suspended(Failure failure, const Reply& reply);
    void conclude_join(Failure failure, const Reply& reply);
    void accept(std::string_view payload, bool binary);
    void refuse(std::string_view payload, bool binary);
    void refuse(std::string_view why);
    inline void conclude_event(Failure failure, const Reply& reply);
    void begin_leave();
    void conclude_leave();
    void forget_waiting();
    const StoredMessage* next_join() const noexcept;
    void conclude_rejoin(const StoredMessage* request);
    void route_join(const Message& message);
    void close_replaced();
    void proceed();
    void cancel();
    void answer(const Answer& answer);
    inline void answer(Message& said);
    bool keep(Held held);
    void release_held();
    void postpone(const Ref<Broadcast>& broadcast);
    SharedFate fate_of(const Message& message) const;
    void send_push(std::string_view event, std::string_view payload, bool binary);
    void send_rewritten(std::string_view event, const Json& payload);
    void send_lifecycle(MessageKind kind);

    Ref<SessionCore> session_;
    Ref<TopicEntry> topic_;
    Group* group_ = nullptr;
    Ref<Membership> next_;
    Reference join_ref_;
    StateSlot state_;
    std::unique_ptr<Extras> extras_;
    std::unique_ptr<MembershipWork> work_;
    std::uint32_t index_ = 0;
    std::uint32_t skip_ = 0;
    std::atomic<SocketStatus> status_{SocketStatus::joining};
    Activity activity_ = Activity::none;
    bool marked_ = false;
};

/// Lets the library's own parts look behind a Socket.
struct SocketAccess {
    static const Ref<Membership>& membership(const Socket& socket) noexcept { return socket.impl_; }
};

} // namespace chain::detail
