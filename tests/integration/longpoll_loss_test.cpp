// Long-polling when answers, requests or clients get lost: nothing is lost, nothing comes twice.
#include "../support/catch.hpp"
#include "../support/rounds.hpp"
#include "support/poll_client.hpp"
#include "support/poll_readers.hpp"
#include "support/poll_server.hpp"
#include "support/room_frames.hpp"
#include "support/test_server.hpp"

#include <chain/transports/longpoll.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <thread>

using namespace std::chrono_literals;
using chain::Json, chain::Reply, chain::Socket;
using test::answer_of, test::PollClient, test::RawClient, test::TestServer, test::with_answer,
    test::PollServer, test::said, test::say;

namespace {

std::vector<std::string> saids(std::initializer_list<std::string> values) {
    std::vector<std::string> frames;
    for (const auto& value : values) frames.push_back(said(value));
    return frames;
}

} // namespace

// ------------------------------------------------------------------------------- what gets lost

TEST_CASE("a lost answer is given again, once, and later ones follow it") {
    PollServer server({.window = 100ms});
    PollClient client(server.port());
    client.join("room:a");
    const auto before = client.token;
    REQUIRE(client.say(say("1") + "\n" + say("2")) == 200);
    const auto lost = client.poll();
    CHECK(lost.messages == saids({"1", "2"}));
    REQUIRE(client.say(say("3")) == 200);
    for (int i = 0; i < 3; ++i) {
        client.token = before;
        const auto again = client.poll();
        CHECK(again.status == 200);
        CHECK(again.messages == lost.messages);
        CHECK(again.token == lost.token);
    }
    CHECK(client.poll().messages == saids({"3"}));
    CHECK(client.poll().status == 204);
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a poll whose connection broke swallows nothing") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    const auto reset = GENERATE(true, false);
    for (int i = 0; i < 20; ++i) {
        client.ask();
        client.hang_up(reset);
        const auto value = std::to_string(i);
        if (i % 2 == 0) {
            server.publish(value);
        } else {
            REQUIRE(client.say(say(value)) == 200);
        }
        REQUIRE(client.receive() == said(value));
    }
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a request that never arrived is asked again") {
    PollServer server({.window = 100ms});
    PollClient client(server.port());
    client.join("room:a");
    client.poller().send(client.get().substr(0, 30));
    client.hang_up();
    REQUIRE(client.say(say("1")) == 200);
    CHECK(client.receive() == said("1"));
    CHECK(client.poll().status == 204);
}

TEST_CASE("a POST whose answer got lost was handled once, and its reply comes with the polls") {
    PollServer server({.window = 100ms});
    PollClient client(server.port());
    client.join("room:a");
    {
        RawClient poster(server.port());
        poster.send(client.post(R"([0,1,2,"room:a","echo",1])"
                                "\n" +
                                say("1")));
        poster.finish_sending();
        poster.close();
    }
    CHECK(client.receive() == "[1,1,2,0,1]");
    CHECK(client.receive() == said("1"));
    CHECK(client.poll().status == 204);
}

TEST_CASE("a POST may show any earlier answer of its session") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    for (int i = 0; i < 3; ++i) {
        REQUIRE(client.say(say("1")) == 200);
        REQUIRE(client.receive() == said("1"));
    }
    const auto now = client.token;
    for (unsigned answer = 0; answer <= answer_of(now); ++answer) {
        client.token = with_answer(now, answer);
        CHECK(client.say(say(std::to_string(answer))) == 200);
    }
    client.token = now;
    for (unsigned answer = 0; answer <= answer_of(now); ++answer)
        CHECK(client.receive() == said(std::to_string(answer)));
}

