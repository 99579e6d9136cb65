// Definitions of <chain/detail/handler_core.hpp>.
#pragma once

#include <chain/detail/dialect.hpp>
#include <chain/detail/endpoint.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane_service.hpp>
#include <chain/detail/origin.hpp>
#include <chain/detail/relief.hpp>
#include <chain/detail/settings.hpp>
#include <chain/detail/text.hpp>
#include <chain/serializers/chain.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace chain::detail {

/// Those during which something has to happen. @throws std::invalid_argument when one is none
void check_times(const Timeouts& timeouts) {
    require_time("Timeouts::idle", timeouts.idle);
    require_time("Timeouts::request", timeouts.request);
    require_time("Timeouts::forward", timeouts.forward);
    require_time("Timeouts::forward_silence", timeouts.forward_silence);
    require_time("Timeouts::node_lease", timeouts.node_lease);
}

/// Fills in what the application left open. @throws std::invalid_argument for what makes no sense.
HandlerConfig completed(HandlerConfig config) {
    const auto& path = config.endpoint;
    if (path.size() < 2 || path.front() != '/' || path.back() == '/' ||
        path.find_first_of("?#* ") != std::string::npos || path.find("/:/") != std::string::npos ||
        path.ends_with("/:"))
        throw std::invalid_argument("chain: endpoint \"" + path +
                                    "\" is not a path such as \"/socket\"");
    for (const auto& origin : config.allowed_origins)
        if (!valid_origin_rule(origin))
            throw std::invalid_argument("chain: allowed origin \"" + origin +
                                        "\" is not one such as \"https://example.com\"");
    if (config.compression.level < 1 || config.compression.level > 9)
        throw std::invalid_argument("chain: compression level " +
                                    std::to_string(config.compression.level) + " is not 1 to 9");
    check_times(config.timeouts);
    if (!config.serializer) config.serializer = chain_serializer();
    if (!config.observer) config.observer = std::make_shared<StderrObserver>();
    return config;
}

HandlerCore::HandlerCore(HandlerConfig config)
    : config_(completed(std::move(config))), proxies_(config_.trusted_proxies),
      clock_(steady_clock()),
      pubsub_(std::make_shared<PubSubCore>(config_.endpoint, config_.observer)),
      cluster_(std::make_shared<ClusterService>(pubsub_, config_.timeouts.node_lease)),
      limits_rates_(config_.rates.joins.limits() || config_.rates.events.limits()),
      peers_(std::make_shared<PeerTable>(config_.limits.sessions_per_peer,
                                         config_.rates.peer_connects)) {
    pubsub_->compression(config_.compression);
    if (config_.phoenix == PhoenixClients::strict || is_phoenix(*config_.serializer))
        pubsub_->objects_only();
}

HandlerCore::~HandlerCore() = default;

void HandlerCore::relieve() {
    if (!relieving_.exchange(true)) std::make_shared<Relief>(shared_from_this())->start();
}

void HandlerCore::add(const std::shared_ptr<ChannelCore>& channel) {
    if (frozen_) throw std::logic_error("chain: add channels before the first client comes");
    channels_.insert(channel->pattern, channel);
    channel->frozen = true;
    limits_rates_ |= !channel->rates.empty();
    {
        const std::lock_guard lock(channel->mutex);
        channel->pubsubs.push_back(pubsub_);
    }
    feed(channel);
}

/// Does an earlier subscription of the channel send the same event on this topic?
bool sent_before(const ChannelCore& channel, const ChannelCore::Feed& feed,
                 std::string_view topic) {
    for (const auto& other : channel.feeds) {
        if (&other == &feed) break;
        if (other.event == feed.event && other.topics.matches(topic)) return true;
    }
    return false;
}

/// Sends publications that the channel subscribed to to its sockets on this node.
void HandlerCore::feed(const std::shared_ptr<ChannelCore>& channel) {
    for (const auto& feed : channel->feeds) {
        auto push = [pubsub = std::weak_ptr(pubsub_), channel, &feed](std::string_view topic,
                                                                      const Payload& payload) {
            const auto target = pubsub.lock();
            if (!target || sent_before(*channel, feed, topic)) return;
            Message message;
            message.kind = MessageKind::broadcast;
            message.topic = topic;
            message.event = feed.event;
            message.payload = payload.raw();
            message.binary = payload.is_binary();
            if (const auto failed =
                    target->broadcast(message, {Lane::current(), nullptr, nullptr}, false))
                target->warn("a publication became no event: " + failed.message());
        };
        feeds_.emplace_back(pubsub_->subscribe(feed.topics.text(), std::move(push)));
    }
}

void HandlerCore::add(std::shared_ptr<Transport> transport) {
    const auto same = [&](const auto& other) { return other->name() == transport->name(); };
    if (std::ranges::any_of(transports_, same))
        throw std::invalid_argument("chain: transport \"" + std::string(transport->name()) +
                                    "\" is added twice");
    transports_.push_back(std::move(transport));
}

