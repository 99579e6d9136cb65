// Long-polling without a network: tokens, answers, what is left of ended sessions, and time.
#include "../support/core.hpp"

#include <chain/detail/poll_answers.hpp>
#include <chain/detail/poll_table.hpp>
#include <chain/transports/longpoll.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using chain::Json;
using chain::detail::answer_size, chain::detail::make_poll_token, chain::detail::PollAnswers,
    chain::detail::poll_token_from, chain::detail::PollTable, chain::detail::PollToken;
using Next = PollAnswers::Next;

namespace {

PollToken new_token() { return make_poll_token(chain::detail::make_random_id()); }

PollToken seen(const PollToken& token, std::uint32_t answer) {
    return {token.node, token.id, token.secret, answer};
}

std::string body_of(const PollToken& token, const std::string& messages) {
    return R"({"status":200,"token":")" + to_text(token) + R"(","messages":)" + messages + '}';
}

/// A handler with virtual time and a long-poll transport, which is served without HTTP.
struct PollKit {
    explicit PollKit(chain::LongPollConfig config = {},
                     chain::HandlerConfig settings = test::quiet())
        : handler(std::move(settings)) {
        handler.add(room()).add(transport = std::make_shared<chain::LongPollTransport>(config));
        kit.emplace(handler);
    }
    static chain::Channel room() {
        chain::Channel room{"room:*"};
        room.on_join([](chain::Socket&) {});
        room.on("say", [](chain::Socket& socket, const chain::Payload& text) {
            socket.broadcast("say", text);
        });
        return room;
    }
    /// Sends a request; its answer is there once it has come.
    std::shared_ptr<std::optional<chain::detail::HttpAnswer>> request(const std::string& method,
                                                                      std::string body = {}) {
        auto answer = std::make_shared<std::optional<chain::detail::HttpAnswer>>();
        chain::Request request;
        request.method = method;
        request.body = std::move(body);
        request.headers = {{"X-Phoenix-Longpoll-Token", token}};
        transport->serve({kit->context().get_executor()}, std::move(request),
                         [answer](chain::detail::HttpAnswer got) { *answer = std::move(got); });
        kit->run();
        if (*answer) token = Json::parse((*answer)->body).value("token", token);
        return answer;
    }
    int status(const std::string& method, std::string body = {}) {
        const auto answer = request(method, std::move(body));
        return *answer ? Json::parse((*answer)->body).at("status").get<int>() : 0;
    }

    chain::Handler handler;
    std::shared_ptr<chain::LongPollTransport> transport;
    std::optional<chain::testing::Kit> kit;
    std::string token;
};

} // namespace

TEST_CASE("a token is read as it was written, and nothing else is") {
    auto token = new_token();
    token.answer = 4294967295U;
    const auto text = to_text(token);
    const auto read = poll_token_from(text);
    REQUIRE(read);
    CHECK(read->node == token.node);
    CHECK(read->id == token.id);
    CHECK(same_secret(token, *read));
    CHECK(read->answer == token.answer);
    CHECK_FALSE(same_secret(new_token(), token));
    const auto digits = text.substr(0, 96);
    for (const auto& wrong :
         {std::string(), std::string("."), digits, digits + ".", digits + ".-1", digits + ". 1",
          digits + ".1x", digits + ".4294967296", digits + "1.", digits.substr(1) + ".1",
          'x' + digits.substr(1) + ".1", digits.substr(0, 95) + "x.1"}) {
        INFO(wrong);
        CHECK_FALSE(poll_token_from(wrong));
    }
}

TEST_CASE("an answer is kept until a poll shows it, and given again to one that shows the last") {
    const auto token = new_token();
    PollAnswers answers(token);
    CHECK(answers.polled(0) == Next::more);
    CHECK(answers.empty_body(204) ==
          R"({"status":204,"token":")" + to_text(token) + R"(","messages":[]})");
    answers.add("[\"a\\\"/\"]\n[2]\n");
    const auto first = body_of(seen(token, 1), R"(["[\"a\\\"/\"]","[2]"])");
    CHECK(answers.body() == first);
    CHECK(answers.unconfirmed());
    CHECK(answers.polled(2) == Next::lost);
    CHECK(answers.polled(0) == Next::again);
    CHECK(answers.polled(0) == Next::again);
    CHECK(answers.body() == first);
    CHECK(answers.polled(1) == Next::more);
    CHECK_FALSE(answers.unconfirmed());
    CHECK(answers.bytes() == 0);
    CHECK(answers.polled(0) == Next::lost);
    CHECK(answers.polled(1) == Next::more);
    answers.add("[3]\n");
    CHECK(answers.body() == body_of(seen(token, 2), R"(["[3]"])"));
}

TEST_CASE("an answer holds whole frames, as many as fit, and at least one") {
    CHECK(answer_size("1234\n12\n", 100) == 8);
    CHECK(answer_size("1234\n12\n", 8) == 8);
    CHECK(answer_size("1234\n12\n", 7) == 5);
    CHECK(answer_size("1234\n12\n", 5) == 5);
    CHECK(answer_size("1234\n12\n", 4) == 5);
    CHECK(answer_size("1234\n12\n", 0) == 5);
}

