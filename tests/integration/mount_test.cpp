// A handler in a server of the application's own: streams of all kinds, lanes, and HTTP's rules.
#include "../support/catch.hpp"
#include "support/mounted_server.hpp"
#include "support/sse_client.hpp"

#include <chain/detail/handler_core.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

using chain::Json, chain::Reply, chain::Served, chain::Socket;
using test::Mount, test::MountedServer, test::RawClient, test::SseBrowser;

namespace {

const std::vector<Mount> all_kinds{
    Mount::one_thread, Mount::strand,   Mount::tcp_stream, Mount::callback,  Mount::header,
    Mount::future,     Mount::declared, Mount::tls,        Mount::beast_tls, Mount::unix_socket};

auto lanes_of(MountedServer& server) {
    return chain::detail::HandlerAccess::core(server.handler())->lanes();
}

std::string post(const std::string& target, const std::string& body,
                 const std::string& headers = {}) {
    return "POST " + target + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n" +
           headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Waits until there are so many sessions.
bool closed(MountedServer& server, std::size_t count) {
    return server.watch->signal.wait([&] { return server.watch->closed == count; });
}

} // namespace

TEST_CASE("a mounted handler serves WebSockets on streams of every kind") {
    for (const auto mount : all_kinds) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        auto ada = server.member("room:a");
        auto grace = server.member("room:a");
        ada.send_text(R"([0,1,2,"room:a","echo",{"a":1}])");
        CHECK(ada.receive() == R"([1,1,2,0,{"a":1}])");
        grace.send_text(R"([0,1,2,"room:a","say","hello"])");
        CHECK(ada.receive() == R"([2,"room:a","say","hello"])");
        CHECK(grace.receive() == R"([2,"room:a","say","hello"])");
        CHECK(server.served(Served::upgraded, 2));
        ada.send(test::ws_close(1000));
        CHECK(ada.close_code() == 1000);
        grace.reset();
        CHECK(closed(server, 2));
    }
}

TEST_CASE("large messages and large batches come whole, whatever the stream") {
    const std::string large(60'000, 'x');
    for (const auto mount : {Mount::strand, Mount::tls, Mount::beast_tls}) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        auto client = server.member("room:a");
        for (int i = 0; i < 10; ++i)
            client.send_text(R"([0,1,2,"room:a","echo",")" + large + "\"]");
        for (int i = 0; i < 10; ++i) CHECK(client.receive() == "[1,1,2,0,\"" + large + "\"]");
    }
}

TEST_CASE("what was read ahead of an upgrade is the WebSocket's") {
    for (const auto mount : all_kinds) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        RawClient client(server.port());
        client.send(RawClient::handshake("/socket/websocket") +
                    test::ws_text(R"([0,1,1,"room:a","_join",{}])") +
                    test::ws_text(R"([0,1,2,"room:a","echo",7])"));
        CHECK(client.read_http().status == 101);
        CHECK(client.receive() == "[1,1,1,0,{}]");
        CHECK(client.receive() == "[1,1,2,0,7]");
    }
}

TEST_CASE("after a POST the connection serves the application's own next request") {
    for (const auto mount : all_kinds) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        SseBrowser browser(server.port());
        auto stream = browser.open();
        RawClient poster(server.port());
        const auto join = browser.post("tab", R"([0,1,1,"room:a","_join",{}])");
        CHECK(poster.request(join).status == 200);
        CHECK(poster.get("/mine").body == "own /mine");
        // Pipelined: what follows a request stays in the application's buffer.
        poster.send(post("/mine", "abc") + browser.post("tab", R"([0,1,2,"room:a","echo",1])") +
                    post("/too", "abc"));
        CHECK(poster.read_http().body == "own /mine");
        CHECK(poster.read_http().status == 200);
        CHECK(poster.read_http().body == "own /too");
        CHECK(stream.receive() == "[1,1,1,0,{}]");
        CHECK(stream.receive() == "[1,1,2,0,1]");
        CHECK(server.served(Served::keep_alive, 2));
        CHECK(server.served(Served::streaming, 1));
    }
}

TEST_CASE("a tab's new stream takes over on another strand, also over TLS") {
    for (const auto mount : {Mount::strand, Mount::tls, Mount::beast_tls, Mount::declared}) {
        INFO(test::to_string(mount));
        auto room = test::room_channel();
        MountedServer server(mount, room);
        SseBrowser browser(server.port());
        auto first = browser.member("room:a");
        auto second = browser.open();
        CHECK(first.ends());
        for (int i = 0; i < 50; ++i) CHECK(!room.broadcast("room:a", "say", i));
        for (int i = 0; i < 50; ++i)
            CHECK(second.receive() == "[2,\"room:a\",\"say\"," + std::to_string(i) + "]");
    }
}

