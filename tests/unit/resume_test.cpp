// Sessions that outlive their connections: protocol section 5, with clients in memory.
#include "support/core.hpp"

#include <chain/detail/handler_core.hpp>
#include <chain/detail/random_id.hpp>

#include <filesystem>
#include <fstream>
#include <regex>

using chain::Json, chain::Reply, chain::Request, chain::Session, chain::Socket;
using chain::testing::Client;
using chain::testing::Kit;
using namespace std::chrono_literals;
using test::frame;
using test::Frames;

namespace {

chain::Channel room(std::vector<std::string>* seen = nullptr) {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) { return Reply::ok(); });
    room.on("say", [seen](Socket& socket, const Json& what) {
        if (seen) seen->push_back(what.dump());
        socket.broadcast("say", what);
    });
    room.on("keep", [](Socket& socket, const Json& what) { socket.set("kept", what); });
    room.on("kept", [](Socket& socket, const Json&) { return Reply::ok(socket.get("kept")); });
    return room;
}

Request asking(chain::Request::Fields query = {}) {
    Request request;
    request.query = std::move(query);
    return request;
}

/// What `_session` told.
struct Told {
    std::string token;
    bool resumed = false;
    std::string reason;
    int received = -1;
    int window = -1;
};

Told told(Client client) {
    const auto first = client.receive();
    REQUIRE(first);
    const auto frame = Json::parse(*first);
    REQUIRE(frame.size() == 6);
    REQUIRE(frame[3] == "_chain");
    REQUIRE(frame[4] == "_session");
    const auto& payload = frame[5];
    return {payload["token"], payload["resumed"], payload.value("reason", ""),
            payload.value("received", -1), payload.value("window_ms", -1)};
}

struct Fixture {
    explicit Fixture(chain::HandlerConfig config = test::quiet())
        : kit(test::handler_with({channel}, std::move(config))) {}

    Client fresh() { return kit.connect(asking({{"resume", "1"}})); }
    Client resume(const std::string& token, int received, std::optional<int> attempt = {}) {
        Request::Fields query{{"session", token}, {"received", std::to_string(received)}};
        if (attempt) query.emplace_back("attempt", std::to_string(*attempt));
        return kit.connect(asking(query));
    }
    std::size_t kept() { return chain::detail::HandlerAccess::core(kit.handler())->kept().load(); }
    std::size_t away() { return chain::detail::HandlerAccess::core(kit.handler())->away().size(); }
    void tell(int number) {
        channel.broadcast("room:a", "n", number);
        kit.run();
    }

    std::vector<std::string> seen;
    chain::Channel channel = room(&seen);
    Kit kit;
};

std::string n(int number) { return "[2,\"room:a\",\"n\"," + std::to_string(number) + "]"; }

} // namespace

TEST_CASE(
    "a client that asks for it is told its session first of all, and others are told nothing") {
    Fixture f;
    auto plain = f.kit.connect();
    CHECK_FALSE(plain.receive());
    auto client = f.fresh();
    const auto first = client.receive();
    REQUIRE(first);
    CHECK(first->starts_with(R"([0,0,0,"_chain","_session",{"token":")"));
    CHECK(first->ends_with(R"(","resumed":false,"window_ms":15000}])"));
    CHECK_FALSE(client.receive());
}

TEST_CASE("pains 1, 24: a client that comes back has its memberships and their values, hears what "
          "it missed, and nobody sees it leave or join") {
    Fixture f;
    auto observer = std::make_shared<test::RecordingObserver>();
    chain::HandlerConfig config;
    config.observer = observer;
    Fixture g(config);
    auto client = g.fresh();
    const auto before = told(client);
    test::join(client, "room:a");
    client.send(frame(1, 2, "room:a", "keep", "42"));
    g.tell(1); // received: 2 frames so far, the join's reply and this
    CHECK(client.receive() == n(1));
    g.tell(2); // on its way when the connection breaks
    client.lose_connection();
    CHECK(g.away() == 1);
    g.tell(3);

    auto back = g.resume(before.token, 2);
    const auto after = told(back);
    CHECK(after.resumed);
    CHECK(after.received == 2);
    CHECK(after.token != before.token);
    CHECK(back.session() == client.session());
    CHECK(back.receive_all() == Frames{n(2), n(3)});
    CHECK(g.away() == 0);
    back.send(frame(1, 3, "room:a", "kept"));
    CHECK(back.receive() == "[1,1,3,0,42]");
    g.kit.advance(1min);
    CHECK_FALSE(back.session().closed());
    CHECK(observer->count("joined room:*") == 1);
    CHECK(observer->count("opened") == 1);
}