TEST_CASE("pitfall 14: a newer poll of a session ends the older one at once, and gets what comes") {
    PollServer server({}, {}, test::room_channel(), 2);
    PollClient one(server.port());
    one.join("room:a");
    PollClient two(server.port());
    two.token = one.token;
    one.ask();
    auto* waiting = &one;
    auto* answered = &two;
    for (int i = 0; i < 20; ++i) {
        answered->ask();
        // Whichever the server has seen first: it does not wait any more.
        if (test::first_of(*waiting, *answered) == waiting) std::swap(waiting, answered);
        CHECK(answered->answer().status == 204);
    }
    server.publish("1");
    CHECK(waiting->answer().messages == saids({"1"}));
    // The other one has not seen that answer, and gets it too: the server cannot tell them apart.
    CHECK(answered->poll().messages == saids({"1"}));
    waiting->ask();
    server.publish("2");
    CHECK(waiting->answer().messages == saids({"2"}));
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a poll that is older than the answer before the last one opens a session of its own") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    REQUIRE(client.say(say("1")) == 200);
    REQUIRE(client.receive() == said("1"));
    REQUIRE(client.say(say("2")) == 200);
    REQUIRE(client.receive() == said("2"));
    client.ask(); // waits meanwhile
    for (const unsigned answer : {0U, 1U, 2U, 4U, 4'000'000'000U}) {
        INFO(answer);
        PollClient other(server.port());
        other.token = with_answer(client.token, answer);
        const auto reply = other.poll();
        CHECK(reply.status == 410);
        CHECK(reply.token.substr(0, 64) != client.token.substr(0, 64));
    }
    server.publish("3");
    CHECK(client.answer().messages == saids({"3"}));
}

TEST_CASE("a session is not reached without its secret") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    PollClient other(server.port());
    other.join("room:a");
    client.ask();
    auto guess = client.token;
    const auto tried = GENERATE(32, 63, 64, 95); // behind the node
    auto& digit = guess[static_cast<std::size_t>(tried)];
    digit = digit == '0' ? '1' : '0';
    // The half by which it is found, with the other session's secret.
    const auto mixed = client.token.substr(0, 64) + other.token.substr(64);
    for (const auto& token : {guess, mixed}) {
        PollClient thief(server.port());
        thief.token = token;
        CHECK(thief.posted(say("\"stolen\"")).body == R"({"status":410})");
        CHECK(thief.poll().status == 410);
    }
    server.publish("1");
    CHECK(client.answer().messages == saids({"1"}));
    CHECK(server.watch->joined_count == 2);
}

TEST_CASE("tokens do not repeat, and do not say the session's id") {
    PollServer server;
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
        PollClient client(server.port());
        client.open();
        CHECK(client.token.size() == 98);
        for (const std::size_t part : {32U, 64U}) // behind the node's
            CHECK(seen.insert(client.token.substr(part, 32)).second);
        for (const std::size_t part : {0U, 32U, 64U})
            CHECK_FALSE(server.handler.session(client.token.substr(part, 32)));
    }
}

// --------------------------------------------------------------------------------- slow and many

