// Unclaimed: a session that waits for its first connection.
#pragma once

#include <chain/detail/session_core.hpp>
#include <chain/session.hpp>

#include <utility>

namespace chain::detail {

/// Ends a session that no connection has claimed, as the answer did not reach the client.
struct Unclaimed {
    explicit Unclaimed(Ref<SessionCore> opened) : session(std::move(opened)) {}
    Unclaimed(const Unclaimed&) = delete;
    Unclaimed& operator=(const Unclaimed&) = delete;
    ~Unclaimed() {
        if (session) Session(session).close(1001);
    }
    Ref<SessionCore> session;
};

} // namespace chain::detail
