// What the nodes of a cluster say to one another: messages, and sessions that are ended everywhere.
#include "../support/core.hpp"

#include <chain/adapters/loopback.hpp>
#include <chain/detail/cluster_frame.hpp>
#include <chain/detail/cluster_service.hpp>
#include <chain/detail/handler_core.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

using chain::Errc;
using test::frame, test::Frames;
using namespace std::chrono_literals;

namespace {

/// A handler that may have neighbours, and its clients.
struct ClusterNode {
    explicit ClusterNode(chain::HandlerConfig config = test::quiet())
        : handler(test::handler_with({chain::Channel{"room:*"}.on_join([](chain::Socket&) {})},
                                     std::move(config))),
          kit(handler) {
        handler.on_connect([](chain::Session& session, const chain::Request& request) {
            session.name(std::string(request.param("name").value_or("")));
        });
    }
    ClusterNode(chain::LoopbackHub& hub, chain::HandlerConfig config = test::quiet())
        : ClusterNode(std::move(config)) {
        handler.pubsub().attach(hub.adapter());
    }

    chain::detail::ClusterService& service() const {
        return chain::detail::HandlerAccess::core(handler)->cluster();
    }
    chain::testing::Client named(const std::string& name) {
        chain::Request request;
        request.query = {{"name", name}};
        return kit.connect(request);
    }
    /// Writes down what comes, each with the first digits of its sender's id.
    std::shared_ptr<void> note(const std::string& kind, Frames& heard) const {
        return service().on(
            kind, [&heard](const chain::detail::RandomId& from, std::string_view bytes) {
                heard.push_back(chain::detail::to_hex(from).substr(0, 8) + std::string(bytes));
                return bytes != "bad";
            });
    }
    std::string id() const { return chain::detail::to_hex(service().node_id()).substr(0, 8); }

    chain::Handler handler;
    chain::testing::Kit kit;
};

/// Lets seconds pass on nodes alike; 0 runs what is ready.
void pass_between(std::initializer_list<ClusterNode*> nodes, int seconds) {
    for (int tick = 0; tick < 20 * seconds; ++tick)
        for (auto* node : nodes) node->kit.advance(50ms);
    for (int round = 0; round < 3; ++round)
        for (auto* node : nodes) node->kit.run();
}

} // namespace

TEST_CASE("a node speaks to another by its id, and to all others, and they to it") {
    chain::LoopbackHub hub;
    const ClusterNode one(hub), two(hub), three(hub);
    Frames first, second, third, other;
    std::vector<std::shared_ptr<void>> notes;
    notes.push_back(one.note("x", first));
    notes.push_back(two.note("x", second));
    notes.push_back(three.note("x", third));
    notes.push_back(three.note("y", other));

    const std::string bytes("\0\xFF{", 3);
    CHECK_FALSE(one.service().broadcast("x", bytes));
    CHECK_FALSE(one.service().send(two.service().node_id(), "x", "2"));
    CHECK_FALSE(two.service().send(one.service().node_id(), "x", "1"));
    CHECK_FALSE(one.service().send(one.service().node_id(), "x", "me"));
    CHECK_FALSE(one.service().send(chain::detail::make_random_id(), "x", "nobody"));
    CHECK_FALSE(one.service().broadcast("nobody listens", "x"));
    CHECK_FALSE(two.service().broadcast("y", ""));
    CHECK(first == Frames{two.id() + "1", one.id() + "me"});
    CHECK(second == Frames{one.id() + bytes, one.id() + "2"});
    CHECK(third == Frames{one.id() + bytes});
    CHECK(other == Frames{two.id()});
}

TEST_CASE("a node hears a kind of message until it has had enough, and from the newest callback") {
    chain::LoopbackHub hub;
    const ClusterNode one(hub), two(hub);
    Frames first, second;
    auto note = two.note("x", first);
    one.service().broadcast("x", "1");
    note = two.note("x", second);
    one.service().broadcast("x", "2");
    note.reset();
    one.service().broadcast("x", "3");
    CHECK(first == Frames{one.id() + "1"});
    CHECK(second == Frames{one.id() + "2"});
}