TEST_CASE("pain 2: a resume is exact wherever it sets in, at zero too, and again and again") {
    Fixture f;
    auto client = f.fresh();
    auto token = told(client).token;
    test::join(client, "room:a");
    for (int i = 0; i < 10; ++i) f.tell(i);
    client.lose_connection();
    const int has = GENERATE(0, 1, 5, 11);
    auto back = f.resume(token, has);
    CHECK(told(back).resumed);
    Frames expected{"[1,1,1,0,{}]"};
    for (int i = 0; i < 10; ++i) expected.push_back(n(i));
    expected.erase(expected.begin(), expected.begin() + has);
    CHECK(back.receive_all() == expected);
}

TEST_CASE("pitfall 14: the older connection is let go first; what comes over it is not taken") {
    Fixture f;
    auto client = f.fresh();
    const auto token = told(client).token;
    test::join(client, "room:a");
    auto back = f.resume(token, 1);
    CHECK(client.close_code() == 4001);
    CHECK(told(back).received == 1);
    f.tell(1);
    CHECK(back.receive_all() == Frames{n(1)});
    CHECK_FALSE(client.receive());
}

TEST_CASE("an old token is good until the new connection has said something, and then no more") {
    Fixture f;
    auto client = f.fresh();
    const auto first = told(client).token;
    client.lose_connection();
    auto second = f.resume(first, 0); // the answer gets lost: the client knows the old token only
    const auto lost = told(second).token;
    second.lose_connection();
    auto third = f.resume(first, 0);
    CHECK(told(third).resumed);
    CHECK(told(f.resume(lost, 0)).reason == "unknown"); // nobody has it
    test::join(third, "room:a");
    third.lose_connection();
    auto fourth = f.resume(first, 1);
    CHECK(told(fourth).reason == "unknown");
    CHECK_FALSE(third.session().closed()); // a wrong token does no harm
}

TEST_CASE("an attempt that is not above the last is answered 409, and harms nothing") {
    Fixture f;
    auto client = f.fresh();
    const auto token = told(client).token;
    auto back = f.resume(token, 0, 2);
    CHECK(told(back).resumed);
    for (const int attempt : {1, 2}) {
        auto late = f.resume(token, 0, attempt);
        REQUIRE(late.refusal());
        CHECK(late.refusal()->status == 409);
    }
    CHECK_FALSE(back.close_code());
    CHECK(told(f.resume(token, 0, 3)).resumed);
}

TEST_CASE("what cannot be resumed says why, with a fresh token") {
    Fixture f;
    auto client = f.fresh();
    const auto session = told(client);
    test::join(client, "room:a");
    std::string expected;
    std::string token = session.token;
    int received = 1;
    SECTION("expired: the window is over") {
        client.lose_connection();
        f.kit.advance(15s + 100ms);
        expected = "expired";
    }
    SECTION("expired: the application ended it") {
        client.session().close();
        f.kit.run();
        expected = "expired";
    }
    SECTION("expired: its user was sent away") {
        client.session().name("ann");
        f.kit.handler().disconnect("ann");
        f.kit.run();
        expected = "expired";
    }
    SECTION("refused: the client broke the rules") {
        client.send("[9]");
        CHECK(client.close_code() == 1008);
        expected = "refused";
    }
    SECTION("unknown: another server's") {
        token = std::string(32, '0') + token.substr(32);
        client.session().close();
        f.kit.run();
        expected = "unknown";
    }
    SECTION("unknown: no token of ours") {
        token = "nonsense";
        expected = "unknown";
    }
    SECTION("unknown: the right session, but a wrong secret") {
        token.replace(64, 4, token.substr(64, 4) == "0000" ? "1111" : "0000");
        expected = "unknown";
        CHECK_FALSE(client.session().closed());
    }
    SECTION("gap: it has heard more than was sent") {
        received = 7;
        expected = "gap";
    }
    auto back = f.resume(token, received);
    const auto now = told(back);
    CHECK_FALSE(now.resumed);
    CHECK(now.reason == expected);
    CHECK(now.window == 15000);
    CHECK(back.session() != client.session());
    back.send(frame(1, 1, "room:a", "say", "1"));
    CHECK(back.receive() == R"([1,1,1,1,{"reason":"unmatched topic"}])");
    back.lose_connection();
    CHECK(told(f.resume(now.token, 1)).resumed);
}

