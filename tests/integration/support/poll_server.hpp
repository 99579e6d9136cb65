// A server whose clients poll.
#pragma once

#include "test_server.hpp"

#include <chain/transports/longpoll.hpp>
#include <chain/transports/websocket.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace test {

/// A server whose handler has a long-poll transport with these settings, and a WebSocket transport.
struct PollServer : TestServer {
    explicit PollServer(chain::LongPollConfig poll = {}, chain::HandlerConfig config = {},
                        chain::Channel channel = room_channel(), unsigned threads = 1)
        : TestServer(std::move(channel), std::move(config),
                     {.port = 0, .threads = threads, .request_timeout = patience}) {
        handler.add(std::make_shared<chain::LongPollTransport>(std::move(poll)))
            .add(std::make_shared<chain::WebSocketTransport>());
        start();
    }
    /// Waits until the handler has so many sessions ended.
    bool closed(std::size_t count) {
        return watch->signal.wait([&] { return watch->closed == count; });
    }
    /// Says a JSON value to everybody in the room.
    void publish(const std::string& value) const {
        REQUIRE_FALSE(handler.pubsub().broadcast("room:a", "say", chain::Json::parse(value)));
    }
};

} // namespace test
