// Definitions of <chain/detail/nats_core.hpp>.
#pragma once

#include <chain/detail/nats_core.hpp>
#include <chain/detail/nats_subject.hpp>

#include <nats/nats.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace chain::detail {

struct NatsCore::Route {
    std::weak_ptr<NatsCore> core;
    std::string topic = {};
};

/// What the NATS library calls, on its own threads.
struct NatsCore::Callbacks {
    static std::shared_ptr<NatsCore> core(void* route) {
        return static_cast<Route*>(route)->core.lock();
    }
    static void message(natsConnection*, natsSubscription*, natsMsg* message, void* route) {
        const std::unique_ptr<natsMsg, decltype(&natsMsg_Destroy)> owner(message, &natsMsg_Destroy);
        const auto self = core(route);
        if (!self) return;
        const CallGate::Call call(self->gate());
        if (!call) return;
        self->came(
            static_cast<Route*>(route)->topic, natsMsg_GetSubject(message),
            {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))});
    }
    static void forget(void* route) { delete static_cast<Route*>(route); }
    static void connected(natsConnection*, void* route) {
        if (const auto self = core(route)) self->post([core = self.get()] { core->up(); });
    }
    static void disconnected(natsConnection* connection, void* route) {
        const auto self = core(route);
        if (!self) return;
        const char* text = nullptr;
        natsConnection_GetLastError(connection, &text);
        self->post([core = self.get(), text = std::string(text ? text : "")] {
            const bool was_up = core->ready();
            core->down(make_error_code(Errc::adapter_down), text);
            if (was_up) core->lost(0, make_error_code(Errc::adapter_down));
        });
    }
    static void failed(natsConnection*, natsSubscription*, natsStatus status, void* route) {
        const auto self = core(route);
        if (!self) return;
        const auto reason =
            status == NATS_SLOW_CONSUMER ? Errc::adapter_full : Errc::broker_refused;
        self->post([core = self.get(), reason] { core->lost(0, make_error_code(reason)); });
    }
    static void closed(natsConnection*, void* route) { forget(route); }
};

NatsCore::NatsCore(net::any_io_executor executor, NatsConfig config)
    : AdapterCore(std::move(executor), config.grace), config_(std::move(config)),
      loop_(*this, config_.ping, config_.pings) {}

NatsCore::~NatsCore() = default;

/// Keeps the first failure of several calls.
void note(int& failed, natsStatus status) noexcept {
    if (failed == NATS_OK) failed = status;
}

void NatsCore::log_in(natsOptions* options, int& failed) const {
    if (!config_.user.empty())
        note(failed,
             natsOptions_SetUserInfo(options, config_.user.c_str(), config_.password.c_str()));
    if (!config_.token.empty()) note(failed, natsOptions_SetToken(options, config_.token.c_str()));
    if (!config_.credentials_file.empty())
        note(failed, natsOptions_SetUserCredentialsFromFiles(
                         options, config_.credentials_file.c_str(), nullptr));
}

void NatsCore::secure(natsOptions* options, int& failed) const {
    const auto& tls = config_.tls;
    if (!tls.enabled) return;
    note(failed, natsOptions_SetSecure(options, true));
    if (!tls.verify) note(failed, natsOptions_SkipServerVerification(options, true));
    if (!tls.ca_file.empty())
        note(failed, natsOptions_LoadCATrustedCertificates(options, tls.ca_file.c_str()));
    if (!tls.cert_file.empty())
        note(failed, natsOptions_LoadCertificatesChain(options, tls.cert_file.c_str(),
                                                       tls.key_file.c_str()));
    if (!tls.server_name.empty())
        note(failed, natsOptions_SetExpectedHostname(options, tls.server_name.c_str()));
}

void NatsCore::configure(natsOptions* options) {
    int failed = NATS_OK;
    std::vector<const char*> servers;
    for (const auto& server : config_.servers) servers.push_back(server.c_str());
    note(failed, natsOptions_SetServers(options, servers.data(), static_cast<int>(servers.size())));
    log_in(options, failed);
    secure(options, failed);
    note(failed, natsOptions_SetTimeout(options, config_.connect.count()));
    note(failed, natsOptions_SetPingInterval(options, config_.ping.count()));
    note(failed,
         natsOptions_SetMaxPingsOut(options, std::numeric_limits<int>::max())); // see NatsLoop
    note(failed, natsOptions_SetMaxReconnect(options, -1));
    note(failed, natsOptions_SetReconnectWait(options, config_.reconnect.count()));
    note(failed,
         natsOptions_SetReconnectJitter(options, config_.jitter.count(), config_.jitter.count()));
    note(failed, natsOptions_SetMaxPendingMsgs(options, config_.waiting_messages));
    note(failed, natsOptions_SetNoEcho(options, true));
    note(failed, natsOptions_UseGlobalMessageDelivery(options, true));
    if (failed != NATS_OK || !loop_.install(options))
        throw std::invalid_argument(std::string("chain: the NATS library rejects the settings: ") +
                                    natsStatus_GetText(static_cast<natsStatus>(failed)));
}