TEST_CASE("a gap ends the old session at once, and its leave handlers say close") {
    auto observer = std::make_shared<test::RecordingObserver>();
    chain::HandlerConfig config;
    config.observer = observer;
    config.limits.kept_frames_per_session = 3;
    Fixture f(config);
    auto client = f.fresh();
    const auto token = told(client).token;
    test::join(client, "room:a");
    for (int i = 0; i < 4; ++i) f.tell(i);
    CHECK_FALSE(client.close_code()); // forgetting disconnects nobody
    client.lose_connection();
    SECTION("what is needed is kept") {
        auto back = f.resume(token, 2);
        CHECK(told(back).resumed);
        CHECK(back.receive_all() == Frames{n(1), n(2), n(3)});
    }
    SECTION("it is not") {
        CHECK(told(f.resume(token, 1)).reason == "gap");
        CHECK(client.session().closed());
        const auto reason = std::to_string(static_cast<int>(chain::LeaveReason::close));
        CHECK(observer->count("left room:* " + reason) == 1);
    }
}

TEST_CASE("kept frames are bounded in bytes, per session and per handler, and in time") {
    auto config = test::quiet();
    SECTION("per session") { config.limits.kept_bytes_per_session = 100; }
    SECTION("per handler") { config.limits.kept_bytes = 100; }
    Fixture f(config);
    auto client = f.fresh();
    const auto token = told(client).token;
    test::join(client, "room:a");
    for (int i = 0; i < 100; ++i) f.tell(i);
    CHECK(f.kept() <=
          100 + (config.limits.kept_bytes_per_session > 100 && config.limits.kept_bytes > 100
                     ? 1 << 20
                     : 0));
    CHECK(f.kept() > 0);
    f.kit.advance(59s);
    CHECK(f.kept() > 0);
    f.kit.advance(2s);
    CHECK(f.kept() == 0);
    CHECK_FALSE(client.close_code());
    client.lose_connection();
    CHECK(told(f.resume(token, 100)).reason == "gap");
}

TEST_CASE("an ack lets the other side forget; nothing is kept for those who cannot resume") {
    Fixture f;
    auto plain = f.kit.connect();
    test::join(plain, "room:a");
    f.tell(0);
    CHECK(f.kept() == 0);
    auto client = f.fresh();
    told(client);
    test::join(client, "room:a");
    for (int i = 0; i < 5; ++i) f.tell(i);
    CHECK(f.kept() == 5 * n(0).size() + std::string_view("[1,1,1,0,{}]").size());
    client.send("[3,5]");
    CHECK(f.kept() == n(0).size());
    client.send("[3,4]");
    client.send("[3,1000]");
    CHECK(f.kept() == n(0).size());
    client.send("[3,6]");
    CHECK(f.kept() == 0);
    f.tell(9);
    client.session().close();
    f.kit.run();
    CHECK(f.kept() == 0);
}

