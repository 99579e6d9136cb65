// Presence across nodes: agreement, gaps, leases, restarts. Time is virtual, and the nodes'
// adapters can be cut or made to lose what they are given.
#include "../support/presence.hpp"
#include "../support/rounds.hpp"

#include <chain/adapters/loopback.hpp>
#include <chain/detail/cluster_frame.hpp>
#include <chain/detail/cluster_service.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/node_wire.hpp>
#include <chain/detail/presence_peer.hpp>

#include <algorithm>
#include <random>
#include <thread>

using chain::Errc, chain::Json;
using test::frame, test::Frames, test::payloads, test::Roll;
using namespace std::chrono_literals;

namespace {

/// A node's way to the hub, which a test can cut, or let lose messages.
class Cable final : public chain::Adapter {
  public:
    Cable(chain::LoopbackHub& hub, bool hands_back)
        : inner_(hub.adapter()), hands_back_(hands_back) {}

    void start(Receive receive) override {
        receive_ = std::move(receive);
        inner_->start([this](std::string_view topic, std::string_view bytes) {
            if (!cut) receive_(topic, bytes);
        });
    }
    void subscribe(std::string_view topic) override { inner_->subscribe(topic); }
    void unsubscribe(std::string_view topic) override { inner_->unsubscribe(topic); }
    chain::error_code publish(std::string_view topic, std::string_view bytes) override {
        if (cut) return make_error_code(Errc::adapter_down);
        ++published;
        if (losing > 0) {
            --losing;
            return {};
        }
        const auto failed = inner_->publish(topic, bytes);
        if (hands_back_ && topic == "/socket:n:all") receive_(topic, bytes);
        return failed;
    }
    bool echoes() const noexcept override { return hands_back_; }
    void stop() override { inner_->stop(); }

    bool cut = false;
    std::size_t losing = 0, published = 0;

  private:
    std::shared_ptr<chain::Adapter> inner_;
    Receive receive_;
    bool hands_back_;
};

/// A node with a presence room, and its cable.
struct PresentNode : test::PresenceKit {
    PresentNode(chain::LoopbackHub& hub, const std::string& name, bool hands_back = false)
        : PresenceKit({.node = name}), cable(std::make_shared<Cable>(hub, hands_back)) {
        handler.pubsub().attach(cable);
    }
    Json list() const { return presence.list("room:a"); }
    void track(const std::string& key) { presence.track({"room:a", key}, key); }

    std::shared_ptr<Cable> cable;
};

using PresentNodes = std::vector<std::unique_ptr<PresentNode>>;

/// Lets time pass on all nodes alike.
void pass(const PresentNodes& nodes, std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 50ms)
        for (const auto& node : nodes) node->kit->advance(50ms);
    for (const auto& node : nodes) node->kit->run();
}

PresentNodes make_nodes(chain::LoopbackHub& hub, int count, bool hands_back = false) {
    PresentNodes nodes;
    for (int i = 0; i < count; ++i)
        nodes.push_back(std::make_unique<PresentNode>(hub, "node" + std::to_string(i), hands_back));
    pass(nodes, 50ms);
    return nodes;
}

/// The metas of a key that is there on several nodes have no order.
Json sorted(Json presences) {
    for (auto& presence : presences) {
        auto& metas = presence.at("metas");
        std::sort(metas.begin(), metas.end(),
                  [](const Json& a, const Json& b) { return a.at("phx_ref") < b.at("phx_ref"); });
    }
    return presences;
}

bool agree(const PresentNodes& nodes) {
    return std::ranges::all_of(nodes, [&](const auto& node) {
        return sorted(node->list()) == sorted(nodes.front()->list());
    });
}

std::size_t count_in(const PresentNode& node) { return node.presence.count("room:a").metas; }

} // namespace