TEST_CASE("private lanes end with their sessions") {
    for (const auto mount : {Mount::strand, Mount::tls, Mount::one_thread}) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        {
            std::vector<RawClient> clients;
            for (int i = 0; i < 4; ++i) clients.push_back(server.member("room:a"));
            CHECK(lanes_of(server).size() == 4);
        }
        CHECK(closed(server, 4));
        // A lane goes at the end of its turn, after the session.
        const auto deadline = std::chrono::steady_clock::now() + test::patience;
        while (!lanes_of(server).empty() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        CHECK(lanes_of(server).empty());
        CHECK(server.member("room:a").fd() >= 0);
    }
}

TEST_CASE("sockets are moved to the least loaded of the declared lanes") {
    MountedServer server(Mount::declared, test::room_channel());
    std::vector<RawClient> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(server.member("room:a"));
    std::vector<std::size_t> load;
    for (const auto& lane : lanes_of(server)) load.push_back(lane->sessions());
    CHECK(load == std::vector<std::size_t>{3, 3});
}

TEST_CASE("a coroutine that waited on a strand is on its session's executor again") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) {});
    room.on("later", [](Socket& socket, const Json&) -> chain::net::awaitable<Reply> {
        socket.state<int>() = 41;
        chain::net::steady_timer timer(co_await chain::net::this_coro::executor,
                                       std::chrono::milliseconds(20));
        co_await timer.async_wait(chain::net::use_awaitable);
        ++socket.state<int>(); // asserts, in debug builds, that this is the executor
        static_cast<void>(socket.push("state", socket.state<int>()));
        co_return Reply::ok();
    });
    for (const auto mount : {Mount::strand, Mount::tls, Mount::declared}) {
        INFO(test::to_string(mount));
        MountedServer server(mount, room);
        auto client = server.member("room:a");
        client.send_text(R"([0,1,2,"room:a","later",{}])");
        CHECK(client.receive() == R"([0,1,0,"room:a","state",42])");
        CHECK(client.receive() == "[1,1,2,0,{}]");
    }
}

TEST_CASE("below the endpoint there are the transports and the browser client, and nothing else") {
    MountedServer server(Mount::strand, test::room_channel());
    RawClient client(server.port());
    CHECK(client.get("/socket").status == 404);
    CHECK(client.get("/socket/nothing").status == 404);
    CHECK(client.request(post("/socket/nothing", "{}")).status == 404);
    CHECK(client.get("/socketfoo").body == "own /socketfoo");
    const auto wrong = client.request(post("/socket/chain.js", "{}"));
    CHECK(wrong.status == 405);
    CHECK(wrong.header("allow") == "GET, HEAD");
    const auto script = client.get("/socket/chain.js");
    CHECK(script.status == 200);
    const auto etag = script.header("etag");
    CHECK(client.get("/socket/chain.js", "If-None-Match: " + etag + "\r\n").status == 304);
    const auto head = client.request("HEAD /socket/chain.js HTTP/1.1\r\nHost: test\r\n\r\n", true);
    CHECK(head.status == 200);
    CHECK(head.header("content-length") == std::to_string(script.body.size()));
    CHECK(client.get("/mine").body == "own /mine");
}

TEST_CASE("a body over the limit is answered 413 before it is read, where the library reads it") {
    MountedServer server(Mount::header, test::room_channel(),
                         chain::HandlerConfig{.limits = {.body_bytes = 1000}});
    RawClient client(server.port());
    // The body does not come: the answer does not wait for it.
    client.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nContent-Length: 1001\r\n\r\n");
    auto reply = client.read_http();
    CHECK(reply.status == 413);
    CHECK(reply.header("connection") == "close");

    RawClient chunked(server.port());
    chunked.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3e9\r\n" +
                 std::string(1001, 'x') + "\r\n0\r\n\r\n");
    CHECK(chunked.read_http().status == 413);
    CHECK(server.watch->limits() == std::vector<std::string>(2, "body_bytes"));
    RawClient broken(server.port());
    broken.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                "no number\r\n");
    CHECK(broken.read_http().status == 400);
}

TEST_CASE("a client that waits for it is told to go on with its body, where the library reads it") {
    MountedServer server(Mount::header, test::room_channel());
    const std::string body = "[0,0,1,\"_chain\",\"_heartbeat\",null]";
    const auto text = post("/socket/sse", body, "Expect: 100-continue\r\n");
    RawClient client(server.port());
    client.send(text.substr(0, text.size() - body.size()));
    CHECK(client.read_http().status == 100);
    client.send(body);
    CHECK(client.read_http().status == 410);
    client.send(text); // one that does not wait is not told
    CHECK(client.read_http().status == 410);
    client.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n"
                "Content-Length: 1000000\r\n\r\n");
    CHECK(client.read_http().status == 413);
}

