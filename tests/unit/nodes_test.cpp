// What the nodes of a cluster say to one another: messages, and sessions that are ended everywhere.
#include "../support/core.hpp"

#include <chain/adapters/loopback.hpp>
#include <chain/detail/cluster_frame.hpp>
#include <chain/detail/cluster_service.hpp>
#include <chain/detail/handler_core.hpp>

#include <memory>
#include <stdexcept>
#include <utility>

using chain::Errc;
using test::frame, test::Frames;

namespace {

/// A handler that may have neighbours, and its clients.
struct ClusterNode {
    explicit ClusterNode(chain::HandlerConfig config = test::quiet())
        : handler(test::handler_with({}, std::move(config))), kit(handler) {
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
