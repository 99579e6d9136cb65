// Three nodes, and requests that reach another one than that of their session.
#include "../cluster/support/proxy.hpp"
#include "support/poll_client.hpp"
#include "support/resuming_client.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"

#include "support/catch.hpp"

#include <chain/adapter.hpp>
#include <chain/adapters/loopback.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using chain::Json, chain::Reply, chain::Socket;
using test::Carrier, test::PollClient, test::RawClient, test::ResumingClient, test::SseBrowser,
    test::TestServer;

namespace {

/// A node's way to the others, which can be cut without anybody being told, and held up.
class CutAdapter final : public chain::Adapter {
  public:
    explicit CutAdapter(std::shared_ptr<chain::Adapter> inner) : inner_(std::move(inner)) {}

    void start(Receive receive) override {
        receive_ = receive;
        inner_->start([this](std::string_view topic, std::string_view frame) {
            if (cut) return;
            const std::lock_guard lock(mutex_);
            if (hold && topic.starts_with("/socket:n:") && !topic.ends_with(":all"))
                held_.emplace_back(topic, frame);
            else
                receive_(topic, frame);
        });
    }
    /// What was held up comes now.
    void release() {
        const std::lock_guard lock(mutex_);
        hold = false;
        for (const auto& [topic, frame] : std::exchange(held_, {})) receive_(topic, frame);
    }
    void subscribe(std::string_view topic) override { inner_->subscribe(topic); }
    void unsubscribe(std::string_view topic) override { inner_->unsubscribe(topic); }
    chain::error_code publish(std::string_view topic, std::string_view frame) override {
        if (topic.starts_with("/socket:n:") && lose > 0 && --lose == 0) return {};
        if (full) return make_error_code(chain::Errc::adapter_full);
        return cut ? chain::error_code() : inner_->publish(topic, frame);
    }
    void stop() override { inner_->stop(); }

    std::atomic<bool> cut = false;
    std::atomic<bool> hold = false; ///< What comes for this node alone.
    std::atomic<bool> full = false; ///< Nothing more is taken.
    std::atomic<int> lose = 0;      ///< The message to other nodes that gets lost, counted from 1.

  private:
    std::shared_ptr<chain::Adapter> inner_;
    Receive receive_;
    std::mutex mutex_; ///< Guards the next one.
    std::vector<std::pair<std::string, std::string>> held_;
};

/// A joined client is told the node; `say` is answered and broadcast.
chain::Channel node_channel(int node) {
    chain::Channel channel{"room:*"};
    channel.on_join([node](Socket&, const Json&) { return Reply::ok({{"node", node}}); });
    channel.on("say", [](Socket& socket, const Json& number) {
        socket.broadcast("said", number);
        return Reply::ok(number);
    });
    return channel;
}

/// Three nodes in this process, and a proxy that takes them in turn.
struct ForwardCluster {
    explicit ForwardCluster(const chain::HandlerConfig& config = {})
        : ForwardCluster(config, config) {}
    /// The first node is configured otherwise than the others.
    ForwardCluster(const chain::HandlerConfig& first, const chain::HandlerConfig& others) {
        std::vector<std::uint16_t> ports;
        for (int i = 0; i < 3; ++i) {
            links.push_back(std::make_shared<CutAdapter>(hub.adapter()));
            nodes.push_back(std::make_unique<TestServer>(node_channel(i), i == 0 ? first : others));
            nodes.back()->handler.pubsub().attach(links.back());
            ports.push_back(nodes.back()->start().port());
        }
        proxy.emplace(ports);
    }
    std::uint16_t port(int node) const { return nodes[static_cast<std::size_t>(node)]->port(); }
    TestServer& operator[](int node) { return *nodes[static_cast<std::size_t>(node)]; }

