// SlowPolicy: what becomes of messages that wait for a client which reads too slowly.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace chain {

/// What becomes of messages while they wait for a client that reads too slowly. Replies, and what
/// the protocol says about memberships, are never dropped; nor is a message of which a part is on
/// its way already. Where this does not bring the backlog below the limits, the client's connection
/// is closed with 1013.
struct SlowPolicy {
    /// What becomes of them.
    enum class Kind : std::uint8_t {
        close,       ///< They are kept; past a limit the connection is closed with 1013.
        drop_oldest, ///< Past a limit the oldest are dropped; the client is told how many, in the
                     ///< event `_gap` on their topic.
        conflate,    ///< A newer one takes the place of an older one with the same key.
    };

    Kind kind = Kind::close; ///< What becomes of them.
    /// When conflating: the member of the payload that is the key, besides topic and event. Empty:
    /// these two alone.
    std::string member = {};

    /// All of them matter: a client that cannot keep up has to go.
    static SlowPolicy close() { return {}; }
    /// The newest matter most.
    static SlowPolicy drop_oldest() { return {Kind::drop_oldest, {}}; }
    /// Only the newest matters, of those of one topic and event and, where it is given, with one
    /// value of the payload's `member`.
    static SlowPolicy conflate(std::string member = {}) {
        return {Kind::conflate, std::move(member)};
    }
};

} // namespace chain
