// Presence: who is in a topic. Numbers are those of the conformance list of the Phoenix protocol.
#include "../support/presence.hpp"

#include <cctype>
#include <set>
#include <stdexcept>

using chain::Errc, chain::Json, chain::PresenceConfig, chain::PresenceDiffs, chain::Reply,
    chain::Socket;
using test::frame, test::Frames, test::payloads, test::PresenceKit;
using namespace std::chrono_literals;

namespace {

/// The refs of a key's metas.
std::vector<std::string> refs(const Json& presences, std::string_view key) {
    std::vector<std::string> found;
    if (!presences.contains(key)) return found;
    for (const auto& meta : presences.at(std::string(key)).at("metas"))
        found.push_back(meta.at("phx_ref"));
    return found;
}

/// The only diff among the frames.
Json only_diff(const Frames& frames) {
    const auto diffs = payloads(frames, "presence_diff");
    REQUIRE(diffs.size() == 1);
    return diffs.front();
}

Json ask(chain::testing::Client& client, std::string_view event, std::string_view payload = "{}") {
    client.send(frame(1, 9, "room:a", event, payload));
    Json reply;
    for (const auto& text : client.receive_all())
        if (const auto read = Json::parse(text); read.at(0) == 1) reply = read;
    return reply;
}

bool is_error(const Json& reply, Errc code) {
    return reply.at(3) == 1 && reply.at(4) == Json{{"code", static_cast<int>(code)}};
}

} // namespace

TEST_CASE("phoenix 61: track gives a diff with joins only, and the end of the membership one with "
          "leaves of the same ref") {
    PresenceKit kit;
    auto bob = kit.member();
    bob.receive_all();
    auto ann = kit.member("ann", R"({"device":"phone"})");
    const auto frames = ann.receive_all();
    REQUIRE(frames.size() == 3);
    CHECK(frames[0] == "[1,1,1,0,{}]");

    // Its own diff comes before the state, and both bear the same ref.
    const auto joined = only_diff(bob.receive_all());
    CHECK(payloads(frames, "presence_diff").front() == joined);
    CHECK(joined.at("leaves") == Json::object());
    const auto& meta = joined.at("joins").at("ann").at("metas").at(0);
    CHECK(meta.at("device") == "phone");
    CHECK(meta.size() == 2);
    CHECK(test::event_of(frames[2]) ==
          std::pair<std::string, Json>{"presence_state", joined.at("joins")});
    CHECK(frames[2].starts_with(R"([0,1,0,"room:a","presence_state",)"));
    CHECK(kit.presence.list("room:a") == joined.at("joins"));

    ann.disconnect();
    const auto left = only_diff(bob.receive_all());
    CHECK(left == Json{{"joins", Json::object()}, {"leaves", joined.at("joins")}});
    CHECK(kit.presence.list("room:a") == Json::object());
}

TEST_CASE("a handler whose channel holds a presence of it goes with its last handle") {
    std::weak_ptr<int> held;
    {
        chain::Handler handler{test::quiet()};
        chain::Presence presence{handler};
        auto something = std::make_shared<int>(1);
        held = something;
        chain::Channel room{"room:*"};
        room.on_join([presence, something](chain::Socket&) {});
        handler.add(room);
    }
    CHECK(held.expired());
}