TEST_CASE("presences of all nodes are listed on each, and every client hears of them") {
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 2);
    auto ann = nodes[0]->member("ann", R"({"at":"one"})");
    auto bob = nodes[1]->member("bob", R"({"at":"two"})");
    pass(nodes, 50ms);
    CHECK(agree(nodes));
    CHECK(nodes[0]->list().size() == 2);

    Roll at_ann, at_bob;
    const auto both_follow = [&] {
        pass(nodes, 50ms);
        follow(at_ann, ann.receive_all());
        follow(at_bob, bob.receive_all());
        return at_ann.list() == nodes[0]->list() && at_bob.list() == at_ann.list() && agree(nodes);
    };
    CHECK(both_follow());
    bob.send(frame(1, 2, "room:a", "update", R"({"key":"bob","meta":{"mood":"glad"}})"));
    CHECK(both_follow());
    CHECK(at_ann.list().at("bob").at("metas").at(0).at("mood") == "glad");
    const auto diffs = at_ann.diffs;
    bob.disconnect();
    pass(nodes, 50ms);
    follow(at_ann, ann.receive_all());
    CHECK(at_ann.list() == nodes[0]->list());
    CHECK(at_ann.list().size() == 1);
    CHECK(at_ann.diffs == diffs + 1);
}

TEST_CASE("a node that comes later knows who is there within 2 s, however many they are") {
    chain::LoopbackHub hub;
    auto nodes = make_nodes(hub, 2);
    const std::string about(500, 'x'); // so that it takes several parts
    for (std::size_t i = 0; i < 400; ++i) {
        const auto key = "user" + std::to_string(i);
        nodes[i % 2]->presence.track({"room:a", key}, key, {{"about", about}});
    }
    nodes.push_back(std::make_unique<PresentNode>(hub, "late"));
    // What it has of its own from before it met anybody.
    nodes[2]->track("late");
    pass(nodes, 2s);
    CHECK(count_in(*nodes[2]) == 401);
    CHECK(agree(nodes));
}

TEST_CASE("what was tracked before the adapter was attached is known to the others, too") {
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 2);
    test::PresenceKit alone;
    alone.presence.track({"room:a", "bot"}, "bot");
    const auto cable = std::make_shared<Cable>(hub, false);
    alone.handler.pubsub().attach(cable);
    for (int i = 0; i < 40; ++i) {
        alone.kit->advance(50ms);
        pass(nodes, 50ms);
    }
    CHECK(nodes[0]->list().contains("bot"));
    CHECK(nodes[1]->list().contains("bot"));
}

TEST_CASE("a change that got lost is noticed at the next beat, and only the difference is told") {
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 2);
    auto ann = nodes[0]->member("ann", "{}");
    nodes[1]->track("stays");
    nodes[1]->cable->losing = 2;
    nodes[1]->track("lost");
    nodes[1]->presence.untrack({"room:a", "stays"});
    pass(nodes, 50ms);
    CHECK_FALSE(agree(nodes));
    ann.receive_all();
    SECTION("when nothing else changes") {
        pass(nodes, 2s);
        CHECK(agree(nodes));
        const auto diffs = payloads(ann.receive_all(), "presence_diff");
        REQUIRE(diffs.size() == 1);
        CHECK(diffs[0].at("joins").contains("lost"));
        CHECK(diffs[0].at("leaves").contains("stays"));
    }
    SECTION("when the next change shows that some are missing") {
        nodes[1]->track("next");
        pass(nodes, 50ms);
        CHECK(agree(nodes));
        CHECK(nodes[0]->list().size() == 3);
    }
}

