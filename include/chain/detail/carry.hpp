// Gives a session a connection over the stream of a request.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/on_socket.hpp>
#include <chain/detail/on_stream.hpp>
#include <chain/detail/session_core.hpp>

#include <memory>
#include <utility>

namespace chain::detail {

/// Begins with a connection that speaks `Protocol` over a socket that is in the lane's context.
template <class Protocol, class Socket, class Start, class... Args>
void start_on(Socket socket, const Start& start, const Args&... args) {
    start(*std::make_shared<OnSocket<Protocol, Socket>>(std::move(socket), args...));
}

/// Moves what is a LooseSocket or a ByteStream into a socket of the lane, and begins. On the lane.
template <class Protocol, class From, class Start, class... Args>
void start_in(Lane& lane, From& from, const Start& start, const Args&... args) {
    if (lane.context()) {
        PlainSocket socket(*lane.context());
        from.move_into(socket);
        start_on<Protocol>(std::move(socket), start, args...);
    } else {
        AnySocket socket(lane.bare_executor());
        from.move_into(socket);
        start_on<Protocol>(std::move(socket), start, args...);
    }
}

/// Makes a connection that speaks `Protocol` over `stream` (a socket is moved to the session's
/// lane), and calls `start` with it there. For the stream's executor.
template <class Protocol, class Start, class... Args>
void carry(std::unique_ptr<ByteStream> stream, const Ref<SessionCore>& session, Start start,
           Args... args) {
    auto& lane = session->lane();
    const bool home = lane.runs_on(stream->executor());
    if (!stream->movable()) {
        auto agent = std::make_shared<StreamAgent>(std::move(stream), Ref<Lane>(&lane));
        const std::shared_ptr<OnStream<Protocol>> connection(
            new OnStream<Protocol>(std::move(agent), session, args...),
            DeleteOnLane{Ref<Lane>(&lane)});
        if (home)
            start(*connection);
        else
            lane.post([connection, start] { start(*connection); });
    } else if (home) {
        start_in<Protocol>(lane, *stream, start, session, args...);
    } else if (auto socket = stream->release()) {
        lane.post([socket, session, start, args...] {
            if (session->lane().closed()) return;
            start_in<Protocol>(session->lane(), *socket, start, session, args...);
        });
    }
}

} // namespace chain::detail
