// SessionCore: what is behind a Session: its memberships, its outbox and its connection.
#pragma once

#include <chain/config.hpp>
#include <chain/connection.hpp>
#include <chain/detail/clock.hpp>
#include <chain/detail/close_codes.hpp>
#include <chain/detail/framing.hpp>
#include <chain/detail/membership_index.hpp>
#include <chain/detail/membership_room.hpp>
#include <chain/detail/outbox.hpp>
#include <chain/detail/peer_table.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/session_rates.hpp>
#include <chain/detail/state_slot.hpp>
#include <chain/detail/timer_wheel.hpp>
#include <chain/detail/verdict.hpp>
#include <chain/error.hpp>
#include <chain/json.hpp>
#include <chain/message.hpp>
#include <chain/request.hpp>
#include <chain/serializer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class Lane;
class Membership;
class ResumeState;
struct Source;
enum class NotResumed : std::uint8_t;
struct ResumeRequest;

/// Why a client's message is answered with an error, in the words of the protocol.
namespace reason {
inline constexpr std::string_view join_crashed = "join crashed";
inline constexpr std::string_view wildcard = "joining topics with wildcard is not allowed";
inline constexpr std::string_view invalid_topic = "invalid topic";
inline constexpr std::string_view unmatched_topic = "unmatched topic";
inline constexpr std::string_view unknown_event = "unknown event";
inline constexpr std::string_view comma = "commas are not allowed in event";
inline constexpr std::string_view invalid_event = "invalid event";
inline constexpr std::string_view busy = "busy";
inline constexpr std::string_view bad_payload = "bad payload";
inline constexpr std::string_view internal_error = "internal error";
} // namespace reason

/// What a reply says.
struct Answer {
    Status status;
    std::string_view payload;
    bool binary = false;
    std::string_view status_name = {}; ///< Where it is neither ok nor error.
};

/// The value under `key` of an object that may not be there, or null.
const Json& value_at(const Json* object, std::string_view key) noexcept;

/// What a session has waiting in its lane's batch.
struct Pending {
    Source* open = nullptr;            ///< Frames of its own.
    std::uint32_t open_index = 0;      ///< Where the batch lists it, when `open`.
    std::uint32_t entry = 0xffffffffU; ///< Its entry in the turn being sent, or none.
};

/// One client. Lives on one lane for good; all members are for the lane's thread unless said
/// otherwise.
class SessionCore : public RefCounted<SessionCore> {
  public:
    SessionCore(Ref<Lane> lane, const Serializer& serializer, Framing framing, Json params);
    ~SessionCore();

    // Any thread.
    const RandomId& id() const noexcept { return id_; }
    Lane& lane() const noexcept { return *lane_; }
    bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    const Serializer& serializer() const noexcept { return *serializer_; }
    Framing framing() const noexcept { return framing_; }
    const Json& params() const noexcept;
    Json& assigns();
    const Json* find_assigns() const noexcept;
    StateSlot& state() noexcept { return state_; }
    /// What it is called, for the lane's index; empty when it has no name.
    const std::string& name() const noexcept;
    void name(std::string name) { extras().name = std::move(name); }

    /// Its place among the sessions of its peer's address.
    void peer(std::unique_ptr<PeerTable::Place> place) { extras().peer = std::move(place); }

    /// Until when its client may go on; then it is asked for a new token, and after a grace closed.
    void expires_at(std::optional<WallTime> at);
    std::optional<WallTime> expires_at() const noexcept;

    Membership* memberships() const noexcept { return first_.get(); }
    inline Membership* find(std::string_view topic) const noexcept;
    MembershipRoom& room() noexcept { return room_; }
    Pending& pending() noexcept { return pending_; }
    /// Where the lane lists it.
    std::uint32_t lane_index() const noexcept { return lane_index_; }
    void lane_index(std::uint32_t index) noexcept { lane_index_ = index; }

    /// Handles a client's frame. The caller keeps this, also when the session ends here.
    error_code receive(std::string_view frame, bool binary);
    /// Handles a client's message, whose topic has not been looked at yet.
    void route(const Message& message);

    void reply(std::string_view topic, std::string_view join_ref, std::string_view ref,
               const Answer& answer);
    void reply_error(const Message& request, std::string_view why);
    /// Joins again, in the place of a membership that has just ended.
    void rejoin(const Message& message, Membership& replaced);
    /// Appends a message to what this session has to send.
    void send(const Message& message, const SharedFate& fate = nullptr);
    error_code send_text(std::string_view frame);
    /// A membership has ended for good.
    void remove(Membership& membership);

    /// The connect handler has let it in.
    void connected() noexcept { connecting_ = false; }
    /// @param claim  that of `claim`, or 0 for a connection that is the newest in any case
    /// @return `Errc::closed`, `Errc::replaced`, `Errc::other_framing`
    error_code attach(std::shared_ptr<Connection> connection, std::uint32_t claim = 0);
    /// @return the rest of a frame of which the connection has taken a part
    std::string detach(const Connection& connection) noexcept;
    /// With what a connection is closed that comes when the session has ended.
    std::uint16_t close_code() const noexcept;
    std::string_view close_reason() const noexcept;
    /// Is this the connection that is attached now?
    bool attached(const Connection& connection) const noexcept {
        return connection_.get() == &connection;
    }
    /// The connection broke: the session waits for the next one when its client can resume, else it
    /// ends with `code`.
    void lost(const Connection& connection, std::uint16_t code);
    /// Ends the connection; the session goes on as with `lost`.
    void break_off(std::uint16_t code, std::string_view why);
    /// The server restarts: ends the connection, once all that waits is sent, and asks the client
    /// to come back after that time. The session waits for it when it can be resumed, else it ends.
    void dismiss(std::chrono::milliseconds delay);