    chain::LoopbackHub hub;
    std::vector<std::shared_ptr<CutAdapter>> links;
    std::vector<std::unique_ptr<TestServer>> nodes;
    std::optional<test::Proxy> proxy;
};

chain::HandlerConfig impatient() {
    chain::HandlerConfig config;
    config.timeouts.forward = 100ms;
    config.timeouts.node_lease = 1s;
    return config;
}

std::string join_frame(const std::string& topic) {
    return "[0,1,1,\"" + topic + "\",\"_join\",{}]";
}
std::string say_frame(int ref, int number) {
    return "[0,1," + std::to_string(ref) + ",\"room:a\",\"say\"," + std::to_string(number) + "]";
}

/// A long-poll client that has joined.
PollClient polling_member(std::uint16_t port) {
    PollClient client(port);
    client.open();
    if (client.say(join_frame("room:a")) != 200) throw std::runtime_error("not taken");
    client.receive();
    return client;
}

/// The same long-poll session, seen from another node.
PollClient moved(const PollClient& client, std::uint16_t port) {
    PollClient other(port);
    other.token = client.token;
    return other;
}

std::string post_to_sse(const std::string& token, const std::string& body) {
    return "POST /socket/sse?sid=tab HTTP/1.1\r\nHost: test\r\nX-Chain-Session: " + token +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

/// A WebSocket that asks for a session at any node.
RawClient asking(std::uint16_t port, const std::string& token, int received = 0, int attempt = 1,
                 int receive_buffer = 0) {
    RawClient client(port, receive_buffer);
    const auto reply = client.upgrade("/socket/websocket?received=" + std::to_string(received) +
                                      "&attempt=" + std::to_string(attempt) + "&session=" + token);
    if (reply.status != 101) throw std::runtime_error("no upgrade: " + reply.body);
    return client;
}

/// What a session's first frame says: it was resumed. @return its token
std::string resumed_token(RawClient& client) {
    const auto told = Json::parse(client.receive()).at(5);
    if (!told.at("resumed").get<bool>()) throw std::runtime_error("it was not resumed");
    return told.at("token").get<std::string>();
}

/// A client of node 0 that has gone to node 1.
struct Wanderer {
    explicit Wanderer(ForwardCluster& cluster, int receive_buffer = 0)
        : first(cluster.port(0), Carrier::websocket, Carrier::websocket),
          away(asking(cluster.port(1), first.token(), 0, 1, receive_buffer)),
          token(resumed_token(away)) {}

    ResumingClient first;
    RawClient away;
    std::string token;
};

/// Has something come within this time?
bool answered_within(std::chrono::milliseconds time, RawClient& client) {
    pollfd waiting{client.fd(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

/// One client of each transport, of node 0, and what they ask of node 1.
struct Strays {
    explicit Strays(ForwardCluster& cluster)
        : away(cluster.port(1)), socket(cluster.port(0), Carrier::websocket, Carrier::websocket),
          stream(cluster.port(0), Carrier::sse, Carrier::sse),
          polling(polling_member(cluster.port(0))) {}

    test::HttpReply resume() const {
        return RawClient(away).upgrade("/socket/websocket?received=0&attempt=1&session=" +
                                       socket.token());
    }
    test::HttpReply post() const {
        return RawClient(away).request(post_to_sse(stream.token(), join_frame("room:a")));
    }
    /// A stream that is put off has a retry line and ends.
    std::string open_stream() const {
        RawClient client(away);
        client.send("GET /socket/sse?sid=tab&received=0&attempt=1&session=" + stream.token() +
                    " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        return client.read_to_end();
    }
    test::HttpReply poll() const { return RawClient(away).request(moved(polling, away).get()); }
    test::HttpReply poll_post() const { return moved(polling, away).posted(say_frame(2, 1)); }
    /// All are told to come again.
    void check_put_off() const {
        for (const auto& reply : {resume(), post(), poll(), poll_post()}) {
            CHECK(reply.status == 503);
            CHECK(reply.header("retry-after") == "1");
        }
        CHECK(Json::parse(poll().body).at("status") == 500);
        const auto opened = open_stream();
        CHECK(opened.starts_with("HTTP/1.1 200"));
        CHECK(opened.find("retry: 1000") != std::string::npos);
    }
    /// Their sessions live.
    void check_alive() {
        CHECK(resume().status == 101);
        CHECK(post().status == 200);
        CHECK(moved(polling, away).say(say_frame(3, 2)) == 200);
    }

    std::uint16_t away;
    ResumingClient socket, stream;
    PollClient polling;
};

} // namespace

TEST_CASE("a POST over SSE that reaches another node is handled by that of its session") {
    ForwardCluster cluster;
    SseBrowser home(cluster.port(0));
    auto stream = home.open();
    for (int node = 0; node < 3; ++node) {
        SseBrowser away(cluster.port(node));
        away.keep(stream);
        CHECK(away.say(R"([0,1,1,"room:a","_join",{}])").status == 200);
        CHECK(stream.receive() == R"([1,1,1,0,{"node":0}])");
        CHECK(away.say("[").status == 400);
        CHECK(away.say("[]", "other").status == 410);
    }
}

TEST_CASE("a stream of a tab that another node knows goes on there, and its cookies stay") {
    ForwardCluster cluster;
    SseBrowser browser(cluster.port(0));
    std::string last;
    {
        auto other = browser.open("other");
        auto stream = browser.member("room:a");
        CHECK(browser.say(say_frame(2, 7)).status == 200);
        CHECK(stream.receive() == R"([2,"room:a","said",7])");
        last = stream.epoch() + "-" + std::to_string(stream.number());
    }
    SseBrowser away(cluster.port(1));
    away.cookies() = browser.cookies();
    auto stream = away.open("tab", {}, "Last-Event-ID: " + last + "\r\n");
    CHECK(stream.status() == 200);
    CHECK(stream.all("Set-Cookie").empty());
    CHECK(away.say(say_frame(3, 8)).status == 200);
    CHECK(stream.receive() == "[1,1,2,0,7]"); // had not been read
    CHECK(stream.receive() == R"([2,"room:a","said",8])");
    CHECK(stream.receive() == "[1,1,3,0,8]");
    CHECK(cluster[1].handler.sessions() == 0);

    auto fresh = away.open("third");
    CHECK(fresh.all("Set-Cookie").size() == 1); // its own: those of another node stay
    CHECK(cluster[1].handler.sessions() == 1);
}

TEST_CASE("polls and POSTs of a long-poll client reach its session from any node") {
    ForwardCluster cluster;
    PollClient client(cluster.port(0));
    client.open();
    std::vector<std::string> heard;
    int node = 0;
    const auto next = [&] {
        client = moved(client, cluster.port(++node % 3));
        return &client;
    };
    CHECK(next()->say(join_frame("room:a")) == 200);
    for (int i = 0; i < 6; ++i) CHECK(next()->say(say_frame(i + 2, i)) == 200);
    while (heard.size() < 13) {
        const auto reply = next()->poll();
        REQUIRE(reply.status == 200);
        heard.insert(heard.end(), reply.messages.begin(), reply.messages.end());
    }
    CHECK(heard.front() == R"([1,1,1,0,{"node":0}])");
    for (int i = 0; i < 6; ++i) {
        const auto at = static_cast<std::size_t>(2 * i);
        CHECK(heard[at + 1] == "[2,\"room:a\",\"said\"," + std::to_string(i) + "]");
        CHECK(heard[at + 2] == "[1,1," + std::to_string(i + 2) + ",0," + std::to_string(i) + "]");
    }
    for (int i = 0; i < 3; ++i) CHECK(cluster[i].handler.sessions() == (i == 0 ? 1U : 0U));
}

TEST_CASE("a poll waits at another node, and is answered when something comes") {
    ForwardCluster cluster;
    auto home = polling_member(cluster.port(0));
    auto away = moved(home, cluster.port(1));
    test::ask_and_wait(away, cluster.port(2));
    cluster[2].handler.pubsub().broadcast("room:a", "news", 1);
    const auto reply = away.answer();
    CHECK(reply.status == 200);
    CHECK(reply.messages == std::vector<std::string>{R"([2,"room:a","news",1])"});
}

TEST_CASE(
    "behind a round-robin proxy a session is resumed without loss, whichever node it reaches") {
    ForwardCluster cluster;
    const auto carrier = GENERATE(Carrier::websocket, Carrier::sse);
    ResumingClient client(cluster.proxy->port(), carrier, carrier);
    client.send(join_frame("room:a"));
    CHECK(client.receive().starts_with(R"([1,1,1,0,{"node":)"));
    for (int i = 0; i < 9; ++i) {
        client.send(say_frame(i + 2, i));
        if (i % 3 == 2) client.change_carrier();
        client.reconnect(i % 2 == 0);
        CHECK(client.receive() == "[2,\"room:a\",\"said\"," + std::to_string(i) + "]");
        client.reconnect();
        CHECK(client.receive() ==
              "[1,1," + std::to_string(i + 2) + ",0," + std::to_string(i) + "]");
    }
    CHECK(client.resumes() == 18);
    std::size_t sessions = 0;
    for (int i = 0; i < 3; ++i) sessions += cluster[i].handler.sessions();
    CHECK(sessions == 1);
}

TEST_CASE("the end of a session reaches a client whose connection is at another node") {
    ForwardCluster cluster;
    Wanderer client(cluster);
    auto& away = client.away;
    away.send(test::ws_frame(0x82, "binary"));
    CHECK(away.close_code() == 1003);
    CHECK(away.read_to_end().empty());
    CHECK(cluster[0].watch->signal.wait([&] { return cluster[0].watch->closed == 1; }));
}

TEST_CASE("a session whose node is dead is unknown, and the client begins a new one") {
    ForwardCluster cluster(impatient());
    ResumingClient resuming(cluster.port(0), Carrier::websocket, Carrier::websocket);
    SseBrowser browser(cluster.port(0));
    auto stream = browser.open();
    PollClient polling(cluster.port(0));
    polling.open();
    cluster.links[0]->cut = true;

    auto away = asking(cluster.port(1), resuming.token());
    const auto told = Json::parse(away.receive()).at(5);
    CHECK(told.at("resumed") == false);
    CHECK(told.at("reason") == "unknown");
    SseBrowser other(cluster.port(1));
    other.keep(stream);
    CHECK(other.say(join_frame("room:a")).status == 410);
    CHECK(other.open().all("Set-Cookie").size() == 1);
    auto moved_poll = moved(polling, cluster.port(1));
    CHECK(moved_poll.say(join_frame("room:a")) == 410);
    CHECK(moved_poll.poll().status == 410);
    CHECK(moved_poll.token != polling.token);
    CHECK(moved_poll.say(join_frame("room:a")) == 200);
    CHECK(cluster[1].handler.sessions() == 3);
}

TEST_CASE("a node that is slow and lives is waited for: its session is not taken for ended") {
    chain::HandlerConfig config;
    config.timeouts.forward = 50ms;
    ForwardCluster cluster(config);
    const auto home = polling_member(cluster.port(0));
    cluster.links[0]->hold = true;
    RawClient late(cluster.port(1));
    late.send(moved(home, cluster.port(1)).post(say_frame(2, 1)));
    CHECK_FALSE(answered_within(500ms, late));
    cluster.links[0]->release();
    CHECK(Json::parse(late.read_http().body).at("status") == 200);
}

TEST_CASE("a request that a living node does not take in time is put off, and its session lives") {
    chain::HandlerConfig config;
    config.timeouts.forward = 50ms;
    config.timeouts.forward_silence = 100ms;
    ForwardCluster cluster(config);
    Strays strays(cluster);
    cluster.links[0]->hold = true;
    strays.check_put_off();
    cluster.links[0]->release();
    auto home = moved(strays.polling, cluster.port(0));
    CHECK(home.say(say_frame(4, 3)) == 200);
}

TEST_CASE("a request that the broker does not take is put off, and its session lives") {
    ForwardCluster cluster;
    Strays strays(cluster);
    cluster.links[1]->full = true;
    strays.check_put_off();
    cluster.links[1]->full = false;
    strays.check_alive();
}

TEST_CASE("a session that its node has ended is unknown to all") {
    ForwardCluster cluster;
    PollClient polling(cluster.port(0));
    polling.open();
    ResumingClient resuming(cluster.port(0), Carrier::sse, Carrier::sse);
    for (const auto& lane : chain::detail::HandlerAccess::core(cluster[0].handler)->lanes())
        lane->post([lane] {
            for (const auto& session : lane->all_sessions()) session->end(1000, "for good");
        });
    REQUIRE(cluster[0].watch->signal.wait([&] { return cluster[0].watch->closed == 2; }));
    auto away = moved(polling, cluster.port(1));
    CHECK(away.say(join_frame("room:a")) == 410);
    CHECK(away.poll().status == 410);
    CHECK(RawClient(cluster.port(1))
              .request(post_to_sse(resuming.token(), join_frame("room:a")))
              .status == 410);
    CHECK(cluster[1].handler.sessions() == 1);
}

TEST_CASE("a stream whose node falls silent ends, and the session waits to be resumed") {
    chain::HandlerConfig config;
    config.timeouts.forward_silence = 1500ms;
    ForwardCluster cluster(config);
    Wanderer client(cluster);
    auto& away = client.away;
    cluster.links[0]->cut = true;
    CHECK(away.close_code() == 1006);
    auto home = asking(cluster.port(0), client.token, 0, 2);
    CHECK_FALSE(resumed_token(home).empty());
}

TEST_CASE(
    "a stream of which a part gets lost between the nodes ends, and is resumed without loss") {
    ForwardCluster cluster;
    Wanderer client(cluster);
    auto& away = client.away;
    away.send_text(join_frame("room:a"));
    CHECK(away.receive() == R"([1,1,1,0,{"node":0}])");
    auto other = test::open_socket(cluster.port(0));
    other.send_text(join_frame("room:a"));
    other.receive();
    cluster.links[0]->lose = 1;
    cluster[0].handler.pubsub().broadcast("room:a", "news", 1);
    other.receive(); // so that the next one comes in another turn
    cluster[0].handler.pubsub().broadcast("room:a", "news", 2);
    while (away.fill()) {
    }
    CHECK(away.rest().empty());
    auto again = asking(cluster.port(2), client.token, 1, 2);
    CHECK_FALSE(resumed_token(again).empty());
    CHECK(again.receive() == R"([2,"room:a","news",1])");
}

TEST_CASE("a forwarded body counts once, at the node whose limit it is over") {
    chain::HandlerConfig first;
    first.limits.body_bytes = 1000;
    ForwardCluster cluster(first, {});
    auto home = polling_member(cluster.port(0));
    auto away = moved(home, cluster.port(1));
    const auto refused = [&](std::size_t size) {
        return away.posted(std::string(size, ' ')).status == 413;
    };
    CHECK(refused(1001)); // by the node of the session
    CHECK(cluster[0].watch->limits() == std::vector<std::string>{"body_bytes"});
    CHECK(cluster[1].watch->limits().empty());
    CHECK(refused(70'000)); // where it came in
    CHECK(cluster[0].watch->limits().size() == 1);
    CHECK(cluster[1].watch->limits() == std::vector<std::string>{"body_bytes"});
}

TEST_CASE("past the limit of forwarded requests another one is answered 503") {
    chain::HandlerConfig config;
    config.limits.forwards = 1;
    ForwardCluster cluster(config);
    auto home = polling_member(cluster.port(0));
    auto away = moved(home, cluster.port(1));
    test::ask_and_wait(away, cluster.port(0));
    const auto third = GENERATE(1, 2); // at the node where it comes in, and at the session's
    auto late = moved(home, cluster.port(third));
    const auto refused = late.posted(say_frame(2, 1));
    CHECK(refused.status == 503);
    CHECK(refused.header("retry-after") == "1");
    const auto& watch = *cluster[third == 1 ? 1 : 0].watch;
    CHECK(watch.limits() == std::vector<std::string>{"forwards"});
    CHECK(home.say(say_frame(2, 2)) == 200);
    CHECK(away.answer().messages.size() == 2);
    CHECK(late.say(say_frame(3, 3)) == 200);
}

TEST_CASE(
    "what is on its way between two nodes is bounded, and a client that reads gets all of it") {
    chain::HandlerConfig config;
    config.limits.forward_bytes = 1000;
    ForwardCluster cluster(config);
    Wanderer client(cluster);
    auto& away = client.away;
    away.send_text(join_frame("room:a"));
    away.receive();
    const std::string big(30'000, 'x');
    for (int i = 0; i < 20; ++i)
        cluster[2].handler.pubsub().broadcast("room:a", "big", Json{i, big});
    for (int i = 0; i < 20; ++i) {
        const auto heard = Json::parse(away.receive()).at(3);
        CHECK(heard.at(0) == i);
        CHECK(heard.at(1) == big);
    }
    away.send_text("[0,1,2,\"room:a\",\"say\",\"" + big + "\"]");
    CHECK(away.receive().size() > 30'000);
}

TEST_CASE("what waits for a client that does not read is bounded through another node, too") {
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 100'000;
    ForwardCluster cluster(config);
    Wanderer client(cluster, 4096);
    auto& away = client.away;
    away.send_text(join_frame("room:a"));
    away.receive();
    RawClient other = test::open_socket(cluster.port(0));
    other.send_text(join_frame("room:a"));
    other.receive();
    const std::string big(60'000, 'x');
    for (int i = 0; i < 100; ++i) {
        cluster[0].handler.pubsub().broadcast("room:a", "big", Json{i, big});
        other.receive(); // so that each turn of the lane has ended
    }
    CHECK(cluster[0].unsent() < 300'000);
}

TEST_CASE("a node that drains lets go of the streams that came in at it") {
    ForwardCluster cluster;
    Wanderer client(cluster);
    auto& away = client.away;
    cluster[1].stop();
    CHECK(away.read_to_end().empty());
    auto again = asking(cluster.port(2), client.token, 0, 2);
    CHECK_FALSE(resumed_token(again).empty());
}
