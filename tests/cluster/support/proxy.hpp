// A TCP proxy that counts bytes, can cut connections, and takes several servers in turn.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace test {

class Proxy {
  public:
    /// Forwards connections to a port of 127.0.0.1.
    explicit Proxy(std::uint16_t target) : Proxy(std::vector{target}) {}
    /// Forwards each connection to the next of these ports at which somebody listens.
    explicit Proxy(std::vector<std::uint16_t> targets)
        : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
          targets_(std::move(targets)) {
        boost::asio::co_spawn(context_, accept(), boost::asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }
    ~Proxy() {
        context_.stop();
        thread_.join();
    }
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::size_t bytes_to_client() const { return to_client_; }

    /// Ends new connections at once.
    void refuse(bool on) { refuses_ = on; }
    /// Ends all connections; new ones are taken.
    void cut() {
        std::promise<void> done;
        boost::asio::post(context_, [&] {
            for (const auto& weak : sockets_)
                if (const auto socket = weak.lock()) socket->close();
            sockets_.clear();
            done.set_value();
        });
        done.get_future().wait();
    }

  private:
    using Socket = boost::asio::ip::tcp::socket;
    using Shared = std::shared_ptr<Socket>;

    boost::asio::awaitable<void> accept() {
        for (;;) {
            auto near = std::make_shared<Socket>(
                co_await acceptor_.async_accept(boost::asio::use_awaitable));
            auto far = std::make_shared<Socket>(context_);
            if (refuses_) continue;
            if (!reach_next(*far)) continue;
            sockets_.push_back(near);
            sockets_.push_back(far);
            boost::asio::co_spawn(context_, forward(near, far, nullptr), boost::asio::detached);
            boost::asio::co_spawn(context_, forward(far, near, &to_client_), boost::asio::detached);
        }
    }

    bool reach_next(Socket& far) {
        for (std::size_t tries = 0; tries < targets_.size(); ++tries) {
            const auto target = targets_[turn_++ % targets_.size()];
            boost::system::error_code failed;
            far.connect({boost::asio::ip::address_v4::loopback(), target}, failed);
            if (!failed) return true;
            far.close(failed);
        }
        return false;
    }

    static boost::asio::awaitable<void> forward(Shared from, Shared to,
                                                std::atomic<std::size_t>* count) {
        std::array<char, 16384> buffer{};
        boost::system::error_code ignored;
        try {
            for (;;) {
                const auto size = co_await from->async_read_some(boost::asio::buffer(buffer),
                                                                 boost::asio::use_awaitable);
                if (count) *count += size;
                co_await boost::asio::async_write(*to, boost::asio::buffer(buffer.data(), size),
                                                  boost::asio::use_awaitable);
            }
        } catch (const boost::system::system_error&) {
            from->close(ignored);
            to->close(ignored);
        }
    }

    boost::asio::io_context context_{1};
    boost::asio::ip::tcp::acceptor acceptor_;
    std::vector<std::uint16_t> targets_;
    std::size_t turn_ = 0;
    std::atomic<std::size_t> to_client_ = 0;
    std::atomic<bool> refuses_ = false;
    std::vector<std::weak_ptr<Socket>> sockets_;
    std::thread thread_;
};

} // namespace test
