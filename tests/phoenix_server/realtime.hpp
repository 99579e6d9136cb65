// The channel that realtime-js, Supabase's client, expects on "realtime:*": broadcasts and presence
// as events.
#pragma once

#include <chain/chain.hpp>

#include <string>

namespace realtime {

using chain::Json, chain::Reply, chain::Socket;

/// What a client asked for when it joined.
struct Wishes {
    std::string key; ///< Of its presence.
    bool hears_itself = false;
    bool wants_answers = false;
};

inline Reply join(Socket& socket, const Json& params) {
    const auto config = params.value("config", Json::object());
    const auto broadcast = config.value("broadcast", Json::object());
    auto& wishes = socket.state<Wishes>();
    wishes.key = config.value("presence", Json::object()).value("key", "");
    if (wishes.key.empty()) wishes.key = socket.id();
    wishes.hears_itself = broadcast.value("self", false);
    wishes.wants_answers = broadcast.value("ack", false);
    return Reply::ok({{"postgres_changes", Json::array()}});
}

inline chain::Channel channel(chain::Presence presence) {
    chain::Channel room{"realtime:*"};
    room.on_join([presence](Socket& socket, const Json& params) {
        presence.push_state(socket);
        return join(socket, params);
    });
    room.on("presence", [presence](Socket& socket, const Json& message) mutable {
        const auto& key = socket.state<Wishes>().key;
        // realtime-js forgets the refs of metas that a join of the same key finds, so that they
        // could not leave in the same diff: an update is a leave and then a join here.
        presence.untrack(socket, key);
        if (message.at("event") == "track")
            presence.track(socket, key, message.value("payload", Json::object()));
        return Reply::ok();
    });
    room.on("broadcast", [](Socket& socket, const chain::Payload& message) {
        const auto& wishes = socket.state<Wishes>();
        if (wishes.hears_itself)
            socket.broadcast("broadcast", message);
        else
            socket.broadcast_from("broadcast", message);
        return wishes.wants_answers ? Reply::ok() : Reply::none();
    });
    room.on("access_token", [](Socket&) {});
    return room;
}

} // namespace realtime
