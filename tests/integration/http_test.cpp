// What the Server answers to HTTP requests.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <stdlib.h>

using namespace std::chrono_literals;
using test::HttpReply, test::RawClient, test::TestServer;
namespace fs = std::filesystem;

namespace {

chain::ServerConfig small_server() { return {.port = 0, .threads = 1}; }

HttpReply get(const TestServer& server, const std::string& target,
              const std::string& headers = {}) {
    return RawClient(server.port()).get(target, headers);
}

std::string content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// A folder of its own, which goes with it.
class Folder {
  public:
    Folder() {
        auto name = (fs::temp_directory_path() / "chain-test-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const fs::path& path() const { return path_; }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << text;
    }

  private:
    fs::path path_;
};

} // namespace

TEST_CASE("a time during which something has to happen is more than 0") {
    using chain::Timeouts;
    for (const auto time : {&Timeouts::idle, &Timeouts::request, &Timeouts::forward,
                            &Timeouts::forward_silence, &Timeouts::node_lease})
        for (const auto none : {0ms, -1ms}) {
            chain::HandlerConfig config;
            config.timeouts.*time = none;
            CHECK_THROWS_AS(chain::Handler(config), std::invalid_argument);
        }
    CHECK_THROWS_AS(chain::Server({.request_timeout = 0ms}), std::invalid_argument);
    CHECK_THROWS_AS(chain::SseTransport({.keep_alive = 0ms}), std::invalid_argument);
    CHECK_THROWS_WITH(chain::LongPollTransport({.window = 0ms}),
                      "chain: LongPollConfig::window is 0 ms; it has to be more than 0");
}

TEST_CASE("the server tells its health") {
    TestServer server(test::room_channel());
    server.start();
    const auto health = get(server, "/healthz");
    CHECK(health.status == 200);
    CHECK(health.header("cache-control") == "no-store");
    CHECK(get(server, "/readyz").status == 200);
    CHECK(get(server, "/readyz?verbose=1").status == 200);
}

TEST_CASE("pitfall 32: the browser client is served with an ETag for each file, and 304") {
    TestServer server(test::room_channel());
    server.start();
    const std::vector<std::pair<std::string, std::string>> files{
        {"chain.js", "text/javascript; charset=utf-8"},
        {"chain.js.map", "application/json"},
        {"chain.d.ts", ""},
        {"chain.ts", ""}};
    std::set<std::string> etags;
    for (const auto& [name, type] : files) {
        INFO(name);
        for (const std::string place : {"/", "/socket/"}) {
            const auto reply = get(server, place + name);
            REQUIRE(reply.status == 200);
            CHECK(reply.header("content-type").starts_with(type));
            CHECK(reply.header("x-content-type-options") == "nosniff");
            CHECK(reply.body.size() > 100);
            const auto etag = reply.header("etag");
            etags.insert(etag);
            const auto again = get(server, place + name, "If-None-Match: " + etag + "\r\n");
            CHECK(again.status == 304);
            CHECK(again.header("etag") == etag);
            CHECK(again.body.empty());
            CHECK(again.header("content-length").empty());
            CHECK(get(server, place + name, "If-None-Match: \"other\"\r\n").status == 200);
        }
    }
    CHECK(etags.size() == files.size());
    const auto built = content_of(fs::path(CHAIN_CLIENT_DIR) / "dist/chain.js");
    const bool same = get(server, "/chain.js").body == built;
    CHECK(same);
}

TEST_CASE("HEAD is answered as GET, without the body") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    const auto full = client.get("/chain.js");
    const auto head = client.request("HEAD /chain.js HTTP/1.1\r\nHost: test\r\n\r\n", true);
    CHECK(head.status == 200);
    CHECK(head.header("content-length") == std::to_string(full.body.size()));
    CHECK(head.header("etag") == full.header("etag"));
    CHECK(client.get("/healthz").body == "ok\n");
}