TEST_CASE("a refused body does not cost the client its answer, also over TLS") {
    for (const auto mount : {Mount::header, Mount::tls_header}) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        RawClient client(server.port());
        client.send(post("/socket/sse", std::string(1'000'000, 'x')));
        CHECK(client.read_http().status == 413);
        client.finish_sending();
        client.read_to_end();
        CHECK_FALSE(client.was_reset());
        CHECK(server.served(Served::closed, 1));
    }
}

TEST_CASE("an answer that is not taken in time ends the connection") {
    MountedServer server(
        Mount::strand, test::room_channel(),
        chain::HandlerConfig{.timeouts = {.request = std::chrono::milliseconds(50)}});
    RawClient client(server.port(), 4096);
    const std::string script = "GET /socket/chain.js HTTP/1.1\r\nHost: test\r\n\r\n";
    std::string requests;
    for (int i = 0; i < 1000; ++i) requests += script;
    client.send(requests);
    CHECK(server.served(Served::closed, 1));
}

TEST_CASE("a body may come in many pieces, where the library reads it") {
    MountedServer server(Mount::header, test::room_channel());
    RawClient client(server.port());
    for (const char byte : post("/socket/sse", "[0,0,1,\"_chain\",\"_heartbeat\",null]"))
        client.send({&byte, 1});
    CHECK(client.read_http().status == 410);
    CHECK(client.get("/mine").body == "own /mine");
}

