// Definitions of <chain/handler.hpp>.
#pragma once

#include <chain/detail/endpoint.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/handler.hpp>

#include <utility>

namespace chain {

namespace detail {

/// The core as user handles share it: when the last of them goes, the endpoint ends, even where
/// lanes still hold the core.
std::shared_ptr<HandlerCore> make_handler_core(HandlerConfig config) {
    auto core = std::make_shared<HandlerCore>(std::move(config));
    core->listen();
    // What weakly refers to the handle keeps this function, which therefore lets go of the core.
    return {core.get(), [core](HandlerCore*) mutable { std::exchange(core, nullptr)->close(); }};
}

} // namespace detail

Handler::Handler(HandlerConfig config) : core_(detail::make_handler_core(std::move(config))) {}

Handler& Handler::add(Channel channel) {
    core_->add(channel.core_);
    return *this;
}

Handler& Handler::add(std::shared_ptr<Transport> transport) {
    core_->add(transport);
    // A handle that owns nothing: the handler owns its transports, and not the other way round.
    auto handle = detail::HandlerAccess::wrap({core_.get(), [](detail::HandlerCore*) {}});
    transport->configure(handle);
    return *this;
}

Handler& Handler::use(net::io_context& context) {
    core_->use(context);
    return *this;
}

Handler& Handler::on_config(std::function<void(Handler&)> f) {
    core_->on_config([core = core_->weak_from_this(), f = std::move(f)] {
        if (auto living = core.lock()) {
            auto handler = detail::HandlerAccess::wrap(std::move(living));
            f(handler);
        }
    });
    return *this;
}

void Handler::set_connect(detail::Judge<Request> f) { core_->on_connect(std::move(f)); }

void Handler::set_connect(detail::AsyncJudge<Request> f) { core_->on_connect(std::move(f)); }

void Handler::set_resume(detail::Judge<Request> f) { core_->on_resume(std::move(f)); }

void Handler::set_refresh(detail::Judge<Json> f) { core_->on_refresh(std::move(f)); }

void Handler::set_refresh(detail::AsyncJudge<Json> f) { core_->on_refresh(std::move(f)); }

bool Handler::serves(std::string_view target) const noexcept {
    const auto path = target.substr(0, target.find('?'));
    return detail::below_endpoint(config().endpoint, path).has_value();
}

void Handler::connect(net::io_context& context, Request request, Framing framing,
                      std::function<void(ConnectResult)> done) {
    core_->connect(*core_->use(context), std::move(request), framing, std::move(done));
}

std::optional<Session> Handler::resume(std::string_view id) const {
    auto found = session(id);
    if (found) found->stop_scheduled_shutdown();
    return found;
}

std::optional<Session> Handler::session(std::string_view id) const {
    auto found = core_->find(id);
    if (!found) return std::nullopt;
    return Session(std::move(found));
}

error_code Handler::disconnect(std::string_view name) { return core_->disconnect(name); }

void Handler::count_sessions(std::chrono::milliseconds deadline,
                             std::function<void(SessionCount)> done) {
    core_->count_sessions(deadline, std::move(done));
}

void Handler::members(const std::string& topic, std::chrono::milliseconds deadline,
                      std::function<void(TopicMembers)> done) {
    core_->members(topic, deadline, std::move(done));
}

std::size_t Handler::sessions() const noexcept { return core_->sessions().size(); }

PubSub Handler::pubsub() const { return PubSub(core_->shared_pubsub()); }

const HandlerConfig& Handler::config() const noexcept { return core_->config(); }

void Handler::drain(std::chrono::milliseconds deadline, std::function<void()> done) {
    core_->drain(deadline, std::move(done));
}

void Handler::call_off_drain() { core_->call_off_drain(); }

bool Handler::draining() const noexcept { return core_->draining(); }

} // namespace chain