TEST_CASE("phoenix 66: entries of a node that is silent for its lease go, and come back with it") {
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 3, GENERATE(false, true));
    auto ann = nodes[0]->member("ann", "{}");
    nodes[2]->track("bob");
    pass(nodes, 1s);
    REQUIRE(agree(nodes));
    ann.receive_all();

    nodes[2]->cable->cut = true;
    pass(nodes, 9s);
    CHECK(nodes[0]->list().contains("bob"));
    pass(nodes, 3s);
    CHECK_FALSE(nodes[0]->list().contains("bob"));
    CHECK_FALSE(nodes[1]->list().contains("bob"));
    auto diffs = payloads(ann.receive_all(), "presence_diff");
    REQUIRE(diffs.size() == 1);
    CHECK(diffs[0].at("leaves").contains("bob"));

    nodes[2]->track("carl");
    nodes[2]->cable->cut = false;
    pass(nodes, 2s);
    CHECK(agree(nodes));
    diffs = payloads(ann.receive_all(), "presence_diff");
    REQUIRE(diffs.size() == 1);
    CHECK(diffs[0].at("joins").contains("bob"));
    CHECK(diffs[0].at("joins").contains("carl"));
    CHECK(diffs[0].at("leaves").empty());
}

TEST_CASE("phoenix 66: the old entries of a node that starts again go at once") {
    chain::LoopbackHub hub;
    auto nodes = make_nodes(hub, 2);
    auto ann = nodes[0]->member("ann", "{}");
    nodes[1]->track("old");
    pass(nodes, 1s);
    REQUIRE(nodes[0]->list().contains("old"));
    ann.receive_all();

    // It dies without a word; a new life has a later epoch.
    nodes[1]->cable->cut = true;
    const auto dead = std::move(nodes[1]);
    // Epochs are milliseconds of wall time.
    const auto then = std::chrono::system_clock::now();
    while (std::chrono::system_clock::now() - then < 2ms) std::this_thread::yield();
    nodes[1] = std::make_unique<PresentNode>(hub, "node1");
    nodes[1]->track("new");
    pass(nodes, 2s);
    CHECK(nodes[0]->list().contains("new"));
    CHECK_FALSE(nodes[0]->list().contains("old"));
    CHECK(agree(nodes));

    // What it said in its former life comes too late.
    dead->cable->cut = false;
    dead->track("ghost");
    dead->kit->advance(2s);
    pass(nodes, 2s);
    CHECK(agree(nodes));
    CHECK(nodes[0]->list().size() == 2);
}

TEST_CASE("leases do not run while a node does not see its own beats come back, and nobody flaps") {
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 3, true);
    auto ann = nodes[0]->member("ann", "{}");
    nodes[1]->track("bob");
    pass(nodes, 1s);
    ann.receive_all();
    for (const auto& node : nodes) node->cable->cut = true; // the broker is away
    pass(nodes, 60s);
    CHECK(nodes[0]->list().size() == 2);
    // The nodes come back one after another, as after pauses of random length.
    nodes[0]->cable->cut = false;
    pass(nodes, 8s);
    CHECK(nodes[0]->list().size() == 2);
    for (const auto& node : nodes) node->cable->cut = false;
    pass(nodes, 20s);
    CHECK(agree(nodes));
    CHECK(ann.receive_all().empty());
}

TEST_CASE("a node that was held up takes nobody for dead") {
    chain::detail::NodeLeases leases(10s);
    using Time = chain::detail::NodeLeases::Time;
    const chain::detail::RandomId other{1};
    const Time start{};
    leases.came_through(start);
    CHECK(leases.heard(other, start));
    CHECK(leases.expired(start + 60s).empty());
    leases.came_through(start + 60s);
    CHECK(leases.expired(start + 69s).empty()); // nothing came through since
    for (int i = 61; i < 70; ++i) {
        leases.came_through(start + std::chrono::seconds(i));
        CHECK(leases.expired(start + std::chrono::seconds(i)).empty());
    }
    leases.came_through(start + 70s);
    CHECK(leases.expired(start + 70s) == std::vector{other});
    CHECK(leases.nodes().empty());
}

