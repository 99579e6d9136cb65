// The Server over TLS.
#include "../support/catch.hpp"
#include "support/bridge.hpp"
#include "support/certificate.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"

#include <chain/tls.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <fstream>
#include <set>
#include <string>
#include <thread>

using test::Bridge, test::Certificate, test::RawClient, test::SseBrowser, test::TestServer;

namespace {

std::shared_ptr<chain::Tls> tls_of(const Certificate& certificate) {
    return std::make_shared<chain::Tls>(chain::TlsConfig{certificate.chain(), certificate.key()});
}

chain::ServerConfig over(std::shared_ptr<chain::Tls> tls, unsigned threads = 2) {
    return {.port = 0, .threads = threads, .tls = std::move(tls)};
}

} // namespace

TEST_CASE("the server speaks TLS: requests, WebSockets, and streams with Secure cookies") {
    const Certificate certificate;
    auto room = test::room_channel();
    TestServer server(room, {}, over(tls_of(certificate)));
    std::atomic<int> encrypted{0};
    server.handler.on_connect(
        [&](chain::Session&, const chain::Request& request) { encrypted += request.tls; });
    server.start();
    const auto bridge = Bridge::to_tls(server.port());
    CHECK(RawClient(bridge.port()).get("/healthz").status == 200);
    CHECK(RawClient(bridge.port()).get("/chain.js").status == 200);

    auto socket = test::open_socket(bridge.port());
    socket.send_text(R"([0,1,1,"room:a","_join",{}])");
    CHECK(socket.receive() == "[1,1,1,0,{}]");
    SseBrowser browser(bridge.port());
    auto stream = browser.member("room:a");
    CHECK(stream.header("Set-Cookie").find("; Secure") != std::string::npos);
    CHECK(!room.broadcast("room:a", "say", 1));
    CHECK(socket.receive() == R"([2,"room:a","say",1])");
    CHECK(stream.receive() == R"([2,"room:a","say",1])");
    CHECK(encrypted == 2);
    // The tab's next streams come in on other threads too.
    for (int i = 0; i < 4; ++i) {
        auto next = browser.open();
        CHECK(stream.ends());
        CHECK(!room.broadcast("room:a", "say", i));
        CHECK(next.receive() == "[2,\"room:a\",\"say\"," + std::to_string(i) + "]");
        stream = std::move(next);
    }
    server.stop();
    CHECK(stream.ends());
}

TEST_CASE("a renewed certificate is shown to those who come later, and the others go on") {
    Certificate certificate;
    TestServer server(test::room_channel(), {}, over(tls_of(certificate)));
    server.start();
    const auto bridge = Bridge::to_tls(server.port());
    auto early = test::open_socket(bridge.port());
    CHECK(bridge.serial() == 1);
    certificate.renew();
    server.reload_tls();
    auto late = test::open_socket(bridge.port());
    CHECK(bridge.serial() == 2);
    for (auto* client : {&early, &late}) {
        client->send_text(R"([0,1,1,"room:a","_join",{}])");
        CHECK(client->receive() == "[1,1,1,0,{}]");
    }
    std::ofstream(certificate.chain()) << "no certificate";
    CHECK_THROWS_AS(server.reload_tls(), boost::system::system_error);
    CHECK(test::open_socket(bridge.port()).fd() >= 0);
    CHECK(bridge.serial() == 2);
}

TEST_CASE("TLS is 1.2 or newer, and what cannot be used is refused at set-up") {
    const Certificate certificate, other;
    auto* native = tls_of(certificate)->context()->native_handle();
    CHECK(SSL_CTX_get_min_proto_version(native) == TLS1_2_VERSION);
    CHECK_THROWS_AS(chain::Tls({certificate.chain(), other.key()}), boost::system::system_error);
    CHECK_THROWS_AS(chain::Tls({"/nowhere.pem", certificate.key()}), boost::system::system_error);
    TestServer plain(test::room_channel());
    CHECK_THROWS_AS(plain.reload_tls(), std::logic_error);
}