TEST_CASE("a client that stops polling is ended when too much waits for it") {
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 50'000;
    PollServer server({}, config);
    PollClient slow(server.port());
    slow.join("room:a");
    PollClient good(server.port());
    good.join("room:a");
    const auto text = '"' + std::string(10'000, 'x') + '"';
    for (int i = 0; i < 10 && server.handler.sessions() == 2; ++i) {
        server.publish(text);
        REQUIRE(good.receive() == said(text));
    }
    REQUIRE(server.closed(1));
    CHECK(server.watch->dropped > 0);
    CHECK(slow.poll().status == 410);
    CHECK(server.unsent() == 0);
    server.publish("1");
    CHECK(good.receive() == said("1"));
}

TEST_CASE("10,000 messages reach 100 polling clients exactly once, in order") {
    const auto threads = GENERATE(1U, 2U);
    PollServer server({.window = test::patience}, {}, test::room_channel(), threads);
    test::PollReaders readers(server.port(), 100, "room:a");
    PollClient sender(server.port());
    sender.join("room:b");
    constexpr auto messages = test::rounds(10'000);
    readers.start(messages);
    for (unsigned i = 0; i < messages; i += 50) {
        for (unsigned j = i; j < i + 50; ++j) server.publish(std::to_string(j));
        // At the pace of a client.
        REQUIRE(sender.say(R"([0,1,2,"room:b","echo",null])") == 200);
        REQUIRE(sender.receive() == "[1,1,2,0,null]");
    }
    CHECK(readers.finish() == "");
    CHECK(server.watch->dropped == 0);
    CHECK(server.watch->closed == 0);
}

TEST_CASE("polls and POSTs on any thread reach the session on its own") {
    PollServer server({}, {}, test::room_channel(), 2);
    PollClient client(server.port());
    client.join("room:a");
    for (int i = 0; i < 100; ++i) {
        // Connections go to the threads by turns, and sessions of others shift them.
        if (i % 3 == 0) PollClient(server.port()).open();
        PollClient other(server.port());
        other.token = client.token;
        REQUIRE(other.say(say(std::to_string(i))) == 200);
        REQUIRE(other.receive() == said(std::to_string(i)));
        client.token = other.token;
    }
    CHECK(server.watch->joined_count == 1);
}

// ---------------------------------------------------------------------------------------- lifetime

namespace {

/// An io_context and the thread that runs it.
class Loop {
  public:
    Loop() : guard_(context_->get_executor()), thread_([this] { context_->run(); }) {}
    ~Loop() { stop(); }

    chain::net::io_context& context() { return *context_; }
    void stop() {
        if (!context_) return;
        context_->stop();
        if (thread_.joinable()) thread_.join();
    }
    void destroy() {
        stop();
        guard_.reset();
        context_.reset();
    }
    /// Serves a request in it, and does not wait for the answer.
    void serve(const std::shared_ptr<chain::LongPollTransport>& transport, chain::Request request,
               chain::detail::HttpTransport::Respond respond) {
        chain::net::post(*context_, [this, transport, request = std::move(request),
                                     respond = std::move(respond)] {
            transport->serve({context_->get_executor(), false}, request, respond);
        });
    }

  private:
    std::unique_ptr<chain::net::io_context> context_ = std::make_unique<chain::net::io_context>();
    chain::net::executor_work_guard<chain::net::io_context::executor_type> guard_;
    std::thread thread_;
};

} // namespace

TEST_CASE("handler and threads go in any order while polls wait on several of them") {
    const auto order = GENERATE(as<std::string>{}, "hsp", "sph", "psh", "shp", "phs", "hps");
    INFO(order);
    auto watch = std::make_shared<test::Watch>();
    chain::HandlerConfig config;
    config.observer = watch;
    std::optional<chain::Handler> handler(std::in_place, config);
    auto transport = std::make_shared<chain::LongPollTransport>();
    handler->add(test::room_channel()).add(transport);
    Loop session_loop;
    Loop poll_loop;
    handler->use(session_loop.context()).use(poll_loop.context());

    std::promise<std::string> opened;
    session_loop.serve(transport, {}, [&](chain::detail::HttpAnswer answer) {
        opened.set_value(Json::parse(answer.body).at("token"));
    });
    chain::Request poll;
    poll.headers = {{"X-Phoenix-Longpoll-Token", opened.get_future().get()}};
    // Whatever becomes of these, what they hold must go with their own thread's context.
    auto answers = std::make_shared<std::atomic<int>>(0);
    const auto count = [answers](const chain::detail::HttpAnswer&) { ++*answers; };
    session_loop.serve(transport, poll, count);
    poll_loop.serve(transport, poll, count);
    session_loop.serve(transport, poll, count);
    poll_loop.serve(transport, poll, count);
    auto post = poll;
    post.method = "POST";
    post.body = R"([0,1,1,"room:a","_join",{}])";
    poll_loop.serve(transport, post, count);
    std::promise<void> served;
    session_loop.serve(transport, post,
                       [&](const chain::detail::HttpAnswer&) { served.set_value(); });
    served.get_future().wait();
    transport.reset();
    for (const char what : order) {
        if (what == 'h') handler.reset();
        if (what == 's') session_loop.destroy();
        if (what == 'p') poll_loop.destroy();
    }
    CHECK(answers.use_count() == 2); // here, and in `count`
}

TEST_CASE("a server goes while polls wait") {
    const auto stop = GENERATE(true, false);
    PollServer server({}, {}, test::room_channel(), 2);
    std::vector<PollClient> clients;
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back(server.port());
        test::ask_and_wait(clients.back().join("room:a"), server.port());
    }
    if (stop) {
        server.stop();
        for (auto& client : clients) CHECK(client.answer().status == 204);
    } else {
        server.destroy();
    }
}