TEST_CASE("phoenix 61: a ref is unique and has 16 URL-safe characters") {
    PresenceKit kit;
    chain::Presence other{kit.handler};
    std::set<std::string> seen;
    for (int i = 0; i < 300; ++i) {
        for (auto* presence : {&kit.presence, &other}) {
            const auto ref =
                presence->track({"room:a", std::to_string(i)}, "key" + std::to_string(i));
            REQUIRE(ref);
            CHECK(ref->size() == 16);
            for (const char c : *ref)
                CHECK((std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'));
            seen.insert(*ref);
        }
    }
    CHECK(seen.size() == 600);
}

TEST_CASE("phoenix 62: an update is one diff that joins the new meta and leaves the old one") {
    PresenceKit kit;
    auto ann = kit.member("ann", R"({"mood":"calm"})");
    const auto old = refs(kit.presence.list("room:a"), "ann").at(0);
    ann.receive_all();

    ann.send(frame(1, 2, "room:a", "update",
                   R"({"key":"ann","meta":{"mood":"glad","phx_ref":"mine"}})"));
    const auto frames = ann.receive_all();
    const auto diff = only_diff(frames);
    const auto now = refs(diff.at("joins"), "ann").at(0);
    CHECK(now != old);
    CHECK(frames.back() == R"([1,1,2,0,")" + now + "\"]");
    CHECK(diff.at("joins").at("ann").at("metas") ==
          Json::array({{{"mood", "glad"}, {"phx_ref", now}, {"phx_ref_prev", old}}}));
    CHECK(diff.at("leaves").at("ann").at("metas") ==
          Json::array({{{"mood", "calm"}, {"phx_ref", old}}}));
    CHECK(kit.presence.list("room:a") == diff.at("joins"));

    // A second one names the ref that it replaces, not the first.
    ann.send(frame(1, 3, "room:a", "update", R"({"key":"ann","meta":{}})"));
    const auto second = only_diff(ann.receive_all());
    CHECK(second.at("joins").at("ann").at("metas").at(0).at("phx_ref_prev") == now);
    CHECK(refs(second.at("leaves"), "ann") == std::vector{now});
}

TEST_CASE("phoenix 62: an update may be a function of the old meta") {
    PresenceKit kit;
    const chain::PresenceOwner bot{"room:a", "bot"};
    const auto first = kit.presence.track(bot, "bot", {{"count", 1}});
    const auto second = kit.presence.update(bot, "bot", [&](const Json& old) {
        CHECK(old == Json{{"count", 1}, {"phx_ref", *first}});
        return Json{{"count", old.at("count").get<int>() + 1}};
    });
    REQUIRE(second);
    CHECK(kit.presence.get_by_key("room:a", "bot").at("metas").at(0).at("count") == 2);
    // What another call has changed meanwhile is not overwritten.
    int calls = 0;
    const auto third = kit.presence.update(bot, "bot", [&](const Json& old) {
        if (++calls == 1) REQUIRE(kit.presence.update(bot, "bot", Json{{"count", 10}}));
        return Json{{"count", old.at("count").get<int>() + 1}};
    });
    CHECK(calls == 2);
    CHECK(kit.presence.get_by_key("room:a", "bot").at("metas").at(0).at("count") == 11);
    CHECK(kit.presence.get_by_key("room:a", "bot").at("metas").at(0).at("phx_ref") == *third);
}

TEST_CASE("phoenix 62: an update of what is not tracked and a second track are errors") {
    PresenceKit kit;
    auto ann = kit.member();
    CHECK(is_error(ask(ann, "update", R"({"key":"ann","meta":{}})"), Errc::not_present));
    CHECK(ask(ann, "track", R"({"key":"ann"})").at(3) == 0);
    CHECK(is_error(ask(ann, "track", R"({"key":"ann"})"), Errc::already_tracked));
    CHECK(is_error(ask(ann, "update", R"({"key":"bob","meta":{}})"), Errc::not_present));
    CHECK(ask(ann, "track", R"({"key":"bob"})").at(3) == 0);
    CHECK(refs(kit.presence.list("room:a"), "ann").size() == 1);
}

TEST_CASE("phoenix 63: untrack of an absent key is fine, and gives no diff") {
    PresenceKit kit;
    auto ann = kit.member();
    ann.receive_all();
    ann.send(frame(1, 2, "room:a", "untrack", R"({"key":"ann"})"));
    CHECK(ann.receive_all() == Frames{"[1,1,2,0,{}]"});
    kit.presence.untrack({"room:a", "nobody"});
    kit.presence.untrack({"room:nowhere", "nobody"}, "key");
    ann.send(frame(1, 3, "room:a", "untrack_all"));
    CHECK(ann.receive_all().empty());
}

TEST_CASE("phoenix 64: two sockets under one key are two metas, of which one remains") {
    PresenceKit kit;
    auto tab = kit.member("ann", R"({"tab":1})");
    auto other = kit.member("ann", R"({"tab":2})");
    const auto both = refs(kit.presence.list("room:a"), "ann");
    REQUIRE(both.size() == 2);
    CHECK(kit.presence.count("room:a").keys == 1);
    CHECK(kit.presence.count("room:a").metas == 2);
    tab.receive_all();

    other.send(frame(1, 5, "room:a", "_leave"));
    const auto left = only_diff(tab.receive_all());
    CHECK(refs(left.at("leaves"), "ann") == std::vector{both[1]});
    CHECK(kit.presence.get_by_key("room:a", "ann").at("metas").at(0).at("tab") == 1);
    CHECK(refs(kit.presence.list("room:a"), "ann") == std::vector{both[0]});
    CHECK(kit.presence.get_by_key("room:a", "bob") == nullptr);
}

TEST_CASE("phoenix 65: what the fetch hook adds is in lists, states and diffs") {
    Frames asked;
    PresenceConfig config;
    config.fetch = [&](std::string_view topic, Json presences) {
        std::string keys(topic);
        for (auto& [key, presence] : presences.items()) {
            keys += " " + key;
            presence["name"] = "The " + key;
            presence["metas"] = Json::array(); // stays as it was
        }
        asked.push_back(keys);
        presences["stranger"] = {{"metas", Json::array()}};
        return presences;
    };
    PresenceKit kit{config};
    kit.presence.track({"room:a", "bot"}, "bot");
    asked.clear();
    auto ann = kit.member("ann", R"({"x":1})");
    const auto frames = ann.receive_all();
    CHECK(asked == Frames{"room:a ann", "room:a ann bot"});
    const auto diff = only_diff(frames);
    const auto state = payloads(frames, "presence_state").front();
    CHECK(diff.at("joins").at("ann").at("name") == "The ann");
    CHECK(diff.at("joins").at("ann").at("metas").size() == 1);
    CHECK(state.at("ann") == diff.at("joins").at("ann"));
    CHECK(state.at("bot").at("name") == "The bot");
    CHECK(state.size() == 2);
    CHECK(kit.presence.list("room:a") == state);
    CHECK(kit.presence.get_by_key("room:a", "ann") == state.at("ann"));

    ann.receive_all();
    kit.presence.untrack({"room:a", "bot"});
    kit.kit->run();
    const auto left = only_diff(ann.receive_all());
    CHECK(left.at("leaves").at("bot").at("name") == "The bot");
    CHECK(left.at("joins") == Json::object());
}

TEST_CASE("a client that leaves does not hear of it, and one that untracks does") {
    PresenceKit kit;
    auto ann = kit.member("ann", "{}");
    auto bob = kit.member();
    ann.receive_all(), bob.receive_all();
    ann.send(frame(1, 2, "room:a", "untrack", R"({"key":"ann"})"));
    CHECK(only_diff(ann.receive_all()) == only_diff(bob.receive_all()));
    ann.send(frame(1, 3, "room:a", "track", R"({"key":"ann"})"));
    ann.receive_all(), bob.receive_all();

    ann.send(frame(1, 4, "room:a", "_leave"));
    CHECK(ann.receive_all() == Frames{"[1,1,4,0,{}]"});
    CHECK(only_diff(bob.receive_all()).at("leaves").contains("ann"));
}

TEST_CASE("presences go when a handler throws, when the join is refused, and at a rejoin") {
    PresenceKit kit;
    auto watcher = kit.member();
    watcher.receive_all();
    auto ann = kit.member("ann", "{}");
    watcher.receive_all();
    ann.send(frame(1, 2, "room:a", "throw"));
    CHECK(only_diff(watcher.receive_all()).at("leaves").contains("ann"));

    auto refused = kit.member(R"({"key":"eve","refuse":true})");
    CHECK(payloads(watcher.receive_all(), "presence_diff").size() == 2);
    CHECK(kit.presence.list("room:a") == Json::object());
    CHECK(refused.receive_all() == Frames{R"([1,1,1,1,{"reason":"no"}])"});

    auto bob = kit.member("bob", "{}");
    bob.receive_all(), watcher.receive_all();
    const auto before = refs(kit.presence.list("room:a"), "bob");
    bob.send(frame(2, 2, "room:a", "_join", R"({"key":"bob"})"));
    const auto diffs = payloads(watcher.receive_all(), "presence_diff");
    REQUIRE(diffs.size() == 2);
    CHECK(refs(diffs[0].at("leaves"), "bob") == before);
    CHECK(refs(diffs[1].at("joins"), "bob") == refs(kit.presence.list("room:a"), "bob"));
}

TEST_CASE("presences go before the leave handler runs, which may still list the others") {
    chain::Handler handler{test::quiet()};
    chain::Presence presence{handler};
    Json listed;
    chain::result<std::string> late = std::string();
    chain::Channel room{"room:*"};
    room.on_join([&](Socket& socket) { presence.track(socket, "ann"); });
    room.on_leave([&](Socket& socket, chain::LeaveReason) {
        listed = presence.list(socket.topic());
        late = presence.track(socket, "late");
    });
    handler.add(room);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");
    CHECK(presence.list("room:a").contains("ann"));
    client.disconnect();
    CHECK(listed == Json::object());
    REQUIRE(late.has_error());
    CHECK(late.error() == Errc::not_joined);
    CHECK(presence.list("room:a") == Json::object());
}

TEST_CASE("the application tracks things of its own, which stay until it untracks them") {
    PresenceKit kit;
    auto ann = kit.member();
    ann.receive_all();
    const auto ref = kit.presence.track({"room:a", "sensor"}, "sensor 1", {{"kind", "sensor"}});
    REQUIRE(ref);
    CHECK(kit.presence.track({"room:a", "sensor"}, "sensor 1").error() == Errc::already_tracked);
    CHECK(kit.presence.track({"room:a", "sensor"}, "sensor 2"));
    CHECK(kit.presence.track({"room:b", "sensor"}, "sensor 1"));
    kit.kit->run();
    CHECK(payloads(ann.receive_all(), "presence_diff").size() == 2);
    CHECK(kit.presence.list("room:a").size() == 2);

    kit.presence.untrack({"room:a", "sensor"}, "sensor 2");
    CHECK(refs(kit.presence.list("room:a"), "sensor 1") == std::vector{*ref});
    kit.presence.untrack({"room:a", "sensor"});
    kit.kit->run();
    CHECK(payloads(ann.receive_all(), "presence_diff").size() == 2);
    CHECK(kit.presence.list("room:a") == Json::object());
    CHECK(kit.presence.list("room:b").size() == 1);
}

TEST_CASE("the limits of presences are errors: metas of a key, bytes of a meta and of a key") {
    PresenceConfig config;
    config.metas_per_key = 2;
    config.meta_bytes = 20;
    config.key_bytes = 4;
    PresenceKit kit{config};
    const auto track = [&](std::string id, std::string_view key, Json meta = Json::object()) {
        const auto ref = kit.presence.track({"room:a", std::move(id)}, key, std::move(meta));
        return ref ? chain::error_code() : ref.error();
    };
    CHECK(track("1", "ann", {{"a", "0123456789ab"}}) == chain::error_code());
    CHECK(track("2", "ann", {{"a", "0123456789abc"}}) == Errc::meta_too_big);
    CHECK(track("2", "ann") == chain::error_code());
    CHECK(track("3", "ann") == Errc::too_many_metas);
    CHECK(track("3", "bobby") == Errc::meta_too_big);
    CHECK(track("3", "\xFF") == Errc::invalid_payload);
    CHECK(track("3", "bob", "text") == Errc::invalid_meta);
    CHECK(track("3", "bob", {{"a", "\xFF"}}) == Errc::invalid_payload);
    CHECK(kit.presence.track({"room:*", "3"}, "bob").error() == Errc::invalid_topic);
    CHECK(kit.presence.update({"room:a", "1"}, "ann", Json{{"a", "0123456789abc"}}).error() ==
          Errc::meta_too_big);
    kit.presence.untrack({"room:a", "1"});
    CHECK(track("3", "ann") == chain::error_code());
    CHECK(PresenceConfig().metas_per_key == 100);
    CHECK(PresenceConfig().meta_bytes == 4096);
    CHECK(PresenceConfig().key_bytes == 255);
}

TEST_CASE("a socket of another handler cannot be tracked, and one that has left neither") {
    PresenceKit kit;
    chain::Handler other{test::quiet()};
    std::optional<Socket> stranger, own;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket& socket) { stranger = socket; });
    other.add(room);
    chain::testing::Kit others{other};
    auto client = others.connect();
    test::join(client, "room:a");
    CHECK(kit.presence.track(*stranger, "ann").error() == Errc::unmatched_topic);
    CHECK(kit.presence.push_state(*stranger) == Errc::unmatched_topic);
    client.disconnect();
    chain::Presence late{other};
    CHECK(late.track(*stranger, "ann").error() == Errc::not_joined);
    CHECK(late.push_state(*stranger) == Errc::not_joined);
    CHECK_THROWS_AS((chain::Presence{other, {.state_event = "_state"}}), std::invalid_argument);
    CHECK_THROWS_AS((chain::Presence{other, {.diff_event = "a,b"}}), std::invalid_argument);
}