TEST_CASE("a client that does not finish its handshake is cut off after the request time-out") {
    const Certificate certificate;
    auto config = over(tls_of(certificate));
    config.request_timeout = std::chrono::milliseconds(50);
    TestServer server(test::room_channel(), {}, std::move(config));
    server.start();
    RawClient client(server.port());
    CHECK(client.read_to_end().empty());
    RawClient wrong(server.port());
    wrong.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    CHECK(wrong.read_to_end().find("HTTP/1.1 200") == std::string::npos);
}

TEST_CASE("a refused connection over TLS ends in time, whatever its client does") {
    namespace net = boost::asio;
    const Certificate certificate;
    auto config = over(tls_of(certificate), 1);
    config.request_timeout = std::chrono::milliseconds(300);
    TestServer server(test::room_channel(), {}, std::move(config));
    server.start();
    net::io_context context;
    net::ssl::context tls(net::ssl::context::tls_client);
    net::ssl::stream<net::ip::tcp::socket> client(context, tls);
    client.next_layer().connect({net::ip::address_v4::loopback(), server.port()});
    client.handshake(net::ssl::stream_base::client);
    const std::string head = "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n";
    net::write(client, net::buffer(head));
    std::string answer(12, ' ');
    net::read(client, net::buffer(answer));
    CHECK(answer == "HTTP/1.1 413");
    SECTION("it is silent, and does not say good-bye") {
        chain::error_code failed;
        net::read(client.next_layer(), net::dynamic_buffer(answer), failed);
        CHECK(failed == net::error::eof);
    }
    SECTION("it sends on and on") {
        const std::string more(1000, 'x');
        chain::error_code failed;
        while (!failed) net::write(client, net::buffer(more), failed);
    }
}

TEST_CASE("a server with TLS may go with living sessions while other threads send") {
    const Certificate certificate;
    auto room = test::room_channel();
    TestServer server(room, {}, over(tls_of(certificate), 3));
    server.start();
    const auto bridge = Bridge::to_tls(server.port());
    std::vector<RawClient> sockets;
    std::vector<test::SseStream> streams;
    SseBrowser browser(bridge.port());
    for (int i = 0; i < 3; ++i) {
        sockets.push_back(test::open_socket(bridge.port()));
        sockets.back().send_text(R"([0,1,1,"room:a","_join",{}])");
        CHECK(sockets.back().receive().starts_with("[1,1,1,0,"));
        streams.push_back(browser.member("room:a", "tab" + std::to_string(i)));
        streams.push_back(browser.open("tab" + std::to_string(i)));
    }
    std::atomic<bool> stop{false};
    std::atomic<int> sent{0};
    std::thread publisher([&] {
        while (!stop) {
            static_cast<void>(room.broadcast("room:a", "say", ++sent));
            std::this_thread::yield();
        }
    });
    while (sent < 20) std::this_thread::yield();
    server.destroy();
    const int before = sent;
    while (sent < before + 20) std::this_thread::yield();
    stop = true;
    publisher.join();
}

TEST_CASE("a folder of files that is none is refused at set-up") {
    CHECK_THROWS_AS(chain::Server({.static_dir = "/nowhere"}), std::invalid_argument);
    CHECK_THROWS_AS(chain::Server({.client_path = "assets"}), std::invalid_argument);
}

TEST_CASE("the browser client is served where the server is told to") {
    TestServer server(test::room_channel(), {},
                      {.port = 0, .threads = 1, .client_path = "/assets/"});
    server.start();
    CHECK(RawClient(server.port()).get("/assets/chain.js").status == 200);
    CHECK(RawClient(server.port()).get("/chain.js").status == 404);
    CHECK(RawClient(server.port()).get("/socket/chain.js").status == 200);
}

TEST_CASE(
    "connections go to the thread with the fewest sessions, also where a handler has others") {
    chain::net::io_context mine;
    TestServer server(test::room_channel(), {}, {.port = 0, .threads = 2});
    server.handler.use(mine);
    server.start();
    std::vector<RawClient> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(server.member("room:a"));
    std::multiset<std::size_t> load;
    for (const auto& lane : chain::detail::HandlerAccess::core(server.handler)->lanes())
        load.insert(lane->sessions());
    CHECK(load == std::multiset<std::size_t>{0, 3, 3});
    server.destroy();
}