void HandlerCore::configure() {
    std::call_once(configured_, [this] {
        try {
            if (on_config_) on_config_();
        } catch (...) {
            unconfigured_ = connect_failed(std::current_exception(), "config crashed");
        }
        frozen_ = true;
        pubsub_->freeze();
    });
}

Ref<Lane> HandlerCore::use(net::io_context& context) {
    {
        const std::lock_guard lock(mutex_);
        for (auto* lane : declared_)
            if (lane->context() == &context) return Ref<Lane>(lane);
    }
    return enlist(context.get_executor(), &context);
}

Ref<Lane> HandlerCore::enlist(const net::any_io_executor& executor, net::io_context* context) {
    const Ref<Lane> lane(new Lane(shared_from_this(), executor, context));
    lane->service().add(lane);
    {
        const std::lock_guard lock(mutex_);
        lane->place_in_handler() = lanes_.size();
        lanes_.push_back(lane);
        if (context) declared_.push_back(lane.get());
    }
    cluster_->keep_beating();
    return lane;
}

std::size_t HandlerCore::sessions_in(const net::io_context& context) const {
    const std::lock_guard lock(mutex_);
    for (const auto* lane : declared_)
        if (lane->context() == &context) return lane->sessions();
    return 0;
}

Ref<Lane> HandlerCore::lane_at(const Place& place) {
    auto declared = declared_at(place);
    return declared ? declared : enlist(place.executor, nullptr);
}

Ref<Lane> HandlerCore::declared_at(const Place& place) {
    const std::lock_guard lock(mutex_);
    if (declared_.empty()) return nullptr;
    if (!place.movable) {
        const auto& home = net::query(place.executor, net::execution::context);
        const auto found = std::ranges::find_if(
            declared_, [&](const auto* lane) { return lane->context() == &home; });
        return Ref<Lane>(found == declared_.end() ? nullptr : *found);
    }
    // Among equals it is one after the other.
    turn_ = (turn_ + 1) % declared_.size();
    auto* least = declared_[turn_];
    for (auto* lane : declared_)
        if (lane->sessions() < least->sessions()) least = lane;
    return Ref<Lane>(least);
}

std::shared_ptr<ChannelCore> HandlerCore::channel(std::string_view topic) const {
    const auto* found = channels_.match(topic);
    return found ? *found : nullptr;
}

std::vector<Ref<Lane>> HandlerCore::lanes() const {
    const std::lock_guard lock(mutex_);
    return lanes_;
}

void HandlerCore::forget(Lane& lane) {
    const Ref<Lane> kept(&lane);
    const std::lock_guard lock(mutex_);
    const auto place = lane.place_in_handler();
    if (place >= lanes_.size() || lanes_[place].get() != &lane) return;
    lanes_.back()->place_in_handler() = place;
    std::swap(lanes_[place], lanes_.back());
    lanes_.pop_back();
    std::erase(declared_, &lane);
}

/// Whole ones, rounded up.
std::string in_seconds(std::chrono::milliseconds time) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count());
}

std::string HandlerCore::retry_seconds() const { return in_seconds(config_.timeouts.restart); }

Refusal HandlerCore::unavailable(std::string reason) const {
    return {503, std::move(reason), {}, {{"Retry-After", retry_seconds()}}};
}

/// Why nobody is let in.
struct HandlerCore::Full {
    Errc why;
    Refusal refusal;
};

std::optional<HandlerCore::Full> HandlerCore::full() const {
    if (unconfigured_) return Full{Errc::refused, *unconfigured_};
    if (draining()) return Full{Errc::draining, unavailable("draining")};
    if (sessions_.size() >= config_.limits.sessions)
        return Full{Errc::too_many_sessions, unavailable("too many sessions")};
    return std::nullopt;
}

const Serializer* HandlerCore::dialect(const Request& request, Framing framing) const noexcept {
    const auto* chosen = config_.serializer.get();
    if (has_vsn(request))
        chosen = config_.phoenix == PhoenixClients::refused ? nullptr : dialect_of_vsn(request);
    return chosen ? &fit(*chosen, framing) : nullptr;
}

bool HandlerCore::allows_page(const Request& request) noexcept {
    try {
        return origin_allowed(request, config_);
    } catch (...) {
        connect_failed(std::current_exception());
        return false;
    }
}

void HandlerCore::refuse(const Connected& done, Errc why, Refusal refusal) {
    notify([&](Observer& o) { o.session_refused(make_error_code(why)); });
    leave_out_broken(refusal.headers);
    done(std::move(refusal));
}

