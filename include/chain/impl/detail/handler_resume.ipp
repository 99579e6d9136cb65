// Definitions of <chain/detail/handler_core.hpp>: clients that come, and those that come back.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/way_back.hpp>

#include <memory>
#include <utility>

namespace chain::detail {

void HandlerCore::connect(Lane& lane, Request request, Framing framing, Connected done) {
    const auto wish = take_resume_request(request);
    if (!wish.shown) {
        configure();
        return open_at({lane.bare_executor(), false}, std::move(request), framing,
                       {wish.wanted, NotResumed::none}, std::move(done));
    }
    auto entered = [done = std::move(done)](ConnectResult result, std::uint32_t) {
        done(std::move(result));
    };
    enter({lane.bare_executor(), false}, std::move(request), wish, framing, std::move(entered));
}

/// A client that wants its session back, on the way from where it came in to its session's lane,
/// and back when it needs another one.
struct HandlerCore::Return {
    Request request;
    ResumeRequest wish;
    Framing framing;
    Entered done; ///< Until it is called.
};

void HandlerCore::enter(const Place& place, Request request, const ResumeRequest& wish,
                        Framing framing, Entered done) {
    configure();
    auto session = wish.known;
    if (!session && wish.token) session = sessions_.find(wish.token->session);
    if (!session)
        return open_new(place, std::move(request), framing, wish, why_missing(wish),
                        std::move(done));
    auto coming =
        std::make_shared<Return>(Return{std::move(request), wish, framing, std::move(done)});
    if (draining()) { // it waits, for the case that the drain is called off
        const auto refused = [&](ConnectResult result) { coming->done(std::move(result), 0); };
        return refuse(refused, Errc::draining, unavailable("draining"));
    }
    auto instead = way_back<NotResumed>(
        place.executor,
        [self = shared_from_this(), place, coming](NotResumed reason) {
            if (coming->done) self->open_instead(place, *coming, reason);
        },
        NotResumed::expired);
    on_lane(session->lane(),
            [self = shared_from_this(), session, coming, instead = std::move(instead)] {
                const auto claimed = session->claim(coming->wish, coming->framing, coming->request);
                const auto reason = self->claimed(*coming, session, claimed);
                if (reason != NotResumed::none) instead(reason);
            });
}

/// Why there is no session of this token.
NotResumed HandlerCore::why_missing(const ResumeRequest& wish) const {
    if (!wish.shown) return NotResumed::none;
    if (!wish.token || wish.token->server != instance()) return NotResumed::unknown;
    return away_.refused(wish.token->session) ? NotResumed::refused : NotResumed::expired;
}

/// On the session's lane. @return why it has to be another session, if it has
NotResumed HandlerCore::claimed(Return& coming, const Ref<SessionCore>& session,
                                const SessionCore::Claimed& claimed) {
    if (claimed.late) {
        std::exchange(coming.done, nullptr)(Refusal{409, "a newer attempt has been made"}, 0);
        return NotResumed::none;
    }
    auto reason = claimed.reason;
    if (reason == NotResumed::expired && away_.refused(session->id())) reason = NotResumed::refused;
    if (reason == NotResumed::none) {
        notify([](Observer& o) { o.session_resumed(); });
        std::exchange(coming.done, nullptr)(Session(session), claimed.number);
    }
    return reason;
}

/// Opens a new session for a client that cannot have its old one.
void HandlerCore::open_instead(const Place& place, Return& coming, NotResumed reason) {
    open_new(place, std::move(coming.request), coming.framing, coming.wish, reason,
             std::exchange(coming.done, nullptr));
}

/// Opens a new session for a client that cannot have its old one, or had none.
void HandlerCore::open_new(const Place& place, Request&& request, Framing framing,
                           const ResumeRequest& wish, NotResumed reason, Entered done) {
    if (reason != NotResumed::none)
        notify([&](Observer& o) { o.resume_failed(to_string(reason)); });
    auto connected = [done = std::move(done)](ConnectResult result) { done(std::move(result), 0); };
    open_at(place, std::move(request), framing, {wish.wanted || wish.shown, reason},
            std::move(connected));
}

void HandlerCore::refresh(const Ref<SessionCore>& session, const Payload& payload,
                          const Judged& done) {
    static constexpr auto crashed = "internal error";
    Verdict refusal;
    try {
        if (refresh_) {
            auto shown = std::make_shared<const Json>(payload.json());
            return spawn(session, refresh_(Session(session), std::move(shown)), crashed, done);
        }
        const HandlerScope scope(session->lane());
        Session handle(session);
        refusal = plain_refresh_(handle, payload.json());
    } catch (...) {
        refusal = connect_failed(std::current_exception(), crashed);
    }
    done(refusal);
}

Ref<Lane> HandlerCore::home_of(const std::optional<ResumeToken>& token) const {
    const auto session = token ? sessions_.find(token->session) : nullptr;
    return session ? Ref<Lane>(&session->lane()) : nullptr;
}

bool HandlerCore::may_resume(SessionCore& session, const Request& request) {
    if (!resume_) return true;
    try {
        Session handle{Ref<SessionCore>(&session)};
        return !resume_(handle, request);
    } catch (...) {
        connect_failed(std::current_exception());
        return false;
    }
}

} // namespace chain::detail