TEST_CASE("keys that mean something in JavaScript are keys like others") {
    PresenceKit kit;
    auto ann = kit.member();
    ann.receive_all();
    for (const auto* key : {"__proto__", "constructor", "", "with \"quotes\" and \\", "\u00e9"})
        CHECK(kit.presence.track({"room:a", key}, key));
    kit.kit->run();
    test::Roll roll;
    roll.state(Json::object());
    test::follow(roll, ann.receive_all());
    CHECK(roll.list() == kit.presence.list("room:a"));
    CHECK(roll.list().size() == 5);
}

TEST_CASE("the events of presences may be named otherwise") {
    PresenceKit kit{{.state_event = "who", .diff_event = "who_changed"}};
    const auto frames = kit.member("ann", "{}").receive_all();
    CHECK(payloads(frames, "who").size() == 1);
    CHECK(payloads(frames, "who_changed").size() == 1);
    CHECK(frames.size() == 3);
}

TEST_CASE("within a window a topic's changes are one diff, and what came and went is in none") {
    PresenceKit kit{{.window = 100ms}};
    auto ann = kit.member();
    ann.receive_all();
    const auto bob = kit.presence.track({"room:a", "1"}, "bob");
    kit.presence.track({"room:a", "2"}, "carl");
    kit.presence.track({"room:a", "3"}, "dave");
    kit.presence.untrack({"room:a", "2"});
    const auto eve = kit.presence.update({"room:a", "3"}, "dave", Json{{"x", 1}});
    kit.kit->advance(50ms);
    CHECK(ann.receive_all().empty());
    kit.kit->advance(100ms);
    const auto diff = only_diff(ann.receive_all());
    CHECK(diff.at("joins").size() == 2);
    CHECK(refs(diff.at("joins"), "bob") == std::vector{*bob});
    CHECK(refs(diff.at("joins"), "dave") == std::vector{*eve});
    CHECK(diff.at("leaves") == Json::object());

    // Nothing is left of a window in which all cancels out.
    kit.presence.track({"room:a", "4"}, "frank");
    kit.presence.untrack({"room:a", "4"});
    kit.kit->advance(1s);
    CHECK(ann.receive_all().empty());
    kit.presence.untrack({"room:a", "1"});
    kit.kit->advance(1s);
    CHECK(refs(only_diff(ann.receive_all()).at("leaves"), "bob") == std::vector{*bob});
    CHECK(PresenceConfig().window == 0ms);
}