TEST_CASE("the client's frames are acknowledged after 32 of them or after 5 s") {
    Fixture f;
    auto client = f.fresh();
    told(client);
    for (int i = 1; i < 32; ++i) client.send(frame(0, i, "room:x", "say"));
    CHECK(client.receive_all().size() == 31);
    client.send(frame(0, 32, "room:x", "say"));
    auto frames = client.receive_all();
    REQUIRE(frames.size() == 2);
    CHECK(std::ranges::count(frames, "[3,32]") == 1);
    client.send(frame(0, 33, "room:x", "say"));
    client.receive_all();
    f.kit.advance(4900ms);
    CHECK(client.receive_all().empty());
    f.kit.advance(200ms);
    CHECK(client.receive_all() == Frames{"[3,33]"});
    f.kit.advance(1min);
    CHECK(client.receive_all().empty());
}

TEST_CASE("acks, heartbeats and what else is said on _chain do not count, nor do their answers") {
    Fixture f;
    auto client = f.fresh();
    const auto token = told(client).token;
    client.send(frame(0, 7, "_chain", "_heartbeat", "null"));
    client.send(frame(0, 8, "_chain", "what"));
    client.send(frame(0, 9, "_chain", "_join"));
    client.send(frame(0, 10, "_chain", "_leave"));
    client.send("[3,0]");
    CHECK(client.receive_all().size() == 4);
    client.send(frame(0, 11, "room:x", "say")); // an error, but taken
    CHECK(client.receive_all().size() == 1);
    client.lose_connection();
    auto back = f.resume(token, 0);
    CHECK(told(back).received == 1);
    CHECK(back.receive_all() == Frames{R"([1,0,11,1,{"reason":"unmatched topic"}])"});
}

TEST_CASE("a message that is ignored, as it is of an earlier membership, counts as received") {
    Fixture f;
    auto client = f.fresh();
    const auto token = told(client).token;
    test::join(client, "room:a", 1);
    client.send(frame(7, 2, "room:a", "keep", "1"));
    client.send(frame(7, 3, "room:a", "_leave"));
    CHECK(client.receive_all().empty());
    client.lose_connection();
    auto back = f.resume(token, 1);
    CHECK(told(back).received == 3);
    CHECK(back.receive_all().empty());
}

TEST_CASE("secrets are the same when all their bytes are, and are compared by one function") {
    const auto secret = chain::detail::make_random_id();
    CHECK(chain::detail::same_secret(secret, secret));
    for (std::size_t i = 0; i < secret.size(); ++i) {
        auto other = secret;
        other[i] = static_cast<std::uint8_t>(~other[i]);
        CHECK_FALSE(chain::detail::same_secret(secret, other));
    }
    const std::regex other_way(R"((\w*secret\w*(\(\))? *[!=]=)|([!=]= *[\w.>()-]*secret))");
    std::vector<std::string> found;
    const auto root = std::filesystem::path(CHAIN_CLIENT_DIR).parent_path() / "include";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (!entry.is_regular_file() || entry.path().filename() == "client_files.ipp") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);)
            if (line.find("CRYPTO_memcmp(") != line.npos || std::regex_search(line, other_way))
                found.push_back(entry.path().filename().string());
    }
    CHECK(found == std::vector<std::string>{"random_id.ipp"});
}

TEST_CASE("the application sees nothing of what is about resuming") {
    Fixture f;
    std::string target;
    chain::Request::Fields headers;
    f.kit.handler().on_connect([&](Session&, const Request& request) {
        target = request.target;
        headers = request.headers;
    });
    Request request;
    request.target = "/socket/websocket?resume=1&a=b&session=SECRET&received=3&attempt=2&seq=1&c=d";
    request.query = {{"resume", "1"},   {"a", "b"},   {"session", "SECRET"},
                     {"received", "3"}, {"seq", "1"}, {"attempt", "2"},
                     {"c", "d"}};
    request.headers = {{"Sec-WebSocket-Protocol", "mine, chain.resume.SECRET, chain"},
                       {"X-Chain-Session", "SECRET"}};
    auto client = f.kit.connect(request);
    CHECK(client.session().params() == Json({{"a", "b"}, {"c", "d"}}));
    CHECK(target == "/socket/websocket?a=b&c=d");
    CHECK(headers == Request::Fields{{"Sec-WebSocket-Protocol", "mine"}, {"X-Chain-Session", ""}});
}

