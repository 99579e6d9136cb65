// Batch: what a lane's sessions have to send, gathered over a turn and sent with one write each.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/slice.hpp>
#include <chain/detail/topic_entry.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace chain::detail {

class SessionCore;

/// What the sessions of a lane have to send. Calls append to it; `flush` seals what is there and
/// sends it. A session that one topic alone touched sends that topic's shared slice; one touched by
/// several sources gets their frames merged in the order of the calls.
class Batch {
  public:
    explicit Batch(const Compression& compression);
    ~Batch();

    /// Appends a broadcast's text for a group; `except` may name a member that does not get it.
    void append(Group& group, std::string_view text, bool binary, const Membership* except);
    /// Appends a frame for one session.
    void append(SessionCore& session, std::string_view text, bool binary, bool numbered);
    /// Appends framed bytes for one session, which do not count among its frames.
    void append_framed(SessionCore& session, std::string_view bytes);

    /// A member came during the turn: it gets what is appended to its group from now on.
    void joined(Membership& member);
    /// A member, settled, leaves its group.
    void leaving(Membership& member);
    /// The last member, settled, has left the group: nobody reads what was appended to it.
    void abandoned(Group& group) noexcept;
    /// Turns all that `session` has coming into frames of its own, before it leaves a group or
    /// changes its encoding.
    void settle(SessionCore& session);
    /// Sends now what `session` has coming.
    void deliver(SessionCore& session);
    /// Drops what `session` has coming.
    void forget(SessionCore& session) noexcept;

    /// True when something waits to be sent.
    bool pending() const noexcept;
    /// Sends to at most `budget` sessions. @return true when more are left.
    bool flush(std::size_t budget);

  private:
    struct Entry {
        SessionCore* session;
        Slice* slice;
        bool merge; ///< Several sources: to be merged before it is sent.
    };
    struct Source {
        const Slice* slice;
        std::size_t index;
    };

    void append(Slice& slice, Framing framing, std::string_view text, bool binary, bool numbered);
    Slice* take_slice();
    void give_back(Slice& slice);
    void recycle();
    Slice& own_slice(SessionCore& session);
    void mark(Membership& member);
    void seal();
    void touch(Group& group, Membership& member);
    void touch(SessionCore& session);
    void collect(SessionCore& session);
    Slice* merged(SessionCore& session);
    void close_groups();
    void send(Entry& entry);

    std::uint64_t order_ = 0;
    std::vector<std::pair<Ref<TopicEntry>, Group*>> open_groups_;
    std::vector<SessionCore*> open_sessions_;
    std::vector<Entry> entries_;
    std::size_t next_ = 0;
    std::vector<Slice*> turn_;                ///< Slices that the entries look into.
    std::vector<std::unique_ptr<Slice>> all_; ///< Every slice there is.
    std::vector<Slice*> free_;
    std::vector<Source> sources_;
    const Compression& compression_;
};

} // namespace chain::detail
