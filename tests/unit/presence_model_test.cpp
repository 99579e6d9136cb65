// Presence: random changes against a naive model, and against clients that follow states and diffs.
#include "../support/presence.hpp"
#include "../support/rounds.hpp"

#include <random>
#include <set>

using chain::Json;
using test::frame, test::Frames;
using namespace std::chrono_literals;

namespace {

/// Who tracks which keys, with their refs, by the name of the owner.
using Tracked = std::map<std::string, std::map<std::string, std::string>>;

std::map<std::string, std::set<std::string>> refs_of(const Json& presences) {
    std::map<std::string, std::set<std::string>> refs;
    for (const auto& [key, presence] : presences.items())
        for (const auto& meta : presence.at("metas")) refs[key].insert(meta.at("phx_ref"));
    return refs;
}

std::map<std::string, std::set<std::string>> refs_of(const Tracked& model) {
    std::map<std::string, std::set<std::string>> refs;
    for (const auto& [owner, keys] : model)
        for (const auto& [key, ref] : keys) refs[key].insert(ref);
    return refs;
}

struct Member {
    std::string name;
    std::optional<chain::testing::Client> client;
    test::Roll roll;
    int join_ref = 0; ///< Zero when it is not joined.
};

class World {
  public:
    World(chain::PresenceConfig config, unsigned seed) : kit_(std::move(config)), random_(seed) {
        for (int i = 0; i < 6; ++i) members_.push_back({"m" + std::to_string(i), {}, {}, 0});
    }

    void step() {
        auto& member = members_[below(members_.size())];
        if (!member.client) member.client = kit_.kit->connect();
        const auto what = below(12);
        if (what < 4)
            change(member);
        else if (what < 6)
            join(member);
        else if (what == 6)
            leave(member);
        else if (what == 7)
            disconnect(member);
        else if (what == 8)
            say(member, "state", Json::object());
        else if (what < 11)
            change_own("bot" + std::to_string(below(3)));
        else
            kit_.kit->advance(std::chrono::milliseconds(50 * below(4)));
        kit_.kit->run();
        for (auto& other : members_) read(other);
    }

    void check_list() { CHECK(refs_of(kit_.presence.list("room:a")) == refs_of(model_)); }
    void check_rolls() {
        const auto list = kit_.presence.list("room:a");
        for (auto& member : members_) {
            read(member);
            if (member.join_ref != 0) CHECK(member.roll.list() == list);
        }
    }
    void settle() { kit_.kit->advance(1s); }
    std::size_t diffs() const {
        std::size_t sum = 0;
        for (const auto& member : members_) sum += member.roll.diffs;
        return sum;
    }

  private:
    std::size_t below(std::size_t bound) { return random_() % bound; }
    std::string key() { return std::string(1, static_cast<char>('a' + below(4))); }

    void read(Member& member) {
        if (!member.client) return;
        const auto frames = member.client->receive_all();
        if (member.join_ref != 0) test::follow(member.roll, frames);
    }
    /// @return what the reply carries, when it is ok
    std::optional<Json> say(Member& member, std::string_view event, const Json& payload) {
        if (member.join_ref == 0) return std::nullopt;
        member.client->send(frame(member.join_ref, 7, "room:a", event, payload.dump()));
        const auto frames = member.client->receive_all();
        test::follow(member.roll, frames);
        for (const auto& text : frames) {
            const auto read = Json::parse(text);
            if (read.at(0) == 1 && read.at(3) == 0) return read.at(4);
        }
        return std::nullopt;
    }
    void change(Member& member) {
        const auto name = key();
        const auto what = below(4);
        if (what < 2) {
            if (const auto ref = say(member, "track", {{"key", name}}))
                model_[member.name][name] = *ref;
        } else if (what == 2) {
            const auto ref = say(member, "update", {{"key", name}, {"meta", {{"n", below(99)}}}});
            if (ref) model_[member.name][name] = *ref;
        } else {
            say(member, "untrack", {{"key", name}});
            if (member.join_ref != 0) model_[member.name].erase(name);
        }
    }
    void join(Member& member) {
        const auto name = key();
        model_.erase(member.name);
        member.join_ref = ++joins_;
        member.roll.rejoined();
        member.client->send(frame(joins_, joins_, "room:a", "_join", R"({"key":")" + name + "\"}"));
        const auto frames = member.client->receive_all();
        test::follow(member.roll, frames);
        const auto all = kit_.presence.get_by_key("room:a", name).at("metas");
        model_[member.name][name] = all.back().at("phx_ref");
    }
    void leave(Member& member) {
        member.client->send(frame(0, 8, "room:a", "_leave"));
        member.join_ref = 0;
        model_.erase(member.name);
    }
    void disconnect(Member& member) {
        member.client->disconnect();
        member.client.reset();
        member.join_ref = 0;
        model_.erase(member.name);
    }
    void change_own(const std::string& bot) {
        const auto name = key();
        const chain::PresenceOwner owner{"room:a", bot};
        const auto what = below(4);
        if (what == 3) kit_.presence.untrack(owner);
        if (what == 3) model_.erase(bot);
        if (what == 2) kit_.presence.untrack(owner, name);
        if (what == 2) model_[bot].erase(name);
        if (what >= 2) return;
        const auto ref = what == 0 ? kit_.presence.track(owner, name)
                                   : kit_.presence.update(owner, name, Json{{"n", below(99)}});
        if (ref) model_[bot][name] = *ref;
    }

    test::PresenceKit kit_;
    std::mt19937 random_;
    std::vector<Member> members_;
    Tracked model_;
    int joins_ = 0;
};

} // namespace

TEST_CASE(
    "whatever is tracked, every client that follows states and diffs knows the server's list") {
    for (unsigned seed = 1; seed <= test::rounds(20); ++seed) {
        CAPTURE(seed);
        World world({}, seed);
        for (int i = 0; i < 200; ++i) {
            world.step();
            world.check_list();
            world.check_rolls();
        }
        CHECK(world.diffs() > 100);
    }
}

TEST_CASE("whatever is tracked within windows, every client knows the server's list after them") {
    for (unsigned seed = 1; seed <= test::rounds(40); ++seed) {
        CAPTURE(seed);
        World world({.window = 100ms}, seed);
        for (int i = 0; i < 20; ++i) {
            for (int k = 0; k < 15; ++k) world.step();
            world.check_list();
            world.settle();
            world.check_rolls();
        }
        CHECK(world.diffs() > 50);
    }
}