TEST_CASE("on_connect does not run again; on_resume may refuse, and what it throws refuses") {
    Fixture f;
    int connects = 0, resumes = 0;
    bool refuse = false, fail = false;
    f.kit.handler().on_connect([&](Session&, const Request&) { ++connects; });
    f.kit.handler().on_resume(
        [&](Session& session, const Request&) -> std::optional<chain::Refusal> {
            ++resumes;
            CHECK(session.socket("room:a"));
            if (fail) throw std::runtime_error("on purpose");
            return refuse ? std::optional(chain::Refusal{403, "no"}) : std::nullopt;
        });
    auto client = f.fresh();
    auto token = told(client).token;
    test::join(client, "room:a");
    client.lose_connection();
    auto back = f.resume(token, 1);
    const auto second = told(back);
    CHECK(second.resumed);
    CHECK(connects == 1);
    CHECK(resumes == 1);
    back.lose_connection();
    (GENERATE(false, true) ? fail : refuse) = true;
    auto again = f.resume(second.token, 1);
    CHECK(told(again).reason == "refused");
    CHECK(connects == 2);
    CHECK(client.session().closed());
}

TEST_CASE("past the limit the session that is away longest ends") {
    const auto observer = std::make_shared<test::RecordingObserver>();
    chain::HandlerConfig config;
    config.observer = observer;
    config.limits.away_sessions = 2;
    Fixture f(config);
    std::vector<Client> clients;
    std::vector<std::string> tokens;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(f.fresh());
        tokens.push_back(told(clients.back()).token);
    }
    for (auto& client : clients) client.lose_connection();
    CHECK(f.away() == 2);
    CHECK(observer->count("over away_sessions") == 1);
    CHECK(told(f.resume(tokens[0], 0)).reason == "expired");
    CHECK(told(f.resume(tokens[1], 0)).resumed);
    CHECK(told(f.resume(tokens[2], 0)).resumed);
    CHECK(f.away() == 0);
}

TEST_CASE("what a client has begun to receive comes again whole, and what waits behind it once") {
    Fixture f;
    auto client = f.fresh();
    const auto token = told(client).token;
    test::join(client, "room:a");
    client.accept_at_most(10);
    for (int i = 0; i < 3; ++i) f.tell(i);
    client.lose_connection();
    auto back = f.resume(token, 1);
    CHECK(told(back).resumed);
    CHECK(back.receive_all() == Frames{n(0), n(1), n(2)});
    back.lose_connection();
}

TEST_CASE("the id of a session that cannot be resumed is worth nothing in a token") {
    Fixture f;
    auto plain = f.kit.connect();
    const auto id = plain.session().id();
    auto client = f.fresh();
    const auto token = told(client).token;
    auto back = f.resume(token.substr(0, 32) + id + token.substr(64), 0);
    CHECK(told(back).reason == "unknown");
    CHECK_FALSE(plain.session().closed());
}

TEST_CASE("replayed frames are not counted as those of a slow reader") {
    auto config = test::quiet();
    config.limits.unsent_bytes_per_session = 200;
    Fixture f(config);
    auto client = f.fresh();
    const auto token = told(client).token;
    test::join(client, "room:a");
    for (int i = 0; i < 50; ++i) f.tell(i);
    client.lose_connection();
    auto back = f.resume(token, 1);
    told(back);
    CHECK(back.receive_all().size() == 50);
    CHECK_FALSE(back.close_code());
}

TEST_CASE("pitfall 19: what is broadcast while a join is being answered survives a cut") {
    Fixture f;
    auto client = f.fresh();
    const auto token = told(client).token;
    client.accept_at_most(0);
    client.send(frame(1, 1, "room:a", "_join"));
    f.tell(1);
    client.lose_connection();
    auto back = f.resume(token, 0);
    CHECK(told(back).received == 1);
    CHECK(back.receive_all() == Frames{"[1,1,1,0,{}]", n(1)});
}
