// Definitions of <chain/detail/redis_connection.hpp>.
#pragma once

#include <chain/detail/redis_connection.hpp>
#include <chain/detail/redis_core.hpp>
#include <chain/detail/redis_socket.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace chain::detail {

/// hiredis moves all that it was fed and has not read to the front, again and again: more at once
/// would cost more per reply.
inline constexpr std::size_t redis_buffer = 16 * 1024;

RedisConnection::~RedisConnection() = default;

const RedisConfig& RedisConnection::config() const noexcept { return core_.config(); }

void RedisConnection::start() {
    buffer_ = std::make_unique<char[]>(redis_buffer);
    pause_.emplace(core_.strand());
    watch_.emplace(core_.strand());
    watch();
    // The connection is a part of the core, which lives as long as this runs.
    net::co_spawn(core_.strand(), run(), [self = core_.shared_from_this()](std::exception_ptr) {});
}

void RedisConnection::end(bool gone) noexcept {
    ended_ = true;
    connected_ = false;
    if (socket_) socket_->close();
    if (pause_) pause_->cancel();
    if (watch_) watch_->cancel();
    if (!gone) return;
    socket_.reset();
    pause_.reset();
    watch_.reset();
}

std::string& RedisConnection::outgoing() noexcept { return socket_->outgoing(); }

void RedisConnection::send(std::initializer_list<std::string_view> words) {
    append_redis_command(outgoing(), words);
}

void RedisConnection::flush() { socket_->flush(); }

void RedisConnection::fail(Errc reason, std::string_view text) {
    if (!failure_) failure_ = Failure{make_error_code(reason), std::string(text)};
    if (socket_) socket_->close();
}

net::awaitable<void> RedisConnection::run() {
    while (!ended_) {
        Failure why;
        try {
            co_await live();
        } catch (const RedisRefusal& refusal) {
            why = {make_error_code(Errc::broker_refused), refusal.what()};
        } catch (const boost::system::system_error& failed) {
            why = {{failed.code().value(), failed.code().category()}, {}};
        } catch (const std::exception& failed) {
            why = {make_error_code(Errc::adapter_failed), failed.what()};
        }
        if (ended_) co_return;
        ended(failure_ ? std::move(*failure_) : std::move(why));
        co_await pause();
    }
}

void RedisConnection::ended(Failure why) {
    failure_.reset();
    if (socket_) socket_->close(); // there is none yet where the settings for TLS are wrong
    if (std::exchange(connected_, false)) on_down();
    core_.down(why.code, why.text);
}

void RedisConnection::open() {
    heard_ = Clock::now();
    failure_.reset();
    if (socket_) socket_->close();
    socket_ = std::make_shared<RedisSocket>(core_.strand(), config().tls);
    parser_.emplace();
}

net::awaitable<void> RedisConnection::live() {
    open();
    const auto address = co_await find_server();
    co_await socket_->connect(address);
    co_await greet();
    connected_ = true;
    asked_ = false;
    on_up();
    core_.connected();
    for (;;) {
        flush();
        co_await fill();
        take();
    }
}

/// Handles the whole replies that have come.
void RedisConnection::take() {
    const CallGate::Call call(core_.gate());
    if (!call) return;
    while (!failure_) {
        const auto reply = parser_->next();
        if (!reply) break;
        on_reply(*reply);
    }
    if (!failure_) attempts_ = 0;
}

net::awaitable<void> RedisConnection::fill() {
    const auto socket = socket_;
    const auto count = co_await socket->read_some(net::buffer(buffer_.get(), redis_buffer));
    heard_ = Clock::now();
    asked_ = false;
    parser_->feed({buffer_.get(), count});
}

/// Flushes, and waits for the answer to what was sent.
net::awaitable<RedisReply> RedisConnection::answer() {
    flush();
    for (;;) {
        auto reply = parser_->next();
        if (reply && is_error(*reply)) throw RedisRefusal(std::string(text_of(*reply)));
        if (reply) co_return reply;
        co_await fill();
    }
}

net::awaitable<void> RedisConnection::log_in(const std::string& user, const std::string& password) {
    if (password.empty()) co_return;
    if (user.empty())
        send({"AUTH", password});
    else
        send({"AUTH", user, password});
    co_await answer();
}

net::awaitable<void> RedisConnection::greet() {
    co_await log_in(config().user, config().password);
    if (config().database != 0) {
        send({"SELECT", std::to_string(config().database)});
        co_await answer();
    }
    send({"PING"}); // an error while it still loads its data
    co_await answer();
    if (config().sentinels.empty()) co_return;
    send({"ROLE"});
    const auto role = co_await answer();
    const auto parts = items_of(*role);
    if (parts.empty() || text_of(*parts[0]) != "master")
        throw RedisRefusal("the sentinels named a server that is not the master");
}

net::awaitable<RedisAddress> RedisConnection::find_server() {
    if (config().sentinels.empty()) co_return config().server;
    boost::system::error_code last = net::error::host_not_found;
    std::optional<RedisRefusal> refused;
    for (const auto& sentinel : config().sentinels) {
        std::optional<RedisAddress> found;
        try {
            found = co_await ask_sentinel(sentinel);
        } catch (const boost::system::system_error& failed) {
            last = failed.code();
        } catch (const RedisRefusal& refusal) {
            refused = refusal; // the next one may know better
        }
        if (ended_) throw boost::system::system_error(last);
        open();
        if (found) co_return *found;
    }
    if (refused) throw RedisRefusal(*refused);
    throw boost::system::system_error(last);
}

net::awaitable<std::optional<RedisAddress>> RedisConnection::ask_sentinel(RedisAddress sentinel) {
    co_await socket_->connect(std::move(sentinel));
    co_await log_in(config().sentinel_user, config().sentinel_password);
    send({"SENTINEL", "get-master-addr-by-name", config().master});
    const auto reply = co_await answer();
    const auto parts = items_of(*reply);
    if (parts.size() != 2) co_return std::nullopt;
    RedisAddress address{std::string(text_of(*parts[0])), 0};
    const auto port = text_of(*parts[1]);
    std::from_chars(port.data(), port.data() + port.size(), address.port);
    co_return address;
}

/// Waits before the next attempt: longer each time, and a random part less, so that the nodes of a
/// cluster do not all come at once.
net::awaitable<void> RedisConnection::pause() {
    const std::chrono::milliseconds doubled =
        config().reconnect_min * (1LL << std::min(attempts_++, 16U));
    const auto longest = std::min(doubled, config().reconnect_max).count();
    std::uniform_int_distribution<long long> between(longest / 2, longest);
    pause_->expires_after(std::chrono::milliseconds(between(random_)));
    boost::system::error_code cancelled;
    co_await pause_->async_wait(net::redirect_error(net::use_awaitable, cancelled));
}

void RedisConnection::watch() {
    watch_->expires_after(
        std::max(std::min(config().ping, config().answer) / 2, std::chrono::milliseconds(1)));
    watch_->async_wait([this, self = core_.shared_from_this()](boost::system::error_code failed) {
        if (failed || ended_) return;
        tick();
        watch();
    });
}

void RedisConnection::tick() {
    const auto silent = Clock::now() - heard_;
    if (!connected_) {
        if (socket_ && silent > config().connect) fail(Errc::broker_silent, {});
    } else if (silent > config().ping + config().answer) {
        fail(Errc::broker_silent, {});
    } else if (silent >= config().ping && !asked_) {
        asked_ = true;
        on_quiet();
        flush();
    }
}

} // namespace chain::detail
