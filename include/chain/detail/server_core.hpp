// ServerCore: what is behind a Server: its threads, its acceptor and its handlers.
#pragma once

#include <chain/detail/call_gate.hpp>
#include <chain/detail/http_site.hpp>
#include <chain/server.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace chain::detail {

class ServerCore {
  public:
    explicit ServerCore(ServerConfig config);
    ~ServerCore();

    void mount(Handler handler);
    void listen();
    std::uint16_t port() const noexcept { return port_; }
    net::any_io_executor executor() const noexcept {
        return workers_.front()->context.get_executor();
    }
    void run();
    void start();
    void stop();
    void reload_tls();

  private:
    using Acceptor = net::ip::tcp::acceptor;

    /// A thread's context.
    struct Worker {
        net::io_context context{1};
        net::executor_work_guard<net::io_context::executor_type> work{context.get_executor()};
        std::thread thread;
    };

    void open(const net::ip::tcp::endpoint& endpoint, error_code& failed);
    void accept();
    error_code accept_waiting();
    std::vector<std::size_t> loads() const;
    std::size_t least_loaded(const std::vector<std::size_t>& load) noexcept;
    void start_threads(std::size_t first);
    void watch_signals();
    void drain();
    void drained();
    bool inside() const noexcept;
    void join() noexcept;

    ServerConfig config_;
    std::shared_ptr<HttpSite> site_;
    std::vector<std::unique_ptr<Worker>> workers_;
    Acceptor acceptor_;
    net::steady_timer pause_;
    net::signal_set signals_;
    std::uint16_t port_ = 0;
    std::size_t turn_ = 0;
    std::atomic<bool> started_{false};
    std::atomic<bool> draining_{false};
    std::atomic<std::size_t> handlers_left_{0};
    std::mutex joining_;
    /// For what drains call back: a handler may outlive this, and end a drain only then.
    std::shared_ptr<CallGate> gate_ = std::make_shared<CallGate>();
};

} // namespace chain::detail