TEST_CASE("unknown paths are 404, and the endpoint matches whole path segments") {
    TestServer server(test::room_channel());
    server.start();
    for (const std::string path :
         {"/", "/nothing", "/socket", "/socket/", "/socket/nothing", "/socket/websocket/more",
          "/socketfoo", "/socketfoo/websocket", "/socket/chain.js/", "/healthz/", "*"}) {
        INFO(path);
        CHECK(get(server, path).status == 404);
    }
    CHECK(get(server, "/socket/websocket").status == 426);
    CHECK(get(server, "/socket/websocket?token=1").status == 426);
    CHECK(RawClient(server.port()).upgrade("/socketfoo/websocket").status == 404);
}

TEST_CASE("other methods are 405 with what is allowed") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    for (const std::string path : {"/healthz", "/chain.js", "/socket/chain.js"}) {
        const auto reply =
            client.request("POST " + path + " HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi");
        CHECK(reply.status == 405);
        CHECK(reply.header("allow") == "GET, HEAD");
    }
    const auto reply =
        client.request("POST /socket/websocket HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
    CHECK(reply.status == 405);
    CHECK(reply.header("allow") == "GET");
    CHECK(client.request("DELETE / HTTP/1.1\r\nHost: t\r\n\r\n").status == 405);
}

TEST_CASE("static files have their types, and an ETag that follows their content") {
    Folder folder;
    folder.write("index.html", "<h1>home</h1>");
    folder.write("page.html", "<p>page</p>");
    folder.write("style.css", "p{}");
    folder.write("app.js", "1;");
    folder.write("deep/er/index.html", "deep");
    folder.write("with space.txt", "space");
    folder.write("picture.png", std::string("\x89PNG\0\r\n", 7));
    folder.write("unknown.xyz", "?");
    folder.write("empty.txt", "");
    auto config = small_server();
    config.static_dir = folder.path();
    TestServer server(test::room_channel(), {}, config);
    server.start();

    CHECK(get(server, "/").body == "<h1>home</h1>");
    CHECK(get(server, "/?query").body == "<h1>home</h1>");
    CHECK(get(server, "/index.html").header("content-type") == "text/html; charset=utf-8");
    CHECK(get(server, "/style.css").header("content-type") == "text/css; charset=utf-8");
    CHECK(get(server, "/app.js").header("content-type") == "text/javascript; charset=utf-8");
    CHECK(get(server, "/picture.png").header("content-type") == "image/png");
    CHECK(get(server, "/picture.png").body == std::string("\x89PNG\0\r\n", 7));
    CHECK(get(server, "/unknown.xyz").header("content-type") == "application/octet-stream");
    CHECK(get(server, "/deep/er/").body == "deep");
    CHECK(get(server, "/with%20space.txt").body == "space");
    CHECK(get(server, "/empty.txt").status == 200);
    CHECK(get(server, "/deep").status == 404);

    const auto etag = get(server, "/page.html").header("etag");
    CHECK(get(server, "/page.html", "If-None-Match: " + etag + "\r\n").status == 304);
    CHECK(get(server, "/page.html", "If-None-Match: \"a\", W/" + etag + "\r\n").status == 304);
    CHECK(get(server, "/page.html", "If-None-Match: *\r\n").status == 304);
    folder.write("page.html", "<p>changed</p>");
    const auto changed = get(server, "/page.html", "If-None-Match: " + etag + "\r\n");
    CHECK(changed.status == 200);
    CHECK(changed.body == "<p>changed</p>");
}

TEST_CASE("nothing outside the static folder can be read") {
    Folder outside;
    outside.write("secret.txt", "secret");
    outside.write("public/ok.txt", "ok");
    outside.write("public2/secret.txt", "secret");
    const auto root = outside.path() / "public";
    fs::create_symlink(outside.path() / "secret.txt", root / "link.txt");
    fs::create_directory_symlink(outside.path(), root / "up");
    fs::create_symlink(root / "ok.txt", root / "inner.txt");
    auto config = small_server();
    config.static_dir = root;
    TestServer server(test::room_channel(), {}, config);
    server.start();

    CHECK(get(server, "/ok.txt").body == "ok");
    CHECK(get(server, "/inner.txt").body == "ok");
    for (const std::string path :
         {"/../secret.txt", "/%2e%2e/secret.txt", "/%2E%2E%2Fsecret.txt", "/..%2fsecret.txt",
          "/x/../../secret.txt", "/link.txt", "/up/secret.txt", "/../public2/secret.txt",
          "//etc/passwd", "/%2fetc/passwd", "/..%5csecret.txt", "/ok.txt%00.html",
          "/%252e%252e/secret.txt", "/...%2f..%2fsecret.txt"}) {
        INFO(path);
        const auto reply = get(server, path);
        CHECK(reply.status == 404);
        CHECK(reply.body.find("secret\n") == std::string::npos);
    }
}