TEST_CASE("leases: beats are a tenth of the lease, from 50 ms to 1 s, and nodes are bounded") {
    using chain::detail::NodeLeases;
    CHECK(NodeLeases(10s).beat() == 1s);
    CHECK(NodeLeases(1500ms).beat() == 150ms);
    CHECK(NodeLeases(10min).beat() == 1s);
    CHECK(NodeLeases(1ms).beat() == 50ms);
    NodeLeases leases(10s);
    chain::detail::RandomId node{};
    for (std::size_t i = 0; i < NodeLeases::max_nodes; ++i) {
        node[0] = static_cast<std::uint8_t>(i);
        node[1] = static_cast<std::uint8_t>(i >> 8U);
        leases.heard(node, {});
    }
    CHECK(leases.heard(node, {}));
    node[2] = 1;
    CHECK_FALSE(leases.heard(node, {}));
}

TEST_CASE("pain 14: however many topics are idle, a node says one thing a second") {
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 2);
    for (int i = 0; i < 300; ++i)
        nodes[0]->presence.track({"room:" + std::to_string(i), "bot"}, "bot");
    pass(nodes, 2s);
    const auto before = nodes[0]->cable->published;
    pass(nodes, 20s);
    const auto said = nodes[0]->cable->published - before;
    CHECK(said >= 18);
    CHECK(said <= 20);
}

TEST_CASE(
    "pain 13: whatever gets lost, and whoever is cut off, all nodes and clients agree in the end") {
    std::mt19937 random(GENERATE(1U, 2U, 3U));
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    chain::LoopbackHub hub;
    const auto nodes = make_nodes(hub, 3, true);
    std::vector<chain::testing::Client> clients;
    std::vector<Roll> rolls(3);
    for (const auto& node : nodes) clients.push_back(node->member());
    for (unsigned step = 0; step < test::rounds(200); ++step) {
        auto& node = *nodes[random() % 3];
        const auto key = "user" + std::to_string(random() % 8);
        const chain::PresenceOwner owner{"room:a", key};
        if (chance(3))
            node.presence.untrack(owner);
        else if (!node.presence.track(owner, key, {{"step", step}}))
            node.presence.update(owner, key, {{"step", step}});
        if (chance(10)) node.cable->losing = random() % 4;
        if (chance(25)) node.cable->cut = !node.cable->cut;
        if (chance(4)) pass(nodes, std::chrono::milliseconds(50 * (random() % 60)));
    }
    for (const auto& node : nodes) {
        node->cable->cut = false;
        node->cable->losing = 0;
    }
    pass(nodes, 4s); // a question that got lost is asked again two beats later
    CHECK(agree(nodes));
    for (std::size_t i = 0; i < 3; ++i) {
        follow(rolls[i], clients[i].receive_all());
        CHECK(sorted(rolls[i].list()) == sorted(nodes[i]->list()));
    }
}

