// Contexts that go while a client of theirs waits for what happens in another one.
#include "../support/catch.hpp"
#include "support/poll_client.hpp"
#include "support/test_server.hpp"

#include <chain/beast.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using chain::Served, test::RawClient;
using tcp = chain::net::ip::tcp;

namespace {

/// A server of the application's own in which streams have one context and sessions another. They
/// run only when the test says so, on its thread.
class TwoContexts {
  public:
    explicit TwoContexts(chain::Timeouts timeouts = {})
        : handler({.timeouts = timeouts, .observer = std::make_shared<test::Watch>()}) {
        handler.add(test::room_channel()).use(*lane);
        listen();
    }

    chain::Handler handler;
    std::optional<chain::net::io_context> lane{std::in_place};
    std::optional<Served> served; ///< How the last request was.

    std::uint16_t port() const { return acceptor_->local_endpoint().port(); }
    /// Takes the connection of a client that has sent its request, and gives that to the handler.
    template <class Stream = tcp::socket>
    void take(bool strand) {
        using Executor = chain::net::any_io_executor;
        const auto executor =
            strand ? Executor(make_strand(*streams_)) : Executor(streams_->get_executor());
        auto one = std::make_shared<Connection<Stream>>(acceptor_->accept(executor));
        boost::beast::http::read(one->stream, one->buffer, one->request);
        served.reset();
        bool taken = false;
        chain::net::dispatch(executor, [&] {
            chain::async_serve(handler, one->stream, one->buffer, std::move(one->request),
                               [this, one](Served how) { served = how; });
            taken = true;
        });
        streams_->restart();
        while (!taken) streams_->run_one();
    }
    void run_lane() {
        lane->restart();
        lane->poll();
    }
    /// Runs all that can be run until the request is answered.
    void answer() {
        while (!served) {
            if (lane) run_lane();
            streams_->restart();
            streams_->poll();
        }
    }
    /// A request that waits for nothing.
    void serve() {
        take(true);
        answer();
        if (lane) run_lane();
    }
    void destroy_streams() {
        acceptor_.reset();
        streams_.reset();
    }
    /// Begins anew, after `destroy_streams`.
    void listen() {
        streams_.emplace();
        acceptor_.emplace(*streams_, tcp::endpoint(chain::net::ip::address_v4::loopback(), 0));
    }

  private:
    template <class Stream>
    struct Connection {
        explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
        Stream stream;
        boost::beast::flat_buffer buffer;
        boost::beast::http::request<boost::beast::http::string_body> request;
    };

    std::optional<chain::net::io_context> streams_;
    std::optional<tcp::acceptor> acceptor_;
};

/// A connect handler that waits until the test lets it go on.
struct SlowConnect {
    chain::net::steady_timer* waiting = nullptr;
    int done = 0;

    void set(chain::Handler& handler) {
        handler.on_connect(
            [this](chain::Session&, const chain::Request&) -> chain::net::awaitable<void> {
                chain::net::steady_timer timer(co_await chain::net::this_coro::executor,
                                               chain::net::steady_timer::time_point::max());
                waiting = &timer;
                co_await timer.async_wait(chain::net::as_tuple(chain::net::use_awaitable));
                ++done;
            });
    }
};

/// A stream that is not moved to another context.
using Limited =
    boost::beast::basic_stream<tcp, chain::net::any_io_executor, boost::beast::simple_rate_policy>;

const std::string transports[] = {"websocket", "sse", "longpoll"};

/// Opens an SSE session. @return the tab's cookie
std::string open_tab(TwoContexts& server, RawClient& client) {
    client.send("GET /socket/sse HTTP/1.1\r\nHost: test\r\n\r\n");
    server.serve();
    auto cookie = client.read_http().header("set-cookie");
    cookie.resize(cookie.find(';'));
    return cookie;
}

std::string come_back(const std::string& cookie) {
    return "GET /socket/sse HTTP/1.1\r\nHost: test\r\nCookie: " + cookie + "\r\n\r\n";
}

std::string connect_by(const std::string& transport) {
    return RawClient::handshake("/socket/" + transport);
}

} // namespace

TEST_CASE("a stream's context may go while its client is being connected on another lane") {
    for (const auto& transport : transports) {
        for (const bool strand : {true, false}) {
            INFO(transport << (strand ? ", strand" : ""));
            TwoContexts server;
            int connects = 0;
            server.handler.on_connect([&](chain::Session&, const chain::Request&) { ++connects; });
            RawClient client(server.port());
            client.send(connect_by(transport));
            server.take(strand);
            server.destroy_streams();
            CHECK(client.read_to_end().empty());
            server.run_lane();
            CHECK(connects == 1);
            // One that polls has a window to do so.
            CHECK(server.handler.sessions() == (transport == "longpoll" ? 1 : 0));
        }
    }
}

TEST_CASE("a stream's context may go while a coroutine decides on its client") {
    for (const auto& transport : transports) {
        for (const bool strand : {true, false}) {
            INFO(transport << (strand ? ", strand" : ""));
            TwoContexts server;
            SlowConnect connect;
            connect.set(server.handler);
            RawClient client(server.port());
            client.send(connect_by(transport));
            server.take(strand);
            server.run_lane();
            REQUIRE(connect.waiting);
            server.destroy_streams();
            CHECK(client.read_to_end().empty());
            connect.waiting->cancel();
            server.run_lane();
            CHECK(connect.done == 1);
            CHECK(server.handler.sessions() == (transport == "longpoll" ? 1 : 0));
        }
    }
}