TEST_CASE("pitfall 8: a node's message that makes no sense is counted, and ends nothing") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    chain::LoopbackHub hub;
    const ClusterNode one(hub), two(hub, config);
    const auto stranger = hub.adapter();
    stranger->start([](std::string_view, std::string_view) {});
    Frames heard;
    const auto note = two.note("x", heard);
    const auto thrower =
        two.service().on("y", [](const chain::detail::RandomId&, std::string_view) -> bool {
            throw std::runtime_error("on purpose");
        });
    one.service().broadcast("x", "bad");
    one.service().broadcast("y", "");
    stranger->publish("/socket:n:all", R"({"event":"x","payload":1})");
    stranger->publish("/socket:n:all", "C\1\3");
    chain::detail::ClusterFrame strange{
        chain::detail::ClusterFrame::Kind::node, true, {}, "all", "_x", ""};
    stranger->publish("/socket:n:all", chain::detail::write_cluster_frame(strange));
    strange.event = "x";
    strange.topic = "another";
    stranger->publish("/socket:n:all", chain::detail::write_cluster_frame(strange));
    CHECK(observer->count("bad frame " +
                          std::to_string(static_cast<int>(Errc::invalid_cluster_frame))) == 6);
    CHECK(observer->count("log a node's message: on purpose") == 1);
    one.service().broadcast("x", "good");
    CHECK(heard == Frames{one.id() + "bad", one.id() + "good"});
    stranger->stop();
}

TEST_CASE("a node without an adapter is alone") {
    const ClusterNode node;
    CHECK_FALSE(node.service().linked());
    CHECK_FALSE(node.service().broadcast("x", "1"));
    CHECK(node.service().send(chain::detail::make_random_id(), "x", "1") == Errc::adapter_down);
    CHECK(node.service().broadcast("_x", "1") == Errc::invalid_event);
    CHECK(node.service().broadcast("x", std::string(chain::detail::max_cluster_frame, 'x')) ==
          Errc::message_too_big);
}

TEST_CASE("nodes speak over the adapter of all topics, or else the first") {
    chain::LoopbackHub rooms, rest;
    ClusterNode one, two;
    for (auto* node : {&one, &two}) {
        node->handler.pubsub().attach("room:*", rooms.adapter());
        CHECK(node->service().linked());
    }
    Frames heard;
    const auto note = two.note("x", heard);
    one.service().broadcast("x", "1");
    two.handler.pubsub().attach(rest.adapter());
    one.service().broadcast("x", "2");
    one.handler.pubsub().attach(rest.adapter());
    one.service().broadcast("x", "3");
    CHECK(heard == Frames{one.id() + "1", one.id() + "2", one.id() + "3"});
}

TEST_CASE("sessions of a name are ended on all nodes") {
    chain::LoopbackHub hub;
    ClusterNode one(hub), two(hub);
    auto here = one.named("ann");
    auto there = two.named("ann");
    auto other = two.named("bob");
    CHECK_FALSE(one.handler.disconnect("ann"));
    one.kit.run();
    two.kit.run();
    CHECK(here.close_code() == 1001);
    CHECK(there.close_code() == 1001);
    CHECK_FALSE(other.close_code());
    CHECK(two.handler.sessions() == 1);

    two.handler.disconnect("nobody");
    one.kit.run();
    CHECK_FALSE(other.close_code());
}

TEST_CASE("all nodes are asked how many sessions they have") {
    chain::LoopbackHub hub;
    ClusterNode one(hub), two(hub);
    const auto ann = one.named("ann"), bob = two.named("bob"), carl = two.named("carl");
    pass_between({&one, &two}, 1);
    std::optional<chain::SessionCount> count;
    one.handler.async_count_sessions(1s, [&](chain::SessionCount all) { count = all; });
    CHECK_FALSE(count); // never before the call has returned
    pass_between({&two, &one}, 0);
    REQUIRE(count);
    CHECK(count->sessions == 3);
    CHECK(count->nodes == 2);
    CHECK(count->answered == 2);
}

TEST_CASE("all nodes are asked who is in a topic, and a coroutine may wait for it") {
    chain::LoopbackHub hub;
    ClusterNode one(hub), two(hub);
    auto ann = one.named("ann"), bob = two.named("bob"), again = two.named("ann"),
         nameless = two.named(""), elsewhere = two.named("eve");
    for (auto* client : {&ann, &bob, &again, &nameless}) test::join(*client, "room:a");
    test::join(elsewhere, "room:b");
    pass_between({&one, &two}, 1);
    std::optional<chain::TopicMembers> members, nobody;
    chain::net::co_spawn(
        one.kit.context(),
        [&]() -> chain::net::awaitable<void> {
            members = co_await one.handler.async_members("room:a", 1s, chain::net::use_awaitable);
            nobody = co_await one.handler.async_members("room:c", 1s, chain::net::use_awaitable);
        },
        chain::net::detached);
    for (int i = 0; i < 3; ++i) pass_between({&one, &two}, 0);
    REQUIRE(members);
    CHECK(members->sockets == 4);
    CHECK(members->names == Frames{"ann", "bob"});
    CHECK(members->answered == 2);
    REQUIRE(nobody);
    CHECK(nobody->sockets == 0);
    CHECK(nobody->answered == 2);
}