TEST_CASE("a connection serves request after request, pipelined ones too") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    CHECK(client.get("/healthz").status == 200);
    client.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\nGET /nothing HTTP/1.1\r\nHost: t\r\n\r\n"
                "HEAD /readyz HTTP/1.1\r\nHost: t\r\n\r\nGET /readyz HTTP/1.1\r\nHost: t\r\n\r\n");
    CHECK(client.read_http().status == 200);
    CHECK(client.read_http().status == 404);
    CHECK(client.read_http(true).status == 200);
    CHECK(client.read_http().body == "ok\n");

    SECTION("until the client asks for the end") {
        const auto last = client.get("/healthz", "Connection: close\r\n");
        CHECK(last.status == 200);
        CHECK(last.header("connection") == "close");
        CHECK(client.read_to_end().empty());
    }
    SECTION("and one of HTTP/1.0 serves one") {
        RawClient old(server.port());
        const auto only = old.request("GET /healthz HTTP/1.0\r\n\r\n");
        CHECK(only.status == 200);
        CHECK(only.header("connection").empty());
        CHECK(old.read_to_end().empty());
    }
    SECTION("or several, when that is what the client asks for") {
        RawClient old(server.port());
        for (int i = 0; i < 2; ++i) {
            const auto reply =
                old.request("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            CHECK(reply.status == 200);
            CHECK(reply.header("connection") == "keep-alive");
        }
    }
    SECTION("however long its first one is") {
        for (const std::size_t size : {900U, 1000U, 1024U, 1100U, 3000U}) {
            RawClient fresh(server.port());
            CHECK(fresh.get("/healthz", "X: " + std::string(size, 'x') + "\r\n").status == 200);
            CHECK(fresh.get("/readyz").body == "ok\n");
        }
    }
}

