// HandlerCore: what is behind a Handler.
#pragma once

#include <chain/answers.hpp>
#include <chain/config.hpp>
#include <chain/detail/away_sessions.hpp>
#include <chain/detail/channel_core.hpp>
#include <chain/detail/clock.hpp>
#include <chain/detail/cluster_service.hpp>
#include <chain/detail/fate.hpp>
#include <chain/detail/handler_part.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/peer_table.hpp>
#include <chain/detail/place.hpp>
#include <chain/detail/pubsub_core.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/detail/resume_request.hpp>
#include <chain/detail/resume_state.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/session_table.hpp>
#include <chain/detail/trusted_proxies.hpp>
#include <chain/detail/verdict.hpp>
#include <chain/handler.hpp>
#include <chain/observer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class NodeQuestions;

/// What all lanes of a handler share. Thread-safe after set-up.
class HandlerCore : public std::enable_shared_from_this<HandlerCore> {
  public:
    using Judged = std::function<void(const Verdict&)>;
    using Connected = std::function<void(ConnectResult)>;
    /// Also says of a resumed session which claim its connection must show to `attach`.
    using Entered = std::function<void(ConnectResult, std::uint32_t claim)>;

    explicit HandlerCore(HandlerConfig config);
    ~HandlerCore();

    const HandlerConfig& config() const noexcept { return config_; }
    const Clock& clock() const noexcept { return *clock_; }
    void set_clock(std::shared_ptr<const Clock> clock) noexcept { clock_ = std::move(clock); }
    Observer& observer() const noexcept { return *config_.observer; }
    /// The dialect that a client speaks, or null when it asks for one that there is not.
    const Serializer* dialect(const Request& request, Framing framing) const noexcept;
    /// May the page that sent this request connect? What the application throws is told, and
    /// refuses it.
    bool allows_page(const Request& request) noexcept;
    /// Tells what the application has thrown as it decided on a client, who is refused for it.
    Refusal connect_failed(std::exception_ptr thrown, std::string reason = "connect crashed");
    /// May this be sent to clients?
    bool sends(std::string_view payload, bool binary) const noexcept {
        return pubsub_->sends(payload, binary);
    }
    PubSubCore& pubsub() const noexcept { return *pubsub_; }
    const std::shared_ptr<PubSubCore>& shared_pubsub() const noexcept { return pubsub_; }
    /// What this handler and its like on other nodes say to one another.
    ClusterService& cluster() const noexcept { return *cluster_; }
    const std::shared_ptr<ClusterService>& shared_cluster() const noexcept { return cluster_; }
    const TrustedProxies& proxies() const noexcept { return proxies_; }
    SessionTable& sessions() noexcept { return sessions_; }
    /// May a client join, or send events, so often only?
    bool limits_rates() const noexcept { return limits_rates_; }
    /// Bytes that wait for slow readers, over all sessions.
    std::atomic<std::size_t>& unsent() noexcept { return unsent_; }
    /// The same in frames.
    std::atomic<std::size_t>& unsent_frames() noexcept { return unsent_frames_; }
    /// Does more wait for slow readers than so many eighths of what may?
    bool crowded(std::size_t eighths) const noexcept {
        const auto& limits = config_.limits;
        return unsent_.load(std::memory_order_relaxed) > limits.unsent_bytes / 8 * eighths ||
               unsent_frames_.load(std::memory_order_relaxed) > limits.unsent_frames / 8 * eighths;
    }
    /// What may wait for one session.
    Backlog unsent_per_session() const noexcept {
        return {config_.limits.unsent_bytes_per_session, config_.limits.unsent_frames_per_session};
    }
    /// Drops the largest backlogs; from any thread.
    void relieve();
    void relieved() noexcept { relieving_ = false; }

    /// Bytes that are kept for clients that may resume, over all sessions.
    std::atomic<std::size_t>& kept() noexcept { return kept_; }
    AwaySessions& away() noexcept { return away_; }
    /// Tells this handler's tokens from those of others.
    const RandomId& instance() const noexcept { return pubsub_->node(); }
    /// The lane of the session with this id, or null.
    Ref<Lane> home_of(const std::optional<ResumeToken>& token) const;

    /// Tells the observer; what it throws is ignored.
    template <class F>
    void notify(F call) noexcept {
        try {
            call(observer());
        } catch (...) {
            return;
        }
    }