TEST_CASE(
    "who was in a state that somebody got is in a diff, even when they go within the window") {
    PresenceKit kit{{.window = 100ms}};
    kit.presence.track({"room:a", "1"}, "bob");
    auto ann = kit.member();
    test::Roll roll;
    test::follow(roll, ann.receive_all());
    CHECK(roll.list().contains("bob"));
    kit.presence.untrack({"room:a", "1"});
    kit.kit->advance(1s);
    test::follow(roll, ann.receive_all());
    CHECK(roll.list() == Json::object());

    // A list may be sent by the application too.
    kit.presence.track({"room:a", "2"}, "carl");
    CHECK(kit.presence.get_by_key("room:a", "carl") != nullptr);
    kit.presence.untrack({"room:a", "2"});
    kit.kit->advance(1s);
    CHECK(only_diff(ann.receive_all()).at("leaves").contains("carl"));
}

TEST_CASE("pitfall P14: in counts mode clients hear of numbers only") {
    PresenceKit kit{{.diffs = PresenceDiffs::counts}};
    auto ann = kit.member("ann", R"({"secret":"x"})");
    auto frames = ann.receive_all();
    CHECK(payloads(frames, "presence_state") ==
          std::vector<Json>{{{"counts", {{"ann", 1}}}, {"keys", 1}, {"metas", 1}}});
    kit.member("ann", "{}");
    auto bob = kit.member("bob", "{}");
    frames = ann.receive_all();
    CHECK(payloads(frames, "presence_diff") ==
          std::vector<Json>{{{"counts", {{"ann", 2}}}, {"keys", 1}, {"metas", 2}},
                            {{"counts", {{"bob", 1}}}, {"keys", 2}, {"metas", 3}}});
    bob.disconnect();
    CHECK(only_diff(ann.receive_all()) ==
          Json{{"counts", {{"bob", 0}}}, {"keys", 1}, {"metas", 2}});
}

