// What the tests of the Phoenix dialects share.
#pragma once

#include "core.hpp"

#include <string>
#include <string_view>

namespace test {

/// The request of a client that names this version of the protocol.
inline chain::Request vsn(std::string version) {
    chain::Request request;
    request.query = {{"vsn", std::move(version)}};
    return request;
}

/// A client's frame of version 2. References are written as strings; empty ones as null.
inline std::string v2(std::string_view join_ref, std::string_view ref, std::string_view topic,
                      std::string_view event, std::string_view payload = "{}") {
    const auto reference = [](std::string_view text) {
        return text.empty() ? std::string("null") : '"' + std::string(text) + '"';
    };
    return '[' + reference(join_ref) + ',' + reference(ref) + ",\"" + std::string(topic) + "\",\"" +
           std::string(event) + "\"," + std::string(payload) + ']';
}

/// The server's reply to it.
inline std::string v2_reply(std::string_view join_ref, std::string_view ref, std::string_view topic,
                            std::string_view status = "ok", std::string_view response = "{}") {
    return v2(join_ref, ref, topic, "phx_reply",
              R"({"status":")" + std::string(status) + R"(","response":)" + std::string(response) +
                  '}');
}

/// The server says that the membership has ended.
inline std::string v2_closed(std::string_view join_ref, std::string_view topic) {
    return v2(join_ref, join_ref, topic, "phx_close");
}

inline std::string v2_unmatched(std::string_view ref, std::string_view topic) {
    return v2_reply("", ref, topic, "error", R"({"reason":"unmatched topic"})");
}

/// Clients in memory of a handler, which sends them text only.
struct PhoenixRoom {
    explicit PhoenixRoom(chain::Channel channel, chain::HandlerConfig config = quiet())
        : kit(handler_with({std::move(channel)}, std::move(config))) {}

    /// What is sent to the client in consequence.
    Frames answers(std::string_view frame) {
        client.send(frame);
        return client.receive_all();
    }
    /// Joins with this reference.
    void join(std::string_view topic, std::string_view ref = "1") {
        REQUIRE(answers(v2(ref, ref, topic, "phx_join")) == Frames{v2_reply(ref, ref, topic)});
    }

    chain::testing::Kit kit;
    chain::testing::Client client = kit.connect(vsn("2.0.0"));
};

} // namespace test
