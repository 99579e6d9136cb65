// What async_serve does with the stream and the token that the application gives it.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <chain/beast.hpp>

#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <memory>
#include <optional>
#include <string>

using chain::Served, test::RawClient;
using tcp = chain::net::ip::tcp;
namespace beast = boost::beast;

namespace {

/// Counts what is written.
class CountingPolicy {
  public:
    std::shared_ptr<std::size_t> written = std::make_shared<std::size_t>(0);

  private:
    friend beast::rate_policy_access;

    std::size_t available_read_bytes() const noexcept { return 1'000'000; }
    std::size_t available_write_bytes() const noexcept { return 1'000'000; }
    void transfer_read_bytes(std::size_t) const noexcept {}
    void transfer_write_bytes(std::size_t count) const noexcept { *written += count; }
    void on_timer() const noexcept {}
};

/// A server with one client, which runs while the test waits for something.
template <class Stream>
class OneClient {
  public:
    OneClient() : stream(context) {
        handler->add(test::room_channel()).use(context);
        tcp::acceptor acceptor(context, {chain::net::ip::address_v4::loopback(), 0});
        client.emplace(acceptor.local_endpoint().port());
        acceptor.accept(beast::get_lowest_layer(stream).socket());
    }

    chain::net::io_context context;
    std::optional<chain::Handler> handler{
        std::in_place, chain::HandlerConfig{.observer = std::make_shared<test::Watch>()}};
    Stream stream;
    beast::flat_buffer buffer;
    std::optional<RawClient> client;
    std::optional<Served> served;

    auto note() {
        return [this](Served how) { served = how; };
    }
    /// Reads the request that the client sends.
    auto request(const std::string& text) {
        client->send(text);
        beast::http::request<beast::http::string_body> read;
        beast::http::read(stream, buffer, read);
        return read;
    }
    template <class Condition>
    bool run_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + test::patience;
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context.restart();
            context.run_one_for(std::chrono::milliseconds(20));
        }
        return condition();
    }
    bool answered() {
        return run_until([this] { return served.has_value(); });
    }
};

const std::string client_file = "GET /socket/chain.js HTTP/1.1\r\nHost: test\r\n\r\n";

} // namespace

TEST_CASE("a deadline that the application has set is over when it gives its stream away") {
    OneClient<beast::tcp_stream> one;
    one.stream.expires_after(std::chrono::milliseconds(1));
    one.client->send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n"
                     "Content-Type: application/json\r\n\r\n");
    beast::http::request_parser<beast::http::empty_body> parser;
    parser.body_limit(boost::none);
    beast::http::read_header(one.stream, one.buffer, parser);
    one.context.run_for(std::chrono::milliseconds(5));
    chain::async_serve(*one.handler, one.stream, one.buffer, std::move(parser), one.note());
    one.context.restart();
    one.context.run_for(std::chrono::milliseconds(5));
    one.client->send("{}");
    REQUIRE(one.answered());
    CHECK(one.served == Served::keep_alive);
    CHECK(one.client->read_http().status == 410);
}

TEST_CASE("a stream's rate policy stays with it when a session takes it") {
    OneClient<beast::basic_stream<tcp, chain::net::any_io_executor, CountingPolicy>> one;
    const auto written = one.stream.rate_policy().written;
    auto request = one.request(RawClient::handshake("/socket/websocket"));
    chain::async_serve(*one.handler, one.stream, one.buffer, std::move(request), one.note());
    REQUIRE(one.answered());
    CHECK(one.served == Served::upgraded);
    CHECK(one.client->read_http().status == 101);
    const auto before = *written;
    one.client->send_text(R"([0,1,1,"room:a","_join",{}])");
    CHECK(one.run_until([&] { return *written > before; }));
    CHECK(one.client->receive() == "[1,1,1,0,{}]");
}

TEST_CASE("a token that starts the operation later needs no handle of the application's") {
    OneClient<beast::tcp_stream> one;
    auto request = one.request(client_file);
    const bool living = GENERATE(true, false);
    std::optional<chain::Handler> moved(*one.handler);
    auto later = chain::async_serve(*one.handler, one.stream, one.buffer, std::move(request),
                                    chain::net::deferred);
    one.handler.reset();
    if (!living) moved.reset();
    std::move(later)(one.note());
    REQUIRE(one.answered());
    CHECK(one.client->read_http().status == 200); // a file, which has no need of sessions
    auto upgrade = one.request(RawClient::handshake("/socket/websocket"));
    if (!living) return;
    one.served.reset();
    auto again = chain::async_serve(*moved, one.stream, one.buffer, std::move(upgrade),
                                    chain::net::deferred);
    moved.reset();
    std::move(again)(one.note());
    REQUIRE(one.answered());
    CHECK(one.client->read_http().status == 503);
}