TEST_CASE("pitfall 8: presence messages that make no sense are counted, and change nothing") {
    auto settings = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    settings.observer = observer;
    chain::LoopbackHub hub;
    test::PresenceKit kit({}, settings);
    kit.handler.pubsub().attach(hub.adapter());
    const auto stranger = hub.adapter();
    stranger->start([](std::string_view, std::string_view) {});
    using chain::detail::ClusterFrame, chain::detail::NodeWriter;
    const auto say = [&](const std::string& kind, const std::string& bytes) {
        const ClusterFrame frame{ClusterFrame::Kind::node, true, {7}, "all", kind, bytes};
        stranger->publish("/socket:n:all", chain::detail::write_cluster_frame(frame));
    };
    const auto version = [](std::uint64_t number) {
        return NodeWriter().raw("V").text("stranger").number(1).number(number).bytes();
    };
    const auto diff = [](std::string_view topic, std::string_view key, std::string_view ref,
                         std::string_view meta) {
        NodeWriter out;
        out.raw("D").number(1).text(topic).number(1).number(0);
        return out.text(key).text(ref).text(meta).bytes();
    };
    say("presence1", version(0));
    std::size_t bad = 0;
    const auto drop = [&](const std::string& kind, const std::string& bytes) {
        say(kind, bytes);
        ++bad;
        CHECK(kit.presence.count("room:a").metas == 0);
    };
    drop("presence1", "");
    drop("presence1", "X");
    drop("presence1", "Ax");
    drop("presence1", version(1).substr(0, 20));
    drop("presence1", version(1) + "x");
    drop("beat", "");
    drop("beat", NodeWriter().number(9).bytes());
    drop("beat", NodeWriter().number(1).text("presence1").text("X").bytes());
    drop("beat", NodeWriter().number(1).number(1'000'000).bytes());
    drop("presence1", diff("room:*", "k", "ref", "{}"));
    drop("presence1", diff("room:a", "\xFF", "ref", "{}"));
    drop("presence1", diff("room:a", "k", "a\"b", "{}"));
    drop("presence1", diff("room:a", "k", "", "{}"));
    drop("presence1", diff("room:a", "k", "ref", "{"));
    drop("presence1", diff("room:a", "k", "ref", "[]"));
    drop("presence1", diff("room:a", "k", "ref", "{ }"));
    drop("presence1", diff("room:a", "k", "ref", "{}") + "x");
    drop("presence1",
         NodeWriter().raw("D").number(1).text("room:a").number(1ULL << 40).number(0).bytes());
    drop("presence1", NodeWriter().raw("S").number(1).number(0).number(2).bytes());
    drop("presence1", NodeWriter().raw("S").number(1).number(0).number(1).text("room:a").bytes());
    CHECK(observer->count("bad frame " +
                          std::to_string(static_cast<int>(Errc::invalid_cluster_frame))) == bad);
    say("presence1", diff("room:a", "k", "ref", R"({"phx_ref":"ref"})"));
    CHECK(kit.presence.count("room:a").metas == 1);
    stranger->stop();
}

TEST_CASE("a snapshot's parts are taken in order; what does not follow is asked for again") {
    using chain::detail::PresenceDiff, chain::detail::PresencePeer, chain::detail::PresenceTable;
    PresencePeer peer({"node", 1});
    PresencePeer::Changes changes;
    const auto entry = [](const std::string& ref) {
        return std::make_shared<const chain::PresenceEntry>(chain::PresenceEntry{"k", ref, "{}"});
    };
    const auto table = [&](const std::string& ref) {
        PresenceTable all;
        all["t"].emplace(ref, entry(ref));
        return all;
    };
    CHECK(peer.says(5));
    CHECK_FALSE(peer.says(5)); // asked already
    CHECK_FALSE(peer.take(7, {"t", {entry("g")}, {}}, changes));
    CHECK_FALSE(peer.take_part(5, 0, false, table("a"), changes));
    CHECK_FALSE(peer.take_part(5, 2, true, table("b"), changes)); // part 1 is missing
    CHECK(changes.empty());
    CHECK(peer.says(5));
    CHECK_FALSE(peer.take_part(6, 0, false, table("a"), changes));
    CHECK_FALSE(peer.take_part(6, 1, true, table("b"), changes));
    REQUIRE(changes.size() == 2); // the snapshot, and the change that waited for it
    CHECK(changes[0].joins.size() == 2);
    CHECK(changes[1].joins.size() == 1);
    CHECK_FALSE(peer.says(7));
    CHECK_FALSE(peer.take_part(6, 0, true, {}, changes)); // an older one
    CHECK_FALSE(peer.take(7, {"t", {}, {"g"}}, changes)); // an older one
    CHECK(changes.size() == 2);
    CHECK_FALSE(peer.take(8, {"t", {}, {"a", "unknown"}}, changes));
    CHECK(changes[2].leaves.size() == 1);
    CHECK(peer.take(10, {"t", {}, {"b"}}, changes));
    CHECK_FALSE(peer.take(11, {"t", {}, {"g"}}, changes));
    CHECK_FALSE(peer.take(9, {"t", {entry("n")}, {}}, changes));
    CHECK(changes.size() == 6);
    peer.drop(changes);
    REQUIRE(changes.size() == 7);
    CHECK(changes[6].leaves.size() == 1);
}