TEST_CASE("pitfall P14: without diffs nothing is broadcast, and states and the observer go on") {
    std::vector<Json> changes;
    PresenceConfig config;
    config.diffs = PresenceDiffs::none;
    config.on_change = [&](std::string_view, const Json& diff, const Json&) {
        changes.push_back(diff);
    };
    PresenceKit kit{config};
    auto ann = kit.member("ann", "{}");
    auto bob = kit.member("bob", "{}");
    CHECK(payloads(ann.receive_all(), "presence_diff").empty());
    CHECK(payloads(bob.receive_all(), "presence_state").front().size() == 2);
    CHECK(changes.size() == 2);
}

TEST_CASE(
    "the observer of presences sees each diff after its broadcast, with what its keys have now") {
    Frames heard;
    std::vector<std::pair<Json, Json>> seen;
    std::optional<chain::testing::Client> watcher;
    PresenceConfig config;
    config.on_change = [&](std::string_view topic, const Json& diff, const Json& now) {
        heard.emplace_back(topic);
        seen.emplace_back(diff, now);
    };
    PresenceKit kit{config};
    auto bob = kit.member("bob", "{}");
    auto ann = kit.member("ann", R"({"tab":1})");
    auto other = kit.member("ann", R"({"tab":2})");
    REQUIRE(seen.size() == 3);
    CHECK(heard == Frames{"room:a", "room:a", "room:a"});
    CHECK(seen[2].first.at("joins").at("ann").at("metas").size() == 1);
    CHECK(seen[2].second.size() == 1);
    CHECK(seen[2].second.at("ann").at("metas").size() == 2);
    ann.disconnect();
    CHECK(seen.at(3).second.at("ann").at("metas").at(0).at("tab") == 2);
    other.disconnect();
    CHECK(seen.at(4).second == Json{{"ann", {{"metas", Json::array()}}}});
    CHECK(payloads(bob.receive_all(), "presence_diff").back() == seen.at(4).first);
}

