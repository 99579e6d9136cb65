// Definitions of <chain/detail/session_core.hpp>: frames in, frames out.
#pragma once

#include <chain/detail/channel_core.hpp>
#include <chain/detail/dialect.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/resume_state.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/text.hpp>
#include <chain/topic.hpp>

#include <utility>

namespace chain::detail {

const Json& value_at(const Json* object, std::string_view key) noexcept {
    static const Json null = nullptr;
    if (!object || !object->is_object()) return null;
    const auto found = object->find(key);
    return found == object->end() ? null : *found;
}

SessionCore::SessionCore(Ref<Lane> lane, const Serializer& serializer, Framing framing, Json params)
    : lane_(std::move(lane)), serializer_(&serializer), id_(make_random_id()), framing_(framing) {
    if (!params.empty()) extras().params = std::move(params);
}

SessionCore::~SessionCore() = default;

SessionCore::Extras& SessionCore::extras() {
    if (!extras_) {
        extras_ = std::make_unique<Extras>(*this);
    }
    return *extras_;
}

const Json& SessionCore::params() const noexcept {
    static const Json none = Json::object();
    return extras_ && !extras_->params.is_null() ? extras_->params : none;
}

Json& SessionCore::assigns() { return extras().assigns; }

const Json* SessionCore::find_assigns() const noexcept {
    return extras_ ? &extras_->assigns : nullptr;
}

const std::string& SessionCore::name() const noexcept {
    static const std::string none;
    return extras_ ? extras_->name : none;
}

Membership* SessionCore::find(std::string_view topic) const noexcept {
    if (extras_ && extras_->topics) return extras_->topics->find(topic);
    auto* membership = first_.get();
    while (membership && !same_text(membership->topic(), topic)) membership = membership->next();
    return membership;
}

error_code SessionCore::receive(std::string_view frame, bool binary) {
    if (closed()) return make_error_code(Errc::closed);
    auto& message = lane_->inbound();
    const auto failed =
        serializer_->decode(frame, binary, lane_->handler().config().limits.json_depth, message);
    if (failed) {
        lane_->handler().bad_frame(failed);
        return failed;
    }
    if (resume_) count(message);
    auto* membership = find(message.topic);
    if (!lane_->handler().limits_rates() || within_rates(message, membership))
        route(message, membership);
    lane_->run_later();
    return {};
}

/// Does the client's message come soon after others? Then it is answered so.
bool SessionCore::within_rates(const Message& message, const Membership* membership) {
    const bool joins = message.kind == MessageKind::join;
    if (!joins && message.kind != MessageKind::push) return true;
    auto& handler = lane_->handler();
    const auto& rates = handler.config().rates;
    const auto* own_rates = membership && !joins ? &membership->entry().channel().rates : nullptr;
    const auto* own = own_rates && !own_rates->empty() ? own_rates->match(message.event) : nullptr;
    if (!own && !(joins ? rates.joins : rates.events).limits()) return true;
    auto& used = extras().rates;
    if (!used) used = std::make_unique<SessionRates>();
    const auto now = handler.clock().now();
    const auto wait = joins ? used->join(rates.joins, now) : used->event(rates.events, own, now);
    if (wait.count() == 0) return true;
    handler.notify([&](Observer& o) { o.rate_limited(joins ? "join" : "event"); });
    const auto why =
        R"({"reason":"rate limited","retry_after_ms":)" + std::to_string(wait.count()) + "}";
    reply(message.topic, message.join_ref, message.ref, {Status::error, why});
    return false;
}

void SessionCore::route(const Message& message) { route(message, find(message.topic)); }

void SessionCore::route(const Message& message, Membership* membership) {
    if (closed()) return;
    if (message.kind == MessageKind::ack) {
        if (resume_) confirm(message.count);
    } else if (message.kind == MessageKind::heartbeat) {
        Message answer;
        answer.kind = MessageKind::reply;
        answer.ref = message.ref;
        answer.topic = message.topic;
        auto& text = lane_->scratch();
        const bool binary = serializer_->encode(answer, text);
        lane_->batch().append(*this, text, binary, false);
    } else if (!membership && !valid_topic(message.topic)) { // a joined one is valid
        const bool wildcard =
            message.kind == MessageKind::join && message.topic.find('*') != std::string_view::npos;
        reply_unjoined(message, wildcard ? reason::wildcard : reason::invalid_topic);
    } else if (message.kind == MessageKind::join) {
        join(message, membership);
    } else if (message.kind == MessageKind::leave) {
        leave(message, membership);
    } else {
        event(message, membership);
    }
}

void SessionCore::join(const Message& message, Membership* membership) {
    if (!membership)
        start_join(message, nullptr);
    else if (membership->busy())
        membership->supersede(message);
    else
        membership->end(LeaveReason::rejoin, &message);
}

void SessionCore::rejoin(const Message& message, Membership& replaced) {
    if (!closed() && !start_join(message, &replaced)) replaced.tell_closed(message.join_ref);
}

/// @param replaced  the membership that this one takes the place of, to be told closed once the
///                  join is answered, or null
/// @return false when the join is refused already
bool SessionCore::start_join(const Message& message, Membership* replaced) {
    auto& handler = lane_->handler();
    if (handler.draining()) {
        const auto delay = std::to_string(handler.config().timeouts.restart.count());
        const auto why = R"({"reason":"draining","retry_after_ms":)" + delay + "}";
        reply(message.topic, message.join_ref, message.ref, {Status::error, why});
        return false;
    }
    if (topics_ >= handler.config().limits.topics_per_session) {
        handler.over_limit("topics_per_session");
        reply_error(message, serializer_->lifecycle().too_many_topics);
        return false;
    }
    const bool reserved = is_protocol_topic(message.topic) || message.topic == "phoenix";
    auto entry = reserved ? nullptr : lane_->topic(message.topic);
    if (!entry) {
        reply_unjoined(message, reason::unmatched_topic);
        return false;
    }
    const auto membership = Membership::make(*this, std::move(entry), message.join_ref);
    enlist(membership);
    if (replaced) membership->replaces(*replaced);
    membership->begin_join(message);
    return true;
}

void SessionCore::enlist(const Ref<Membership>& membership) {
    membership->next_ref() = std::exchange(first_, membership);
    if (++topics_ <= MembershipIndex::worthwhile) return;
    auto& index = extras().topics;
    if (index) return index->add(*membership);
    index = std::make_unique<MembershipIndex>();
    for (auto* each = first_.get(); each; each = each->next()) index->add(*each);
}

void SessionCore::leave(const Message& message, Membership* membership) {
    if (!membership) {
        reply(message.topic, message.join_ref, message.ref, {Status::ok, "{}"});
    } else if (membership->superseded() || !membership->stale(message.join_ref)) {
        if (!membership->busy())
            membership->end(LeaveReason::leave, &message);
        else if (!membership->wait(message))
            reply_error(message, reason::busy);
    }
}

void SessionCore::event(const Message& message, Membership* membership) {
    const auto* callback = membership ? membership->handler_of(message.event) : nullptr;
    if (!callback && !valid_event(message.event)) { // one with a handler is valid
        if (is_protocol_topic(message.topic) && message.event == "_refresh")
            return refresh(message);
        const bool comma = message.event.find(',') != std::string_view::npos;
        reply_error(message, comma ? reason::comma : reason::invalid_event);
        return;
    }
    if (!membership) {
        reply_unjoined(message, reason::unmatched_topic);
    } else if (membership->superseded() || !membership->stale(message.join_ref)) {
        if (!membership->busy())
            membership->begin_event(message, callback);
        else if (!membership->wait(message))
            reply_error(message, reason::busy);
    }
}

void SessionCore::reply(std::string_view topic, std::string_view join_ref, std::string_view ref,
                        const Answer& answer) {
    auto& message = lane_->answer();
    message.topic = topic;
    message.join_ref = join_ref;
    message.ref = ref;
    message.status = answer.status;
    message.status_name = answer.status_name;
    message.payload = answer.payload;
    message.binary = answer.binary;
    send(message);
}

void SessionCore::reply_error(const Message& request, std::string_view why) {
    reply(request.topic, request.join_ref, request.ref, {Status::error, reason_object(why)});
}

/// Refuses something for a topic of which the client is no member.
void SessionCore::reply_unjoined(const Message& request, std::string_view why) {
    const auto join_ref =
        serializer_->lifecycle().names_unjoined ? request.join_ref : std::string_view();
    reply(request.topic, join_ref, request.ref, {Status::error, reason_object(why)});
}

void SessionCore::send(const Message& message, const SharedFate& fate) {
    if (finished_) return;
    const bool numbered = !is_protocol_topic(message.topic);
    if (framing_ == Framing::websocket)
        return lane_->batch().append(*this, message, numbered, fate);
    auto& text = lane_->scratch();
    const bool binary = serializer_->encode(message, text);
    if (!lane_->batch().append(*this, text, binary, numbered, fate)) lane_->tell_not_carried(1);
}

error_code SessionCore::send_text(std::string_view frame) {
    if (finished_ || closed()) return make_error_code(Errc::closed);
    if (choked()) return make_error_code(Errc::slow_consumer);
    lane_->batch().append(*this, frame, false, true);
    return {};
}

void SessionCore::remove(Membership& membership) {
    const Ref<Membership> kept(&membership);
    auto* link = &first_;
    while (*link && link->get() != &membership) link = &(*link)->next_ref();
    if (!*link) return;
    *link = std::exchange(membership.next_ref(), nullptr);
    if (extras_ && extras_->topics) extras_->topics->remove(membership);
    if (--topics_ == 0 && extras_) extras_->topics.reset();
    if (ending_ && !first_) finish();
}

} // namespace chain::detail
