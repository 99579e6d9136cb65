// What the tests of presence share: a client that follows a topic's presences as the clients do.
#pragma once

#include "core.hpp"

#include <chain/presence.hpp>
#include <chain/presence_store.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// The algorithm of the Phoenix clients: who is there, by states and diffs.
class Roll {
  public:
    using Presences = std::map<std::string, std::vector<chain::Json>>;

    /// A state for the current membership replaces what is known; diffs that came before wait.
    void state(const chain::Json& state) {
        Presences next;
        for (const auto& [key, presence] : state.items())
            for (const auto& meta : presence.at("metas")) next[key].push_back(meta);
        known_ = std::move(next);
        synced_ = true;
        for (const auto& diff : std::exchange(waiting_, {})) apply(diff);
    }
    void diff(const chain::Json& diff) {
        ++diffs;
        if (synced_)
            apply(diff);
        else
            waiting_.push_back(diff);
    }
    /// A new membership began.
    void rejoined() {
        synced_ = false;
        waiting_.clear();
    }
    /// In the form of `Presence::list`.
    chain::Json list() const {
        chain::Json all = chain::Json::object();
        for (const auto& [key, metas] : known_) all[key] = {{"metas", metas}};
        return all;
    }

    std::size_t diffs = 0;

  private:
    static bool same(const chain::Json& a, const chain::Json& b) {
        return a.at("phx_ref") == b.at("phx_ref");
    }
    void apply(const chain::Json& diff) {
        for (const auto& [key, presence] : diff.at("joins").items()) {
            auto& metas = known_[key];
            for (const auto& meta : presence.at("metas")) {
                std::erase_if(metas, [&](const auto& known) { return same(known, meta); });
                metas.push_back(meta);
            }
        }
        for (const auto& [key, presence] : diff.at("leaves").items()) {
            const auto found = known_.find(key);
            if (found == known_.end()) continue;
            for (const auto& meta : presence.at("metas"))
                std::erase_if(found->second, [&](const auto& known) { return same(known, meta); });
            if (found->second.empty()) known_.erase(found);
        }
    }

    Presences known_;
    std::vector<chain::Json> waiting_;
    bool synced_ = false;
};

/// The event and payload of a frame of the chain protocol.
inline std::pair<std::string, chain::Json> event_of(const std::string& text) {
    const auto frame = chain::Json::parse(text);
    if (frame.at(0) == 2) return {frame.at(2), frame.at(3)};
    if (frame.at(0) == 0) return {frame.at(4), frame.at(5)};
    return {"reply", frame.at(4)};
}

/// The payloads of an event among frames.
inline std::vector<chain::Json> payloads(const Frames& frames, std::string_view event) {
    std::vector<chain::Json> found;
    for (const auto& text : frames) {
        auto [name, payload] = event_of(text);
        if (name == event) found.push_back(std::move(payload));
    }
    return found;
}

/// Lets a roll follow the frames of a topic.
inline void follow(Roll& roll, const Frames& frames) {
    for (const auto& text : frames) {
        const auto [event, payload] = event_of(text);
        if (event == "presence_state") roll.state(payload);
        if (event == "presence_diff") roll.diff(payload);
    }
}

/// A room in which clients track themselves: with "key" among the params at the join, and by events
/// whose payload is {"key", "meta"}.
inline chain::Channel presence_room(chain::Presence presence) {
    chain::Channel room{"room:*"};
    room.on_join(
        [presence](chain::Socket& socket, const chain::Json& params) mutable -> chain::Reply {
            if (params.contains("key")) {
                const auto ref = presence.track(socket, params.at("key").get<std::string>(),
                                                params.value("meta", chain::Json::object()));
                if (!ref) return chain::Reply::error(ref.error().message());
            }
            if (params.value("refuse", false)) return chain::Reply::error("no");
            presence.push_state(socket);
            return chain::Reply::ok();
        });
    const auto answer = [](const chain::result<std::string>& ref) {
        return ref ? chain::Reply::ok(*ref)
                   : chain::Reply::error(chain::Json{{"code", ref.error().value()}});
    };
    room.on("track", [presence, answer](chain::Socket& socket, const chain::Json& p) mutable {
        return answer(presence.track(socket, p.at("key").get<std::string>(),
                                     p.value("meta", chain::Json::object())));
    });
    room.on("update", [presence, answer](chain::Socket& socket, const chain::Json& p) mutable {
        return answer(presence.update(socket, p.at("key").get<std::string>(), p.at("meta")));
    });
    room.on("untrack", [presence](chain::Socket& socket, const chain::Json& p) mutable {
        presence.untrack(socket, p.at("key").get<std::string>());
        return chain::Reply::ok();
    });
    room.on("untrack_all", [presence](chain::Socket& socket) mutable { presence.untrack(socket); });
    room.on("state", [presence](chain::Socket& socket) mutable { presence.push_state(socket); });
    room.on("throw", [](chain::Socket&) { throw std::runtime_error("on purpose"); });
    return room;
}

/// A handler with such a room and its presence, under test.
struct PresenceKit {
    explicit PresenceKit(chain::PresenceConfig config = {}, chain::HandlerConfig settings = quiet())
        : handler(std::move(settings)), presence(handler, std::move(config)) {
        handler.add(presence_room(presence));
        kit.emplace(handler);
    }

    /// A client that has joined "room:a", and its frames since then.
    chain::testing::Client member(std::string_view params = "{}") {
        auto client = kit->connect();
        client.send(frame(1, 1, "room:a", "_join", params));
        return client;
    }
    chain::testing::Client member(std::string_view key, std::string_view meta) {
        return member(R"({"key":")" + std::string(key) + R"(","meta":)" + std::string(meta) + "}");
    }

    chain::Handler handler;
    chain::Presence presence;
    std::optional<chain::testing::Kit> kit;
};

} // namespace test