TEST_CASE("what is left for clients of ended sessions is bounded in bytes and in time") {
    PollTable table;
    const PollTable::Time start{};
    std::vector<PollToken> tokens;
    for (int i = 0; i < 4; ++i) {
        tokens.push_back(new_token());
        const auto lost =
            table.end(PollAnswers(tokens.back()), "[1]\n[2]\n", start + i * 1s, 10s, 24);
        CHECK(lost == (i == 3 ? 2 : 0));
    }
    CHECK(table.waiting() == 24);
    CHECK_FALSE(table.last_words(tokens[0], start + 4s, 100)); // forgotten for the last one
    CHECK(table.last_words(tokens[1], start + 4s, 4) == body_of(seen(tokens[1], 1), R"(["[1]"])"));
    CHECK(table.last_words(tokens[1], start + 4s, 4) == body_of(seen(tokens[1], 1), R"(["[1]"])"));
    CHECK(table.last_words(seen(tokens[1], 1), start + 4s, 4) ==
          body_of(seen(tokens[1], 2), R"(["[2]"])"));
    auto guess = seen(tokens[1], 2);
    guess.secret = tokens[2].secret;
    CHECK_FALSE(table.last_words(guess, start + 4s, 4));
    CHECK_FALSE(table.last_words(seen(tokens[1], 2), start + 4s, 4)); // it has got all
    CHECK_FALSE(table.last_words(seen(tokens[1], 1), start + 4s, 4));
    CHECK_FALSE(table.last_words(tokens[2], start + 12s, 100)); // its time is over
    CHECK(table.waiting() == 8);
    CHECK(table.last_words(tokens[3], start + 12s, 100));
    CHECK_FALSE(table.last_words(seen(tokens[3], 1), start + 12s, 100));
    CHECK(table.waiting() == 0);
    table.end(PollAnswers(new_token()), "", start, 10s, 24);
    CHECK(table.waiting() == 0);
}

TEST_CASE("phoenix 67: a poll waits for exactly the window") {
    PollKit kit;
    REQUIRE(kit.status("GET") == 410);
    const auto poll = kit.request("GET");
    kit.kit->advance(9'900ms);
    CHECK_FALSE(*poll);
    kit.kit->advance(200ms);
    REQUIRE(*poll);
    CHECK(Json::parse((*poll)->body).at("status") == 204);
}

TEST_CASE("phoenix 75: a session ends one and a half windows after its last poll was answered") {
    PollKit kit;
    REQUIRE(kit.status("GET") == 410);
    kit.kit->advance(14'900ms);
    CHECK(kit.handler.sessions() == 1);
    REQUIRE(kit.status("POST", R"([0,1,1,"room:a","_join",{}])") == 200);
    REQUIRE(kit.status("GET") == 200);
    kit.kit->advance(14'900ms);
    REQUIRE(kit.status("POST", R"([0,1,2,"room:a","say",1])") == 200); // which is no poll
    CHECK(kit.handler.sessions() == 1);
    kit.kit->advance(200ms);
    CHECK(kit.handler.sessions() == 0);
    CHECK(kit.status("POST", R"([0,1,2,"room:a","say",1])") == 410);
}

TEST_CASE("what is left of ended sessions is freed in time, though nobody polls any more") {
    PollKit kit;
    REQUIRE(kit.status("GET") == 410);
    REQUIRE(kit.status("POST", R"([0,1,1,"room:a","_join",{}])") == 200);
    kit.kit->advance(15'100ms);
    CHECK(kit.handler.sessions() == 0);
    CHECK(kit.transport->unread() > 0);
    kit.kit->advance(14'800ms);
    CHECK(kit.transport->unread() > 0);
    kit.kit->advance(300ms);
    CHECK(kit.transport->unread() == 0);
}

TEST_CASE("what is forgotten of ended sessions for want of room is counted") {
    auto config = test::quiet();
    config.limits.unsent_bytes = 20; // room for one reply
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    PollKit kit({}, config);
    REQUIRE(kit.status("GET") == 410);
    REQUIRE(kit.status("POST", R"([0,1,1,"room:a","_join",{}])") == 200);
    kit.kit->advance(10s);
    kit.token.clear();
    REQUIRE(kit.status("GET") == 410);
    kit.kit->advance(5'100ms);
    REQUIRE(kit.handler.sessions() == 1);
    REQUIRE(kit.status("POST", R"([0,1,1,"room:a","_join",{}])") == 200);
    CHECK(observer->count("dropped 1") == 0);
    kit.kit->advance(10s);
    CHECK(kit.handler.sessions() == 0);
    CHECK(kit.transport->unread() == 13);
    CHECK(observer->count("dropped 1") == 1);
}

TEST_CASE("phoenix 75: while a poll waits its session lives, and as long again after it") {
    PollKit kit;
    REQUIRE(kit.status("GET") == 410);
    for (int i = 0; i < 5; ++i) {
        const auto poll = kit.request("GET");
        kit.kit->advance(10'100ms);
        REQUIRE(*poll);
        kit.kit->advance(14'000ms);
        CHECK(kit.handler.sessions() == 1);
    }
    kit.kit->advance(1'100ms);
    CHECK(kit.handler.sessions() == 0);
}
