// Batch: what a lane's sessions have to send, gathered over a turn and sent with one write each.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/framing.hpp>
#include <chain/detail/slice.hpp>
#include <chain/detail/topic_entry.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
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

    /// A text as connections of this framing get it: compressed, where that makes it smaller.
    FrameText fit(Framing framing, const FrameText& text) const;
    /// Appends a broadcast for a group, as its connections get it; `except` may name a member that
    /// does not.
    /// @return false when it is binary, and connections of the group carry text only
    bool append(Group& group, const FrameText& frame, const Membership* except,
                const SharedFate& fate);
    /// Appends a frame for one session. @return as above
    bool append(SessionCore& session, std::string_view text, bool binary, bool numbered,
                const SharedFate& fate = nullptr);
    /// Appends a message for one session whose connections get its text as it is, as WebSockets
    /// without compression do: it is written where it is sent from.
    void append(SessionCore& session, const Message& message, bool numbered,
                const SharedFate& fate);
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
    /// Frames of one slice that wait for a session, in order.
    struct Run {
        const Slice* slice;
        std::size_t next;         ///< The first that was not taken yet.
        const Membership* member; ///< Whose exceptions apply, or null.
        std::uint64_t order;      ///< Of the next, or `used_up`.
        bool operator==(const Run&) const = default;
    };
    static constexpr std::uint64_t used_up = std::numeric_limits<std::uint64_t>::max();

    struct Entry {
        SessionCore* session;
        const Slice* slice; ///< Null when `runs` are to be merged, which is done as it is sent.
        bool merge;         ///< Several sources.
        std::uint32_t plan; ///< When it is to be merged: where `plans_` lists them.
    };
    struct Plan {
        std::uint32_t first, count; ///< Of the runs in `turn_runs_`.
        std::uint64_t hash;         ///< Of them.
    };
    /// What was merged for a plan.
    struct Merged {
        std::uint32_t plan = none;
        Slice slice;
    };
    static constexpr std::uint32_t none = 0xffffffffU;
    /// So many of the newest plans, and what was merged for them, can be used again in a turn.
    static constexpr std::size_t remembered = 16;

    void append(Slice& slice, Framing framing, const FrameText& frame, bool numbered,
                const SharedFate& fate);
    Slice* take_slice();
    void give_back(Slice& slice);
    void forget_plans() noexcept;
    void recycle();
    Slice& own_slice(SessionCore& session);
    void mark(Membership& member);
    void seal();
    void touch(Group& group, Membership& member);
    void touch(SessionCore& session);
    void plan(Entry& entry);
    void collect(SessionCore& session);
    std::uint32_t plan_of_runs();
    void merge(Slice& out);
    Run* earliest() noexcept;
    std::span<const Run> runs_of(std::uint32_t plan) const noexcept;
    const Slice& merged(std::uint32_t plan);
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
    std::vector<Plan> plans_;    ///< Of the entries that are to be merged.
    std::vector<Run> turn_runs_; ///< Of all plans.
    std::vector<Run> runs_;      ///< What is being merged.
    std::vector<Merged> merged_; ///< By their plans' numbers.
    const Compression& compression_;
};

} // namespace chain::detail
