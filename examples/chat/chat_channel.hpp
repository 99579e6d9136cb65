// The channel of the chat, which the examples chat and mounted share.
#pragma once

#include <chain/chain.hpp>

#include <cstddef>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace chat {

using chain::Json, chain::Reply, chain::Socket;

inline constexpr std::size_t max_rooms = 200, max_history = 50, max_name = 120, max_text = 12'000;

struct User {
    std::string name;
};
struct Message {
    std::string id, text;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Message, id, text)

/// Somebody in a room. Their secret key lets them in again when the connection was lost.
struct Person {
    std::string key;
    int windows = 0;
};

struct Room {
    std::map<std::string, Person> people;
    std::deque<Json> history;
};

/// All rooms. The server runs a thread per core, and handlers on each of them: hence the mutex.
struct House {
    std::mutex mutex;
    std::map<std::string, Room> rooms;
};

inline chain::Channel chat_channel(House& house) {
    chain::Channel chat{"chat:*"};

    chat.on_join([&house](Socket& socket, const Json& params) -> Reply {
        const auto name = params.value("name", ""), key = params.value("key", "");
        if (name.find_first_not_of(' ') == name.npos) return Reply::error("a name is required");
        if (name.size() + key.size() > max_name) return Reply::error("that name is too long");

        const std::lock_guard lock{house.mutex};
        if (!house.rooms.count(socket.topic()) && house.rooms.size() >= max_rooms)
            return Reply::error("there are too many rooms");
        Room& room = house.rooms[socket.topic()];
        Person& person = room.people.try_emplace(name, Person{key}).first->second;
        if (person.key != key) return Reply::error("that name is taken");

        socket.state<User>().name = name;
        if (++person.windows == 1) socket.broadcast_from("joined", {{"name", name}});
        Json people = Json::array();
        for (const auto& [other, _] : room.people) people.push_back(other);
        return Reply::ok({{"people", people}, {"history", room.history}});
    });
    chat.on("message", [&house](Socket& socket, const Message& message) -> Reply {
        const auto& [id, text] = message;
        if (text.empty()) return Reply::error("there is nothing to send");
        if (id.size() + text.size() > max_text) return Reply::error("that message is too long");
        Json entry = message;
        entry.update({{"from", socket.state<User>().name}, {"time", std::time(nullptr)}});
        // Held until it is broadcast, so that the history's order is everybody's order.
        const std::lock_guard lock{house.mutex};
        auto& history = house.rooms[socket.topic()].history;
        history.push_back(entry);
        if (history.size() > max_history) history.pop_front();
        socket.broadcast("message", entry);
        return Reply::ok();
    });
    chat.on("typing", [](Socket& socket, const Json& typing) {
        const auto& name = socket.state<User>().name;
        socket.broadcast_from("typing", {{"name", name}, {"on", typing.value("on", false)}});
    });
    chat.on_leave([&house](Socket& socket, chain::LeaveReason) {
        const auto& name = socket.state<User>().name;
        const std::lock_guard lock{house.mutex};
        auto& people = house.rooms[socket.topic()].people;
        if (--people[name].windows > 0) return;
        people.erase(name);
        socket.broadcast("left", {{"name", name}});
    });
    return chat;
}

} // namespace chat