void NatsCore::begin() {
    natsOptions* made = nullptr;
    natsOptions_Create(&made);
    const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> options(
        made, &natsOptions_Destroy);
    configure(made);
    auto* const route = new Route{std::static_pointer_cast<NatsCore>(shared_from_this())};
    natsOptions_SetRetryOnFailedConnect(made, true, &Callbacks::connected, route);
    natsOptions_SetReconnectedCB(made, &Callbacks::connected, route);
    natsOptions_SetDisconnectedCB(made, &Callbacks::disconnected, route);
    natsOptions_SetErrorHandler(made, &Callbacks::failed, route);
    natsOptions_SetClosedCB(made, &Callbacks::closed, route);
    natsConnection* connection = nullptr;
    const auto status = natsConnection_Connect(&connection, made);
    if (!connection) {
        delete route;
        throw std::invalid_argument(std::string("chain: NATS: ") + natsStatus_GetText(status));
    }
    {
        const std::lock_guard lock(mutex_);
        connection_ = connection;
    }
    if (status == NATS_OK)
        post([this] { up(); });
    else
        post([this] { down(make_error_code(Errc::adapter_down), "not reached yet"); });
}

void NatsCore::end(bool gone) noexcept {
    loop_.end(gone);
    natsConnection* connection = nullptr;
    {
        const std::lock_guard lock(mutex_);
        connection = std::exchange(connection_, nullptr);
    }
    for (const auto& [topic, subscriptions] : subscriptions_)
        for (auto* subscription : subscriptions) natsSubscription_Destroy(subscription);
    subscriptions_.clear();
    natsConnection_Destroy(connection);
}

void NatsCore::want(const std::string& topic) {
    const bool prefix = topic.ends_with('*');
    {
        const std::lock_guard lock(mutex_);
        if (prefix)
            prefixes_.insert(topic.substr(0, topic.size() - 1));
        else
            topics_.insert(topic);
    }
    if (!prefix) return subscribe_to(nats_subject(config_.prefix, topic), topic);
    for (const auto& subject :
         nats_wildcards(config_.prefix, std::string_view(topic).substr(0, topic.size() - 1)))
        subscribe_to(subject, topic);
}

void NatsCore::subscribe_to(const std::string& subject, const std::string& topic) {
    auto* const route = new Route{std::static_pointer_cast<NatsCore>(shared_from_this()), topic};
    natsSubscription* subscription = nullptr;
    const auto status = natsConnection_Subscribe(&subscription, connection_, subject.c_str(),
                                                 &Callbacks::message, route);
    if (status != NATS_OK) {
        delete route;
        return down(make_error_code(Errc::broker_refused), natsStatus_GetText(status));
    }
    if (natsSubscription_SetOnCompleteCB(subscription, &Callbacks::forget, route) != NATS_OK)
        delete route; // the connection has ended since, and this subscription with it
    subscriptions_[topic].push_back(subscription);
}

void NatsCore::drop(const std::string& topic) {
    {
        const std::lock_guard lock(mutex_);
        if (topic.ends_with('*'))
            prefixes_.erase(topic.substr(0, topic.size() - 1));
        else
            topics_.erase(topic);
    }
    const auto found = subscriptions_.find(topic);
    if (found == subscriptions_.end()) return;
    for (auto* subscription : found->second) natsSubscription_Destroy(subscription);
    subscriptions_.erase(found);
}

bool NatsCore::chosen(const std::string& wanted, std::string_view topic) const {
    const std::lock_guard lock(mutex_);
    if (topics_.contains(topic)) return false;
    const auto first = std::ranges::find_if(
        prefixes_, [&](const std::string& prefix) { return topic.starts_with(prefix); });
    return first != prefixes_.end() && first->size() + 1 == wanted.size() &&
           wanted.starts_with(*first);
}

void NatsCore::came(const std::string& wanted, std::string_view subject, std::string_view frame) {
    if (!wanted.ends_with('*')) return receive(wanted, frame); // what the subject was made of
    const auto topic = nats_topic(config_.prefix, subject);
    if (topic && chosen(wanted, *topic)) receive(*topic, frame);
}

error_code NatsCore::publish(std::string_view topic, std::string_view frame) {
    if (!ready()) return make_error_code(Errc::adapter_down);
    const auto subject = nats_subject(config_.prefix, topic);
    {
        const std::lock_guard lock(mutex_); // so that `end` does not come in between
        if (const auto failed = hand_over(subject, frame)) return failed;
        if (std::exchange(writes_, true)) return {};
    }
    post([this] {
        {
            const std::lock_guard lock(mutex_);
            writes_ = false;
        }
        loop_.write();
    });
    return {};
}

/// Gives it to the library, which collects what is to be written.
error_code NatsCore::hand_over(const std::string& subject, std::string_view frame) const {
    if (!connection_) return make_error_code(Errc::adapter_down);
    const auto waiting = natsConnection_Buffered(connection_);
    if (waiting > 0 && static_cast<std::size_t>(waiting) + frame.size() > config_.backlog_bytes)
        return make_error_code(Errc::adapter_full);
    const auto status = natsConnection_Publish(connection_, subject.c_str(), frame.data(),
                                               static_cast<int>(frame.size()));
    switch (status) {
    case NATS_OK: return {};
    case NATS_MAX_PAYLOAD: return make_error_code(Errc::message_too_big);
    case NATS_INSUFFICIENT_BUFFER: return make_error_code(Errc::adapter_full);
    default: return make_error_code(Errc::adapter_down);
    }
}

} // namespace chain::detail