TEST_CASE("hooks of presences may use presences: the changes come one after another") {
    std::optional<chain::Presence> presence;
    Frames order;
    PresenceConfig config;
    config.on_change = [&](std::string_view, const Json& diff, const Json&) {
        for (const auto& [key, joined] : diff.at("joins").items()) order.push_back(key);
        if (diff.at("joins").contains("first")) {
            presence->track({"room:a", "hook"}, "second");
            order.push_back("after track");
        }
    };
    config.fetch = [&](std::string_view topic, Json presences) {
        if (presences.contains("ann")) presence->track({std::string(topic), "fetch"}, "fetched");
        return presences;
    };
    PresenceKit kit{config};
    presence = kit.presence;
    auto ann = kit.member();
    test::Roll roll;
    kit.presence.track({"room:a", "app"}, "first");
    kit.kit->run();
    CHECK(order == Frames{"first", "after track", "second"});

    auto bob = kit.member("ann", "{}");
    test::follow(roll, ann.receive_all());
    CHECK(roll.list() == kit.presence.list("room:a"));
    test::Roll other;
    test::follow(other, bob.receive_all());
    CHECK(other.list() == kit.presence.list("room:a"));
    presence.reset();
}

TEST_CASE("a change made while a state is fetched reaches its client after the state") {
    std::optional<chain::Presence> presence;
    bool once = false;
    PresenceConfig config;
    config.fetch = [&](std::string_view, Json presences) {
        if (presences.contains("old") && std::exchange(once, false)) {
            presence->untrack({"room:a", "1"});
            presence->track({"room:a", "2"}, "new");
        }
        return presences;
    };
    PresenceKit kit{config};
    kit.presence.track({"room:a", "1"}, "old");
    presence = kit.presence;
    once = true;
    auto ann = kit.member();
    const auto frames = ann.receive_all();
    test::Roll roll;
    test::follow(roll, frames);
    CHECK(payloads(frames, "presence_state").front().contains("old"));
    CHECK(roll.list() == kit.presence.list("room:a"));
    presence.reset();
}