TEST_CASE("a client whose session was to live in a context that goes is answered 503") {
    for (const auto& transport : transports) {
        for (const bool coroutine : {true, false}) {
            INFO(transport << (coroutine ? ", coroutine" : ""));
            TwoContexts server;
            SlowConnect connect;
            if (coroutine) connect.set(server.handler);
            RawClient client(server.port());
            client.send(connect_by(transport));
            server.take(true);
            if (coroutine) server.run_lane();
            server.lane.reset();
            server.answer();
            CHECK(client.read_http().status == 503);
            CHECK(server.served == Served::keep_alive);
        }
    }
}

TEST_CASE("both contexts may go while a client is being connected, in either order") {
    for (const auto& transport : transports) {
        for (const bool streams_first : {true, false}) {
            INFO(transport << (streams_first ? ", streams first" : ""));
            TwoContexts server;
            SlowConnect connect;
            connect.set(server.handler);
            RawClient client(server.port());
            client.send(connect_by(transport));
            server.take(true);
            server.run_lane();
            if (streams_first) server.destroy_streams();
            server.lane.reset();
            if (!streams_first) server.destroy_streams();
            CHECK(client.read_to_end().empty());
            CHECK(connect.done == 0);
            CHECK(server.handler.sessions() == 0);
        }
    }
}

TEST_CASE("a stream's context may go while a poll or a POST of it is on its way or waits") {
    for (const bool waits : {true, false}) {
        for (const bool post : {true, false}) {
            INFO((waits ? "waits" : "on its way") << (post ? ", POST" : ", poll"));
            TwoContexts server;
            test::PollClient client(server.port());
            client.ask();
            server.serve();
            client.answer();
            RawClient other(server.port());
            other.send(post ? client.post(R"([0,1,1,"room:a","_join",{}])") : client.get());
            server.take(true);
            if (waits) server.run_lane();
            server.destroy_streams();
            CHECK(other.read_to_end().empty());
            server.run_lane();
            CHECK(server.handler.sessions() == 1);
            server.lane.reset(); // which answers the poll
            CHECK(server.handler.sessions() == 0);
        }
    }
}

TEST_CASE("what a drain's callback throws ends nothing, also while a context goes") {
    for (const bool context_goes : {true, false}) {
        TwoContexts server;
        RawClient client(server.port());
        client.send(connect_by("websocket"));
        server.serve();
        CHECK(server.handler.sessions() == 1);
        int told = 0;
        server.handler.drain(std::chrono::hours(1), [&] {
            ++told;
            throw std::runtime_error("on purpose");
        });
        if (context_goes)
            server.lane.reset();
        else
            server.run_lane();
        CHECK(told == 1);
        CHECK(server.handler.sessions() == 0);
    }
}

TEST_CASE("a stream's context may go while its client comes back to its session") {
    for (const bool refused : {true, false}) {
        INFO((refused ? "refused" : "resumed"));
        TwoContexts server;
        int asked = 0;
        server.handler.on_resume(
            [&](chain::Session&, const chain::Request&) -> std::optional<chain::Refusal> {
                ++asked;
                return refused ? std::optional(chain::Refusal{}) : std::nullopt;
            });
        RawClient first(server.port());
        const auto cookie = open_tab(server, first);
        RawClient second(server.port());
        second.send(come_back(cookie));
        server.take(true);
        server.destroy_streams();
        CHECK(second.read_to_end().empty());
        server.run_lane();
        CHECK(asked == 1);
        server.listen();
        RawClient third(server.port());
        third.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                   "Cookie: " +
                   cookie + "\r\nContent-Length: 2\r\n\r\n[]");
        server.take(true);
        server.destroy_streams();
        CHECK(third.read_to_end().empty());
        server.run_lane();
    }
}

TEST_CASE("a connection whose stream goes with another context ends on its own lane") {
    TwoContexts server(
        {.close = std::chrono::milliseconds(50), .resume_window = std::chrono::milliseconds(400)});
    RawClient first(server.port());
    const auto cookie = open_tab(server, first);
    RawClient second(server.port());
    second.send(come_back(cookie));
    server.take<Limited>(true);
    server.answer();
    CHECK(server.served == Served::streaming);
    CHECK(second.read_http().status == 200);
    first.read_to_end(); // its stream is taken over

    // The lane closes the connection while the other context does nothing, and while its timers
    // run that context goes, with the operations that hold the connection.
    chain::net::steady_timer end(*server.lane, std::chrono::milliseconds(200));
    end.async_wait([](chain::error_code) {});
    test::Signal drained;
    bool done = false;
    server.handler.drain(std::chrono::hours(1), [&] { drained.change([&] { done = true; }); });
    server.lane->restart();
    std::thread runner([&] { server.lane->run(); });
    CHECK(drained.wait([&] { return done; }));
    server.destroy_streams();
    runner.join();
    CHECK(server.handler.sessions() == 0);
}