TEST_CASE("requests that are too big or make no sense are refused in time to be read") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());

    SECTION("a header over the limit") {
        client.send("GET / HTTP/1.1\r\nHost: t\r\nX-Long: " + std::string(20'000, 'x') +
                    "\r\n\r\n");
        CHECK(client.read_http().status == 431);
    }
    SECTION("a header that never ends") {
        client.send("GET / HTTP/1.1\r\nHost: t\r\n");
        for (int i = 0; i < 3'000 && client.send("X-Line: 0123456789\r\n"); ++i) {
        }
        CHECK(client.read_http().status == 431);
    }
    SECTION("pitfall 9: a body over the limit") {
        client.send("POST /socket/websocket HTTP/1.1\r\nHost: t\r\nContent-Length: 300000\r\n\r\n");
        client.send(std::string(300'000, 'b'));
        CHECK(client.read_http().status == 413);
    }
    SECTION("pitfall 9: a chunked body over the limit") {
        client.send("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 20 && client.send("2000\r\n" + std::string(0x2000, 'c') + "\r\n");
             ++i) {
        }
        CHECK(client.read_http().status == 413);
    }
    SECTION("garbage") {
        client.send("\x16\x03\x01\x02 this is not HTTP\r\n\r\n");
        CHECK(client.read_http().status == 400);
    }
    SECTION("a method that is no token") {
        client.send("G<T / HTTP/1.1\r\nHost: t\r\n\r\n");
        CHECK(client.read_http().status == 400);
    }
    SECTION("two lengths") {
        client.send(
            "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd");
        CHECK(client.read_http().status == 400);
    }
    client.finish_sending();
    CHECK(client.read_to_end().find("HTTP/1.1 2") == std::string::npos);
    CHECK_FALSE(client.was_reset());
    CHECK(get(server, "/healthz").status == 200);
}

TEST_CASE("a client that waits for it is told to go on with its body") {
    TestServer server(test::room_channel());
    server.start();
    const std::string head = "POST /socket/sse HTTP/1.1\r\nHost: t\r\nExpect: 100-Continue\r\n"
                             "Content-Type: application/json\r\nContent-Length: ";
    RawClient client(server.port());
    for (int i = 0; i < 2; ++i) {
        client.send(head + "2\r\n\r\n");
        CHECK(client.read_http().status == 100);
        client.send("[]");
        CHECK(client.read_http().status == 410);
    }
    client.send(head + "2\r\n\r\n[]");
    CHECK(client.read_http().status == 410);
    client.send(head + "1000000\r\n\r\n");
    CHECK(client.read_http().status == 413);
}

TEST_CASE("a request that is refused unread is the client's, as a trusted proxy names it") {
    TestServer server(test::room_channel(),
                      chain::HandlerConfig{.trusted_proxies = {"127.0.0.0/8"}});
    server.start();
    RawClient client(server.port());
    client.send("POST /socket/sse HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n"
                "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"
                "Origin: https://shop.example\r\n\r\n");
    const auto refused = client.read_http();
    CHECK(refused.status == 413);
    CHECK(refused.header("access-control-allow-origin") == "https://shop.example");
}

TEST_CASE("a slow request is cut off after the request time-out") {
    auto config = small_server();
    config.request_timeout = 200ms;
    TestServer server(test::room_channel(), {}, config);
    server.start();

    SECTION("before its first byte") {
        RawClient client(server.port());
        CHECK(client.read_to_end().empty());
    }
    SECTION("inside its header, however often a byte comes") {
        RawClient client(server.port());
        const std::string request = "GET /healthz HTTP/1.1\r\nHost: t\r\nX: ";
        client.send(request);
        bool cut = false;
        pollfd waiting{client.fd(), POLLIN, 0};
        for (int i = 0; i < 10'000 && !cut; ++i) {
            client.send("x");
            cut = ::poll(&waiting, 1, 5) > 0;
        }
        CHECK(cut);
    }
    SECTION("between two requests") {
        RawClient client(server.port());
        CHECK(client.get("/healthz").status == 200);
        CHECK(client.read_to_end().empty());
    }
    SECTION("but an upgraded connection is not") {
        auto client = server.member("room:a");
        RawClient other(server.port());
        CHECK(other.read_to_end().empty());
        client.send_text(R"([0,1,2,"room:a","echo",1])");
        CHECK(client.receive() == "[1,1,2,0,1]");
    }
}

TEST_CASE("many connections that end in many ways leave nothing behind") {
    auto config = small_server();
    config.request_timeout = 50ms;
    TestServer server(test::room_channel(), {}, config);
    server.start();
    for (int i = 0; i < 50; ++i) {
        RawClient silent(server.port());
        RawClient half(server.port());
        half.send("GET / HT");
        RawClient gone(server.port());
        gone.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
        gone.reset();
        RawClient last(server.port());
        CHECK(last.get("/healthz").status == 200);
        if (i % 10 == 0) CHECK(last.read_to_end().empty());
    }
}

TEST_CASE("readyz looks at adapters, unless it is told not to") {
    class CutOff final : public chain::Adapter {
      public:
        void start(Receive) override {}
        void subscribe(std::string_view) override {}
        void unsubscribe(std::string_view) override {}
        chain::error_code publish(std::string_view, std::string_view) override { return {}; }
        bool ready() const noexcept override { return is_ready; }
        void stop() override {}
        std::atomic<bool> is_ready = false;
    };
    for (const bool without : {false, true}) {
        auto config = small_server();
        config.ready_without_broker = without;
        TestServer server(test::room_channel(), {}, config);
        const auto adapter = std::make_shared<CutOff>();
        server.handler.pubsub().attach(adapter);
        server.start();
        const auto cut_off = get(server, "/readyz");
        CHECK(cut_off.status == (without ? 200 : 503));
        CHECK(cut_off.body == (without ? "ok\n" : "no broker\n"));
        CHECK(get(server, "/healthz").status == 200);
        adapter->is_ready = true;
        CHECK(get(server, "/readyz").status == 200);
    }
}