TEST_CASE("a chunk's header without an end is not buffered without one") {
    MountedServer server(Mount::header, test::room_channel());
    RawClient client(server.port());
    client.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                std::string(100'000, 'a'));
    CHECK(client.read_http().status == 413);
}

TEST_CASE("a body over the limit is answered 413 where the application has read it") {
    MountedServer server(Mount::strand, test::room_channel(),
                         chain::HandlerConfig{.limits = {.body_bytes = 1000}});
    RawClient client(server.port());
    CHECK(client.request(post("/socket/sse", std::string(1001, ' '))).status == 413);
    CHECK(client.request(post("/socket/sse", std::string(1000, ' '))).status == 410);
    CHECK(server.watch->limits() == std::vector<std::string>{"body_bytes"});
}

TEST_CASE("a body that does not arrive in time ends the connection") {
    MountedServer server(
        Mount::header, test::room_channel(),
        chain::HandlerConfig{.timeouts = {.request = std::chrono::milliseconds(50)}});
    RawClient client(server.port());
    client.send("POST /socket/sse HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n{}");
    CHECK(client.read_to_end().empty());
}

TEST_CASE("only a trusted proxy's word about the client is taken") {
    std::mutex mutex;
    chain::Request newest;
    auto connect = [&](chain::Handler& handler) {
        handler.on_connect([&](chain::Session&, const chain::Request& request) {
            const std::lock_guard lock(mutex);
            newest = request;
        });
    };
    auto seen = [&] {
        const std::lock_guard lock(mutex);
        return newest;
    };
    const std::string forwarded = "X-Forwarded-For: 6.6.6.6, 8.8.8.8, 10.1.2.3\r\n"
                                  "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"
                                  "Origin: https://shop.example\r\n";
    SECTION("nobody is trusted by default") {
        MountedServer server(Mount::strand, test::room_channel());
        connect(server.handler());
        CHECK(RawClient(server.port()).upgrade("/socket/websocket", forwarded).status == 403);
        RawClient client(server.port());
        CHECK(client.upgrade("/socket/websocket", "X-Forwarded-For: 8.8.8.8\r\n").status == 101);
        CHECK(seen().peer_address == "127.0.0.1");
        CHECK(seen().peer_port != 0);
        CHECK(!seen().tls);
    }
    SECTION("a trusted one names the client, its scheme and the host") {
        MountedServer server(
            Mount::strand, test::room_channel(),
            chain::HandlerConfig{.trusted_proxies = {"127.0.0.0/8", "10.0.0.0/8"}});
        connect(server.handler());
        RawClient client(server.port());
        CHECK(client.upgrade("/socket/websocket", forwarded).status == 101);
        CHECK(seen().peer_address == "8.8.8.8");
        CHECK(seen().tls);
        CHECK(seen().header("host") == "shop.example");
        SseBrowser browser(server.port());
        const auto stream = browser.open("tab", {}, forwarded);
        CHECK(stream.header("Set-Cookie").find("; Secure") != std::string::npos);
    }
    SECTION("so may a UNIX socket") {
        MountedServer server(Mount::unix_socket, test::room_channel(),
                             chain::HandlerConfig{.trusted_proxies = {"unix"}});
        connect(server.handler());
        RawClient client(server.port());
        CHECK(client.upgrade("/socket/websocket", "X-Forwarded-For: [2001:db8::1]:99\r\n").status ==
              101);
        CHECK(seen().peer_address == "2001:db8::1");
    }
    SECTION("what is no network is refused at set-up") {
        for (const auto* wrong : {"10.0.0.0/33", "10.0.0.0/", "nobody", "", "::/129", "1.2.3"})
            CHECK_THROWS_AS(chain::Handler(chain::HandlerConfig{.trusted_proxies = {wrong}}),
                            std::invalid_argument);
    }
}

TEST_CASE("a mounted handler drains: sessions end, new ones are sent away, requests go on") {
    for (const auto mount : {Mount::strand, Mount::tls, Mount::declared}) {
        INFO(test::to_string(mount));
        MountedServer server(mount, test::room_channel());
        auto client = server.member("room:a");
        std::atomic<bool> done{false};
        server.handler().drain(std::chrono::seconds(30), [&] {
            done = true;
            server.watch->signal.notify();
        });
        CHECK(client.close_code() == 1012);
        CHECK(server.watch->signal.wait([&] { return done.load(); }));
        RawClient late(server.port());
        const auto refused = late.upgrade();
        CHECK(refused.status == 503);
        CHECK(refused.header("retry-after") == "1");
        CHECK(late.get("/mine").body == "own /mine");
        CHECK(SseBrowser(server.port()).open().status() == 200);
    }
}

TEST_CASE("handler and io_context go in either order, with sessions of every kind alive") {
    for (const auto mount : {Mount::strand, Mount::declared, Mount::tls, Mount::beast_tls,
                             Mount::unix_socket, Mount::one_thread}) {
        for (const bool handler_first : {true, false}) {
            INFO(test::to_string(mount) << (handler_first ? ", handler first" : ", context first"));
            auto room = test::room_channel();
            MountedServer server(mount, room);
            std::vector<RawClient> sockets;
            std::vector<test::SseStream> streams;
            SseBrowser browser(server.port());
            for (int i = 0; i < 3; ++i) {
                sockets.push_back(server.member("room:a"));
                streams.push_back(browser.member("room:a", "tab" + std::to_string(i)));
            }
            // One that lives on another executor than its stream.
            streams.push_back(browser.open("tab0"));
            std::atomic<bool> stop{false};
            std::atomic<int> sent{0};
            std::thread publisher([&] {
                while (!stop) {
                    static_cast<void>(room.broadcast("room:a", "say", ++sent));
                    std::this_thread::yield();
                }
            });
            while (sent < 20) std::this_thread::yield();
            if (handler_first) server.destroy_handler();
            server.destroy_contexts();
            if (!handler_first) server.destroy_handler();
            const int before = sent;
            while (sent < before + 20) std::this_thread::yield();
            stop = true;
            publisher.join();
        }
    }
}

TEST_CASE("a session that the application keeps outlives its lane") {
    std::mutex mutex;
    std::optional<chain::Session> kept;
    MountedServer server(Mount::strand, test::room_channel());
    server.handler().on_connect([&](chain::Session& session, const chain::Request&) {
        const std::lock_guard lock(mutex);
        kept = session;
    });
    auto client = server.member("room:a");
    server.destroy_contexts();
    CHECK(kept->closed());
    CHECK(kept->push("x") == chain::Errc::closed);
}

#ifndef NDEBUG
TEST_CASE("an executor that is not serial is reported in debug builds") {
    std::atomic<bool> inside{false};
    std::shared_ptr<test::Watch> watch;
    auto reported = [&] {
        const auto lines = watch->logged();
        return std::ranges::any_of(
            lines, [](const auto& line) { return line.starts_with("executor not serial"); });
    };
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) {});
    room.on("wait", [&](Socket&, const Json&) {
        inside = true;
        while (!reported()) std::this_thread::yield();
    });
    MountedServer server(Mount::not_serial, room);
    watch = server.watch;
    auto client = server.member("room:a");
    client.send_text(R"([0,1,2,"room:a","wait",{}])");
    while (!inside) std::this_thread::yield();
    CHECK(!room.broadcast("room:a", "say", 1)); // for which another thread enters the lane
    CHECK(client.receive() == R"([2,"room:a","say",1])");
    CHECK(reported());
}
#endif