TEST_CASE("a node that does not answer is waited for until the deadline, and not counted") {
    chain::LoopbackHub hub;
    ClusterNode one(hub), two(hub);
    const auto ann = one.named("ann"), bob = two.named("bob");
    pass_between({&one, &two}, 1);
    REQUIRE(one.service().alive(two.service().node_id()));
    const auto deaf = two.service().on(
        "ask", [](const chain::detail::RandomId&, std::string_view) { return true; });
    std::optional<chain::SessionCount> count;
    one.handler.async_count_sessions(500ms, [&](chain::SessionCount all) { count = all; });
    one.kit.advance(450ms);
    CHECK_FALSE(count);
    one.kit.advance(150ms);
    REQUIRE(count);
    CHECK(count->sessions == 1);
    CHECK(count->nodes == 2);
    CHECK(count->answered == 1);
}

TEST_CASE("answers that make no sense, come late, twice or from strangers do not count") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    chain::LoopbackHub hub;
    ClusterNode one(hub, config), two(hub), stranger(hub);
    const auto ann = one.named("ann");
    pass_between({&one, &two}, 1);
    std::vector<std::shared_ptr<void>> liars;
    liars.push_back(
        two.service().on("ask", [&](const chain::detail::RandomId& from, std::string_view bytes) {
            const auto number = std::string(bytes.substr(0, 8));
            two.service().send(from, "answer", number + "nonsense!");
            two.service().send(from, "answer", number + std::string(8, '\0'));
            two.service().send(from, "answer", "short");
            two.service().send(from, "answer", std::string(8, '\xFF') + std::string(8, '\0'));
            return true;
        }));
    std::optional<chain::SessionCount> count;
    one.handler.async_count_sessions(1s, [&](chain::SessionCount all) { count = all; });
    one.kit.run();
    REQUIRE(count);
    CHECK(count->sessions == 1);
    CHECK(count->answered == 1);
    two.service().broadcast("ask", "short");
    CHECK(observer->count("bad frame " +
                          std::to_string(static_cast<int>(Errc::invalid_cluster_frame))) == 2);
}

TEST_CASE("a node that is alone answers itself, also before it has a thread") {
    std::promise<chain::SessionCount> count;
    const auto handler = test::handler_with({});
    handler.async_count_sessions(1s, [&](chain::SessionCount all) { count.set_value(all); });
    CHECK(count.get_future().get().nodes == 1);
    ClusterNode node;
    const auto ann = node.named("ann");
    std::optional<chain::SessionCount> at_once;
    node.handler.async_count_sessions(1s, [&](chain::SessionCount all) { at_once = all; });
    node.kit.run();
    REQUIRE(at_once);
    CHECK(at_once->sessions == 1);
    CHECK(at_once->nodes == 1);
}

TEST_CASE("beats go on when the lane that they were made on has gone") {
    chain::LoopbackHub hub;
    ClusterNode one(hub), two(hub);
    std::optional<chain::net::io_context> more(std::in_place);
    auto handler = test::handler_with({});
    handler.use(*more);
    handler.pubsub().attach(hub.adapter());
    chain::net::io_context last;
    handler.use(last);
    more->poll();
    more.reset();
    const auto id = chain::detail::HandlerAccess::core(handler)->cluster().node_id();
    CHECK(one.service().alive(id));
    pass_between({&one, &two}, 11);
    CHECK_FALSE(one.service().alive(id));
    last.poll();
    CHECK(one.service().alive(id));
}

TEST_CASE("of a topic with very many members, each node names the first 1000") {
    ClusterNode node;
    std::vector<chain::testing::Client> clients;
    for (int i = 0; i < 1005; ++i) {
        clients.push_back(node.named("user" + std::to_string(i)));
        test::join(clients.back(), "room:a");
    }
    std::optional<chain::TopicMembers> members;
    node.handler.async_members("room:a", 1s, [&](chain::TopicMembers all) { members = all; });
    node.kit.run();
    REQUIRE(members);
    CHECK(members->sockets == 1005);
    CHECK(members->names.size() == 1000);
}