TEST_CASE("what a hook of presences throws is logged, and nothing else comes of it") {
    auto settings = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    settings.observer = observer;
    PresenceConfig config;
    config.fetch = [](std::string_view, Json) -> Json { throw std::runtime_error("no names"); };
    config.on_change = [](std::string_view, const Json&, const Json&) { throw 1; };
    PresenceKit kit{config, settings};
    auto ann = kit.member("ann", "{}");
    const auto frames = ann.receive_all();
    CHECK(only_diff(frames).at("joins").contains("ann"));
    CHECK(payloads(frames, "presence_state").front().contains("ann"));
    CHECK(observer->count("log the presence hook fetch threw: no names") == 2);
    CHECK(observer->count(
              "log the presence hook on_change threw something that is no std::exception") == 1);
}

TEST_CASE("what a store of the application's throws at a membership's end is logged") {
    struct Broken final : chain::MemoryPresenceStore {
        void flush() override {
            if (broken) throw std::runtime_error("no disk");
        }
        bool broken = false;
    };
    auto settings = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    settings.observer = observer;
    const auto store = std::make_shared<Broken>();
    PresenceKit kit{{.store = store}, settings};
    auto ann = kit.member("ann", "{}");
    store->broken = true;
    ann.disconnect();
    CHECK(observer->count("log the presence hook store threw: no disk") == 1);
    CHECK(observer->count("closed") == 1);
}

TEST_CASE("a socket keeps one watcher however often it tracks") {
    PresenceKit kit;
    auto ann = kit.member();
    for (int i = 0; i < 100; ++i) {
        CHECK(ask(ann, "track", R"({"key":"ann"})").at(3) == 0);
        CHECK(ask(ann, "untrack", R"({"key":"ann"})").at(3) == 0);
    }
    auto bob = kit.member();
    ask(ann, "track", R"({"key":"ann"})");
    bob.receive_all();
    ann.disconnect();
    CHECK(payloads(bob.receive_all(), "presence_diff").size() == 1);
}

TEST_CASE("a presence outlives its handler") {
    std::optional<chain::Presence> presence;
    {
        PresenceKit kit{{.window = 50ms}};
        presence = kit.presence;
        auto ann = kit.member("ann", "{}");
        CHECK(presence->list("room:a").size() == 1);
    }
    CHECK(presence->list("room:a") == Json::object());
    CHECK(presence->track({"room:a", "bot"}, "bot"));
    CHECK(presence->list("room:a").size() == 1);
}
