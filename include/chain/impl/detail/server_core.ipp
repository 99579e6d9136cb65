// Definitions of <chain/detail/server_core.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/server_core.hpp>
#include <chain/detail/settings.hpp>
#include <chain/detail/stream_maker.hpp>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace chain::detail {

/// So that a thread is not held for long.
inline constexpr std::size_t accepts_per_turn = 64;

/// Clients speak first. Where the system can, it shows one only when its request is there, so that
/// this is read at once; but a silent one after a second nevertheless.
void accept_with_request([[maybe_unused]] int acceptor) noexcept {
#ifdef TCP_DEFER_ACCEPT
    const int seconds = 1;
    ::setsockopt(acceptor, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
#endif
}

ServerCore::ServerCore(ServerConfig config)
    : config_(std::move(config)), site_(std::make_shared<HttpSite>(config_)), workers_([this] {
          const auto wanted = config_.threads > 0
                                  ? config_.threads
                                  : std::max(1U, std::thread::hardware_concurrency());
          std::vector<std::unique_ptr<Worker>> workers(wanted);
          for (auto& worker : workers) worker = std::make_unique<Worker>();
          return workers;
      }()),
      acceptor_(workers_.front()->context), pause_(workers_.front()->context),
      signals_(workers_.front()->context) {
    require_time("ServerConfig::request_timeout", config_.request_timeout);
}

ServerCore::~ServerCore() {
    for (const auto& worker : workers_) worker->context.stop();
    join();
    gate_->close();
}

void ServerCore::mount(Handler handler) {
    site_->mount(handler);
    for (const auto& worker : workers_) handler.use(worker->context);
}

void ServerCore::listen() {
    if (acceptor_.is_open()) return;
    error_code failed;
    if (!config_.address.empty()) {
        const auto address = net::ip::make_address(config_.address, failed);
        if (!failed) open({address, config_.port}, failed);
    } else {
        open({net::ip::address_v6::any(), config_.port}, failed);
        if (failed == net::error::address_family_not_supported)
            open({net::ip::address_v4::any(), config_.port}, failed);
    }
    // A code without the source location that Asio adds: it is a message for an operator.
    const error_code cause{failed.value(), failed.category()};
    if (failed) {
        const auto address = config_.address.empty() ? "" : '"' + config_.address + "\", ";
        throw boost::system::system_error(cause, "chain: cannot listen at " + address + "port " +
                                                     std::to_string(config_.port));
    }
    port_ = acceptor_.local_endpoint().port();
    accept();
}

void ServerCore::open(const net::ip::tcp::endpoint& endpoint, error_code& failed) {
    error_code ignored;
    acceptor_.close(ignored);
    acceptor_.open(endpoint.protocol(), failed);
    if (failed) return;
    acceptor_.set_option(Acceptor::reuse_address(true), ignored);
    acceptor_.set_option(net::ip::tcp::no_delay(true), ignored); // accepted sockets inherit it
    if (endpoint.address().is_v6()) acceptor_.set_option(net::ip::v6_only(false), ignored);
    accept_with_request(acceptor_.native_handle());
    acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(net::socket_base::max_listen_connections, failed);
    if (!failed) acceptor_.non_blocking(true, failed);
    if (failed) acceptor_.close(ignored);
}

void ServerCore::accept() {
    acceptor_.async_wait(Acceptor::wait_read, [this](error_code failed) {
        if (failed == net::error::operation_aborted || draining_) return;
        failed = accept_waiting();
        if (!failed) return accept();
        // Mostly: no file descriptors are left. Trying again at once would spin.
        pause_.expires_after(std::chrono::milliseconds(100));
        pause_.async_wait([this](error_code cancelled) {
            if (!cancelled) accept();
        });
    });
}

/// Accepts all that wait, up to a limit. One in each turn would be too few when a turn is long, as
/// when many clients come back to a busy server at once: they would wait for hundreds of turns.
error_code ServerCore::accept_waiting() {
    auto load = loads();
    for (std::size_t left = accepts_per_turn; left > 0; --left) {
        const auto worker = least_loaded(load);
        HttpSocket socket(workers_[worker]->context);
        net::ip::tcp::endpoint peer;
        error_code failed;
        acceptor_.accept(socket, peer, failed);
        if (failed == net::error::would_block || failed == net::error::try_again) break;
        if (failed == net::error::connection_aborted) continue;
        if (failed) return failed;
        ++load[worker];
        net::post(workers_[worker]->context,
                  [site = site_, peer, socket = std::move(socket)]() mutable {
                      serve_http(std::move(socket), peer, site);
                  });
    }
    return {};
}

/// The sessions of each worker.
std::vector<std::size_t> ServerCore::loads() const {
    std::vector<std::size_t> load(workers_.size());
    for (const auto& handler : site_->handlers()) {
        const auto& core = *HandlerAccess::core(handler);
        for (std::size_t i = 0; i < load.size(); ++i)
            load[i] += core.sessions_in(workers_[i]->context);
    }
    return load;
}

/// The worker with the least load; the next one among equals.
std::size_t ServerCore::least_loaded(const std::vector<std::size_t>& load) noexcept {
    const auto least = *std::ranges::min_element(load);
    do {
        turn_ = (turn_ + 1) % workers_.size();
    } while (load[turn_] != least);
    return turn_;
}

void ServerCore::start_threads(std::size_t first) {
    for (auto i = first; i < workers_.size(); ++i)
        workers_[i]->thread = std::thread([&context = workers_[i]->context] { context.run(); });
}

void ServerCore::run() {
    listen();
    watch_signals();
    start_threads(1);
    workers_.front()->context.run();
    join();
}

void ServerCore::start() {
    listen();
    started_ = true;
    start_threads(0);
}

void ServerCore::stop() {
    net::post(workers_.front()->context, [this] { drain(); });
    if (started_ && !inside()) join();
}

void ServerCore::reload_tls() {
    if (!config_.tls) throw std::logic_error("chain: this server has no TLS");
    config_.tls->reload();
}

/// Is this one of the server's own threads, which cannot wait for itself?
bool ServerCore::inside() const noexcept {
    return std::ranges::any_of(workers_, [](const auto& worker) {
        return worker->context.get_executor().running_in_this_thread();
    });
}

void ServerCore::watch_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](error_code failed, int) {
        if (failed) return;
        if (draining_) {
            for (const auto& worker : workers_) worker->context.stop();
            return;
        }
        watch_signals();
        drain();
    });
}

void ServerCore::drain() {
    if (draining_.exchange(true)) return;
    site_->set_draining();
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    handlers_left_ = site_->handlers().size();
    for (auto handler : site_->handlers())
        handler.drain(config_.drain_deadline, [this, gate = gate_] {
            const CallGate::Call call(*gate);
            if (call) drained();
        });
    if (site_->handlers().empty()) drained();
}

/// A handler's sessions have ended; after the last one's, the connections get a moment to close.
void ServerCore::drained() {
    if (handlers_left_ > 0 && --handlers_left_ > 0) return;
    net::post(workers_.front()->context, [this] {
        pause_.expires_after(std::chrono::milliseconds(200));
        pause_.async_wait([this](error_code) {
            for (const auto& worker : workers_) worker->context.stop();
        });
    });
}

void ServerCore::join() noexcept {
    const std::lock_guard lock(joining_);
    for (const auto& worker : workers_)
        if (worker->thread.joinable()) worker->thread.join();
}

} // namespace chain::detail