    /// Tells the observer that a client met this limit.
    void over_limit(std::string_view limit) noexcept {
        notify([&](Observer& o) { o.over_limit(limit); });
    }
    /// Tells the observer that a client sent what is no frame.
    void bad_frame(error_code why) noexcept {
        notify([&](Observer& o) { o.bad_frame(why); });
    }

    /// What may become of a message while it waits for a slow reader, as its channel's policies
    /// say.
    SharedFate fate_of(const PatternMap<SlowPolicy>& policies, const Message& message) const {
        return policies.empty() ? nullptr : detail::fate_of(policies, lasting_, message);
    }
    /// Messages of this event have to arrive, whatever the policies say.
    void must_arrive(const std::string& event) { lasting_.add(event); }

    // Set-up, from one thread.
    void add(const std::shared_ptr<ChannelCore>& channel);
    void add(std::shared_ptr<Transport> transport);
    const std::vector<std::shared_ptr<Transport>>& transports() const noexcept {
        return transports_;
    }
    void on_config(std::function<void()> f) { on_config_ = std::move(f); }
    void on_connect(AsyncJudge<Request> f) { connect_ = std::move(f); }
    void on_connect(Judge<Request> f) { plain_connect_ = std::move(f); }
    /// Whether HTTP is set up: its transports, and its part.
    std::once_flag& http_ready() noexcept { return http_ready_; }
    void set_http(std::unique_ptr<HandlerPart> part) noexcept {
        http_ = part.get();
        owned_http_ = std::move(part);
    }
    /// What HTTP keeps here; null before it is set up.
    HandlerPart* http() const noexcept { return http_; }
    void on_resume(Judge<Request> f) { resume_ = std::move(f); }
    void on_refresh(AsyncJudge<Json> f) { refresh_ = std::move(f); }
    void on_refresh(Judge<Json> f) { plain_refresh_ = std::move(f); }
    /// Runs the config handler, once; nothing can be added any more.
    void configure();
    /// The declared lane of this io_context, made when it is new.
    Ref<Lane> use(net::io_context& context);
    /// How many sessions live in this io_context.
    std::size_t sessions_in(const net::io_context& context) const;

    /// The channel that serves a topic, or null.
    std::shared_ptr<ChannelCore> channel(std::string_view topic) const;
    std::vector<Ref<Lane>> lanes() const;
    /// A lane is gone.
    void forget(Lane& lane);

    /// Opens a session, or finds the one that the request is to go on with.
    void connect(Lane& lane, Request request, Framing framing, Connected done);
    /// The same; what the request said about resuming is in `wish`. A new session is opened on the
    /// lane where the connection belongs: one that can be moved on the least loaded declared lane,
    /// any other on that of its own context; where none is declared, on a private lane of its
    /// executor, on which this is called. `done` is called on the session's lane, or with a refusal
    /// on any thread.
    void enter(const Place& place, Request request, const ResumeRequest& wish, Framing framing,
               Entered done);
    /// After how many seconds a client that is answered 503 is to come back.
    std::string retry_seconds() const;
    /// Does the application take new tokens?
    bool refreshes() const noexcept { return refresh_ || plain_refresh_; }
    /// Lets it look at a client's new token; `done` is called on the session's lane.
    void refresh(const Ref<SessionCore>& session, const Payload& payload, const Judged& done);
    /// Does the application let this client go on with its session?
    bool may_resume(SessionCore& session, const Request& request);
    Ref<SessionCore> find(std::string_view id) const;
    /// A session has ended.
    void ended(SessionCore& session);
    /// Begins to hear other nodes. Once, at the very start.
    void listen();
    /// Ends all sessions of this name, on all nodes. @return why other nodes were not told
    error_code disconnect(std::string_view name);
    /// Asks all nodes.
    void count_sessions(std::chrono::milliseconds deadline, std::function<void(SessionCount)> done);
    void members(const std::string& topic, std::chrono::milliseconds deadline,
                 std::function<void(TopicMembers)> done);
    /// Tells those who drain when no session is left.
    void check_drained();

