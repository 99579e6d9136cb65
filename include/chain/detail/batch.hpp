// Batch: what a lane's sessions have to send, gathered over a turn and sent with one write each.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/framing.hpp>
#include <chain/detail/slice.hpp>
#include <chain/detail/topic_entry.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace chain::detail {

class SessionCore;

/// Some of the frames of a turn, which are numbered from 0 in the order of the calls: a bit for
/// each of 64.
struct Mark {
    std::uint32_t block; ///< Their numbers divided by 64.
    std::uint64_t bits;  ///< Of what is left of them.
    bool operator==(const Mark&) const = default;
};

/// What one topic's group, or one session alone, has to send in a turn.
struct Source : Slice {
    std::vector<Mark> marks; ///< Which of the turn's frames these are, in order.
};

/// What the sessions of a lane have to send. Calls append to it; `flush` seals what is there and
/// sends it. A session that one topic alone touched sends that topic's shared slice; one touched by
/// several sources gets their frames put together in the order of the calls.
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
    inline void append(SessionCore& session, const Message& message, bool numbered,
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
    /// One frame of a turn, or several of one session's own, one after another.
    struct Frame {
        const Slice* slice;
        std::uint32_t first, end; ///< Where they are in it.
        const Membership* except; ///< Who does not get it, or null; to be compared only.
        std::string_view plain;   ///< Once the turn is sealed: its bytes, if it is a plain one.
    };

    struct Entry {
        SessionCore* session;
        const Slice* slice; ///< Null when it is merged as it is sent.
        bool merge;         ///< Several sources, or not all frames of one.
        std::uint32_t plan; ///< When it is to be merged: what, by its place in `plans_`.
    };
    struct Plan {
        std::uint32_t first, count; ///< Of its marks in `turn_marks_`.
        std::uint64_t hash;         ///< Of them.
    };
    /// What was merged for a plan.
    struct Merged {
        std::uint32_t plan = none;
        Slice slice;
    };
    static constexpr std::uint32_t none = 0xffffffffU;
    /// So many of the newest plans, and what was merged for them, can be used again in a turn.
    static constexpr std::uint32_t remembered = 16;

    void number(Source& source, std::size_t first);
    void number_own(Source& source);
    Source* take_source();
    void give_back(Source& source);
    void forget_plans() noexcept;
    void recycle();
    inline Source& own_source(SessionCore& session);
    void mark(Membership& member);
    void seal();
    void touch(Group& group, Membership& member);
    void touch(SessionCore& session);
    void plan(Entry& entry);
    void collect(SessionCore& session);
    inline void collect(std::uint32_t block, std::uint64_t bits);
    void insert(const Mark& mark);
    std::uint64_t wanted(const Mark& mark, const Membership& member) const noexcept;
    std::uint32_t plan_of_marks();
    std::span<const Mark> marks_of(std::uint32_t plan) const noexcept;
    static void merge(Slice& out, std::span<const Mark> marks, const std::vector<Frame>& frames);
    const Slice& merged(std::uint32_t plan);
    void close_groups();
    void seal_frames();
    void send(Entry& entry);

    std::vector<Frame> frames_; ///< What was appended since the last turn was sealed, by number.
    std::vector<std::pair<Ref<TopicEntry>, Group*>> open_groups_;
    std::vector<SessionCore*> open_sessions_;
    std::vector<Entry> entries_;
    std::size_t next_ = 0;
    std::vector<Source*> turn_;                ///< What the entries look into.
    std::vector<Frame> turn_frames_;           ///< The same, by number.
    std::vector<std::unique_ptr<Source>> all_; ///< Every source there is.
    std::vector<Source*> free_;
    std::vector<Plan> plans_;      ///< Of the entries that are to be merged.
    std::vector<Mark> turn_marks_; ///< Of all plans.
    std::vector<Mark> marks_;      ///< What one session gets, in order.
    std::vector<Merged> merged_;   ///< By their plans' numbers.
    const Compression& compression_;
};

} // namespace chain::detail