    /// The session can outlive its connections from now on. An announced one tells its client so.
    void make_resumable(bool announced, NotResumed reason);
    bool resumable() const noexcept { return resume_ != nullptr; }
    /// A client comes back: lets go of the old connection, so that nothing is taken from it any
    /// more, and checks what can be replayed. Ends the session when it cannot go on.
    struct Claimed;
    Claimed claim(const ResumeRequest& wish, Framing framing, const Request& request);
    /// Takes the frames of a POST, once each. @return the answer's status; `received` is how many
    /// of the client's frames were taken
    int take_post(const ResumeRequest& post, std::span<const std::string_view> frames,
                  std::uint32_t& received);
    /// Tells the client how many of its frames were taken.
    void send_ack();
    /// Forgets kept frames that are too old.
    void forget_old();

    /// The connection can take more.
    void writable();
    /// Appends a control frame of the connection, in its place among the others.
    void send_control(std::string_view framed);
    /// Sends a slice, or keeps it.
    void transmit(const Slice& slice);
    /// True when the backlog is full: nothing more may be appended.
    bool choked() const noexcept;
    /// What waits for its client.
    Backlog backlog() const noexcept;
    /// Ends the session, as more is kept for its client than may be.
    void overflow();
    /// Drops as much as may be dropped of what waits; ends the session when most of it may not.
    void relieve();

    void schedule_shutdown(std::chrono::milliseconds after);
    void stop_scheduled_shutdown() noexcept;
    /// Ends the session: memberships first, then, once their leave handlers are done, the
    /// connection.
    void end(std::uint16_t code, std::string_view why);
    /// Ends the session without running user code: its lane is gone.
    void abandon() noexcept;

  private:
    struct Shutdown : TimerNode {
        using TimerNode::TimerNode;
        SessionCore* session = nullptr;
    };
    struct Expiry : TimerNode {
        explicit Expiry(SessionCore& owner);
        SessionCore& session;
        WallTime at;
        bool told = false; ///< Was the client asked for a new token?
    };
    /// What most sessions never need.
    struct Extras {
        explicit Extras(SessionCore& session);
        Json params;
        Json assigns;
        std::string name;
        Shutdown shutdown;
        std::unique_ptr<Expiry> expiry;
        std::unique_ptr<SessionRates> rates;
        std::unique_ptr<MembershipIndex> topics; ///< Of a session in many.
        std::unique_ptr<PeerTable::Place> peer;
        bool refreshing = false; ///< Does the application look at a new token?
        std::uint16_t close_code = 1000;
        std::string close_reason;
    };

    class Keeper;
    class Writer;

    Extras& extras();
    void let_go(std::uint16_t code, std::string_view why);
    void go_away();
    void come_back() noexcept;
    void forget_resuming() noexcept;
    void count(const Message& message);
    bool counts(std::string_view frame);
    void account_kept(std::size_t before) noexcept;
    void confirm(std::uint32_t count) noexcept;
    NotResumed why_not_resumed(const ResumeRequest& wish, const Request& request);
    void arrive(Framing framing);
    void change_framing(Framing framing);
    void greet(Slice& out);
    void tell_restart(std::string_view delay);
    void append_event(Slice& out, FrameText frame, std::uint32_t number, bool numbered,
                      const SharedFate* fate = nullptr) const;
    const Slice& stamped(const Slice& slice);
    std::chrono::milliseconds left() const noexcept;
    void look_again(std::chrono::milliseconds left);
    void check_expiry();
    void tell_expiring();
    std::string expires_in() const;
    void refresh(const Message& message);
    void refreshed(std::string_view join_ref, std::string_view ref, const Verdict& refusal);
    bool within_rates(const Message& message, const Membership* membership);
    void route(const Message& message, Membership* membership);
    void enlist(const Ref<Membership>& membership);
    void join(const Message& message, Membership* membership);
    bool start_join(const Message& message, Membership* replaced);
    void reply_unjoined(const Message& request, std::string_view why);
    void leave(const Message& message, Membership* membership);
    inline void event(const Message& message, Membership* membership);
    std::string take_partial();
    void account(const Backlog& before) noexcept;
    void tidy(Framing framing);
    void keep_rest(const Slice& slice, std::size_t taken, FrameSink* sink);
    Backlog most_unsent() const noexcept;
    bool over() const noexcept;
    void fall_behind();
    void tell_dropped(std::size_t frames, Errc why) noexcept;
    void drop_whole();
    std::size_t forget_backlog() noexcept;
    void finish();

    std::uint32_t topics_ = 0; // here it fits behind the count of references
    Ref<Lane> lane_;
    const Serializer* serializer_;
    RandomId id_;
    std::shared_ptr<Connection> connection_;
    Ref<Membership> first_;
    Pending pending_;
    Outbox outbox_;
    StateSlot state_;
    std::unique_ptr<Extras> extras_;
    std::unique_ptr<ResumeState> resume_;
    std::uint32_t lane_index_ = 0;
    Framing framing_ : 7;
    bool connecting_ : 1 = true;
    std::atomic<bool> closed_{false};
    bool ending_ = false;
    bool finished_ = false;
    MembershipRoom room_;
};

/// What came of a claim.
struct SessionCore::Claimed {
    bool late = false;        ///< A newer try has come already.
    NotResumed reason{};      ///< Why it cannot be resumed, if it cannot.
    std::uint32_t number = 0; ///< For `attach`.
};

} // namespace chain::detail
