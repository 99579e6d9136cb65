// What a membership holds only while something runs or waits.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/reference.hpp>
#include <chain/detail/timer_wheel.hpp>
#include <chain/message.hpp>
#include <chain/socket.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class Membership;

/// A client's message that owns its bytes.
struct StoredMessage {
    explicit StoredMessage(const Message& message);
    Message view() const;
    std::size_t size() const noexcept;

    MessageKind kind;
    bool binary;
    std::string join_ref, ref, topic, event, payload;
};

/// Something to send once the join is answered: a broadcast, or a push of the join handler.
struct Held {
    Ref<Broadcast> broadcast;
    bool intercepted = false;
    std::string event, payload;
    bool binary = false;
};

/// A request that may be answered later, from any thread.
struct PendingReply {
    Ref<Membership> membership;
    std::string ref;
    std::atomic<bool> used{false};
    bool often = false; ///< May it be answered again?
};

struct MembershipWork {
    explicit MembershipWork(Membership& membership);

    struct Patience : TimerNode {
        using TimerNode::TimerNode;
        Membership* membership = nullptr;
    };

    // An empty deque would take memory for its first elements.
    std::list<StoredMessage> waiting;
    std::size_t waiting_bytes = 0;
    bool superseded = false; ///< Does a newer join wait?
    std::vector<Held> held;
    std::size_t held_bytes = 0;
    std::list<Ref<Broadcast>> intercepted; ///< For the out handler, once what runs has completed.
    std::uint32_t run = 0;  ///< Tells a coroutine's completion from that of one that was given up.
    bool suspended = false; ///< Does a coroutine run?
    Reference asked;        ///< The request that it handles.
    bool given_up = false;  ///< Does one run on that was cancelled and not waited for?
    std::shared_ptr<boost::asio::cancellation_signal>
        cancel;        ///< Of the coroutine that runs; one that was given up keeps its own.
    Patience patience; ///< For a coroutine that was cancelled.
    std::shared_ptr<PendingReply>
        token; ///< For the event being handled, when the handler asked for one.
    std::optional<LeaveReason> ending; ///< To be ended when what runs has completed.
    bool untold = false; ///< Is the client still to be told, by a newer join, that it has ended?
    Ref<Membership> replaced; ///< The one before it, to be told closed once the join is answered.
    std::optional<StoredMessage> request; ///< The leave message, or the next join, behind the end.
};

} // namespace chain::detail