/// A line break, in what the application took from its client, would begin another field or answer.
void HandlerCore::leave_out_broken(Request::Fields& headers) const {
    std::erase_if(headers, [this](const auto& field) {
        if (is_header_field(field.first, field.second)) return false;
        pubsub_->warn("the header \"" + field.first +
                      "\" of a refusal is left out: a name or a value cannot be like this");
        return true;
    });
}

void HandlerCore::open_at(const Place& place, Request&& request, Framing framing,
                          const Beginning& beginning, Connected done) {
    const auto lane = lane_at(place);
    if (lane->runs_on(place.executor))
        return open(*lane, std::move(request), framing, beginning, std::move(done));
    auto task = [lane, request = std::move(request), framing, beginning, done] {
        lane->handler().open(*lane, request, framing, beginning, done);
    };
    if (!lane->post(std::move(task))) done(unavailable("draining"));
}

void HandlerCore::open(Lane& lane, Request request, Framing framing, const Beginning& beginning,
                       Connected done) {
    const Lane::Scope scope(lane);
    if (auto no = full()) return refuse(done, no->why, std::move(no->refusal));
    auto peer = peers_->enter(request.peer_address, clock_->now());
    if (peer.full)
        return refuse(done, Errc::too_many_sessions_of_peer,
                      {429, "too many sessions from this address", {}, {}});
    if (peer.retry_after.count() > 0)
        return refuse(done, Errc::rate_limited,
                      {429, "rate limited", {}, {{"Retry-After", in_seconds(peer.retry_after)}}});
    add_path_params(request, config_.endpoint);
    const auto* dialect = this->dialect(request, framing);
    if (!dialect) return refuse(done, Errc::refused, {.body = std::string()});
    pubsub_->uses(*dialect, framing);
    const Ref<SessionCore> session(
        new SessionCore(Ref<Lane>(&lane), *dialect, framing, request.params()));
    const bool announced = beginning.announced && dialect->name() == "chain";
    if (announced || framing == Framing::sse) session->make_resumable(announced, beginning.reason);
    if (peer.place) session->peer(std::move(peer.place));
    lane.add(*session);
    if (connect_) {
        auto shown = std::make_shared<const Request>(std::move(request));
        return spawn(session, connect_(Session(session), std::move(shown)), "connect crashed",
                     [self = shared_from_this(), session, done = std::move(done)](
                         const Verdict& refusal) { self->admit(session, refusal, done); });
    }
    std::optional<Refusal> refusal;
    try {
        Session handle(session);
        if (plain_connect_) refusal = plain_connect_(handle, request);
    } catch (...) {
        refusal = connect_failed(std::current_exception());
    }
    admit(session, refusal, done);
}

/// Runs a coroutine of the application that judges; what it throws refuses, as `crashed`.
void HandlerCore::spawn(const Ref<SessionCore>& session, net::awaitable<Verdict> judging,
                        std::string crashed, Judged done) {
    auto finished = [self = shared_from_this(), session, crashed = std::move(crashed),
                     done = std::move(done)](std::exception_ptr thrown, Verdict refusal) {
        const Lane::Scope scope(session->lane());
        if (thrown) refusal = self->connect_failed(std::move(thrown), crashed);
        done(refusal);
    };
    net::co_spawn(session->lane().executor(), std::move(judging), std::move(finished));
}

Refusal HandlerCore::connect_failed(std::exception_ptr thrown, std::string reason) {
    std::string what = "something that is no std::exception";
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const std::exception& e) {
        what = e.what();
    } catch (...) {
        static_cast<void>(what);
    }
    notify([&](Observer& o) { o.handler_threw(config_.endpoint, Hook::connect, what); });
    return {500, std::move(reason)};
}

void HandlerCore::admit(const Ref<SessionCore>& session, const Verdict& refusal,
                        const Connected& done) {
    // While a coroutine decided, others may have come, or a drain may have begun.
    auto no = refusal || !connect_ ? std::nullopt : full();
    if (no || refusal || session->closed()) {
        session->abandon();
        if (no) return refuse(done, no->why, std::move(no->refusal));
        auto told = refusal.value_or(Refusal{});
        if (is_phoenix(session->serializer()) && told.reason.empty() && !told.body)
            told.body = std::string();
        return refuse(done, Errc::refused, std::move(told));
    }
    session->connected();
    sessions_.add(*session);
    notify([&](Observer& o) { o.session_opened(); });
    done(Session(session));
}

Ref<SessionCore> HandlerCore::find(std::string_view id) const {
    const auto parsed = random_id_from_hex(id);
    return parsed ? sessions_.find(*parsed) : nullptr;
}

void HandlerCore::ended(SessionCore&) {
    notify([](Observer& o) { o.session_closed(); });
    check_drained();
}

void HandlerCore::close() {
    draining_ = true;
    cluster_->stop();
    for (const auto& lane : lanes()) lane->post([lane] { lane->retire(); });
    pubsub_->stop();
}

} // namespace chain::detail