    void drain(std::chrono::milliseconds deadline, std::function<void()> done);
    void call_off_drain();
    bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }
    /// Is it still the drain of this turn that goes on?
    bool draining(std::uint32_t turn) const noexcept {
        return draining() && drain_turn_.load(std::memory_order_relaxed) == turn;
    }
    /// Ends the endpoint without running handlers.
    void close();

  private:
    class Draining;
    class LaneDrain;
    struct Return;
    /// How a new session is to begin.
    struct Beginning {
        bool announced = false; ///< Its client can resume.
        NotResumed reason = NotResumed::none;
    };

    Ref<Lane> lane_at(const Place& place);
    Ref<Lane> declared_at(const Place& place);
    Ref<Lane> enlist(const net::any_io_executor& executor, net::io_context* context);
    void open(Lane& lane, Request request, Framing framing, const Beginning& beginning,
              Connected done);
    void open_at(const Place& place, Request&& request, Framing framing, const Beginning& beginning,
                 Connected done);
    NotResumed why_missing(const ResumeRequest& wish) const;
    NotResumed claimed(Return& coming, const Ref<SessionCore>& session,
                       const SessionCore::Claimed& claimed);
    void open_instead(const Place& place, Return& coming, NotResumed reason);
    void open_new(const Place& place, Request&& request, Framing framing, const ResumeRequest& wish,
                  NotResumed reason, Entered done);
    struct Full;
    std::optional<Full> full() const;
    Refusal unavailable(std::string reason) const;
    void refuse(const Connected& done, Errc why, Refusal refusal);
    void leave_out_broken(Request::Fields& headers) const;
    void feed(const std::shared_ptr<ChannelCore>& channel);
    void admit(const Ref<SessionCore>& session, const Verdict& refusal, const Connected& done);
    void spawn(const Ref<SessionCore>& session, net::awaitable<Verdict> judging,
               std::string crashed, Judged done);
    void disconnect_here(std::string_view name);
    void answer(std::string_view question, std::function<void(const std::string&)> say);
    void answer_members(std::string_view topic, std::function<void(const std::string&)> say);

    HandlerConfig config_;
    TrustedProxies proxies_;
    std::shared_ptr<const Clock> clock_;
    std::shared_ptr<PubSubCore> pubsub_;
    std::shared_ptr<ClusterService> cluster_;
    std::shared_ptr<void> kicks_; ///< Hears of sessions to end.
    std::shared_ptr<NodeQuestions> questions_;
    PatternMap<std::shared_ptr<ChannelCore>> channels_;
    std::vector<Subscription> feeds_;
    std::vector<std::shared_ptr<Transport>> transports_;
    std::function<void()> on_config_;
    AsyncJudge<Request> connect_;
    Judge<Request> plain_connect_;
    std::once_flag http_ready_;
    Judge<Request> resume_;
    AsyncJudge<Json> refresh_;
    Judge<Json> plain_refresh_;
    LastingEvents lasting_;
    std::once_flag configured_;
    std::optional<Refusal> unconfigured_; ///< Why nobody is let in: `on_config_` threw.
    std::atomic<bool> frozen_{false};
    bool limits_rates_;
    SessionTable sessions_;
    std::atomic<std::size_t> unsent_{0};
    std::atomic<std::size_t> unsent_frames_{0};
    std::atomic<bool> relieving_{false};
    std::atomic<std::size_t> kept_{0};
    AwaySessions away_;
    std::shared_ptr<PeerTable> peers_;
    std::unique_ptr<HandlerPart> owned_http_;
    std::atomic<HandlerPart*> http_{nullptr};
    mutable std::mutex mutex_; ///< Guards the next four.
    std::vector<Ref<Lane>> lanes_;
    std::vector<Lane*> declared_; ///< Those of them that are declared.
    std::size_t turn_ = 0;
    std::vector<std::shared_ptr<Draining>> drains_;
    std::atomic<bool> draining_{false};
    std::atomic<std::uint32_t> drain_turn_{0}; ///< How many drains were called off.
};

/// Lets the library's own parts look behind a Session.
struct SessionAccess {
    static const Ref<SessionCore>& core(const Session& session) noexcept { return session.impl_; }
};

/// Lets the library's own parts look behind a Handler.
struct HandlerAccess {
    static const std::shared_ptr<HandlerCore>& core(const Handler& handler) noexcept {
        return handler.core_;
    }
    static Handler wrap(std::shared_ptr<HandlerCore> core) { return Handler(std::move(core)); }
};

} // namespace chain::detail
