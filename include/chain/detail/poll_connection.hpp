// PollConnection: a session's carrier whose client polls.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/poll_answers.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/timer_wheel.hpp>
#include <chain/transports/longpoll.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

struct BrokenRule;
class PollTable;
class SessionCore;

/// Answers a poll with this body; with none when the poll is not that of a living session's client.
/// May be called on any thread, and does not call back.
using PollReply = std::function<void(std::optional<std::string> body)>;

/// What a client has posted.
struct PostedFrames {
    struct Frame {
        std::string text;
        bool binary = false;
    };
    std::vector<Frame> frames;
    std::atomic<bool> given_up{false}; ///< The client has been told that it took too long.
};

/// What became of it.
struct PostTaken {
    int status = 200;
    std::string_view reason = {}; ///< Why frames were refused.
};

/// A session's carrier for as long as the session lives, whatever requests come and go. Frames are
/// taken while a poll waits; until then they wait in the session. Lives on the session's lane.
class PollConnection final : public Connection,
                             public std::enable_shared_from_this<PollConnection> {
  public:
    PollConnection(Ref<SessionCore> session, const LongPollConfig& config,
                   std::shared_ptr<PollTable> table);
    ~PollConnection() override;

    /// The session's lane. Any thread.
    Lane& lane() const noexcept;

    /// Attaches itself to the session. @return the first answer's body, which brings the token
    std::string start();
    /// A poll of a client that has got the answer number `seen`. An older poll that still waits is
    /// answered at once.
    void poll(std::uint32_t seen, PollReply reply);
    /// Handles what the client has posted, frame by frame, up to one that is none.
    PostTaken take(const PostedFrames& posted);

    Framing framing() const noexcept override { return Framing::lines; }
    std::size_t write(std::string_view bytes) noexcept override;
    void close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept override;

  private:
    struct Watch : TimerNode {
        using TimerNode::TimerNode;
        PollConnection* connection = nullptr;
    };

    void watch();
    void arm(std::chrono::milliseconds after);
    void answer(std::string body);
    PostTaken refuse(int status, const BrokenRule& rule);

    Ref<SessionCore> session_;
    std::chrono::milliseconds window_;
    std::size_t answer_bytes_;
    std::shared_ptr<PollTable> table_;
    PollAnswers answers_;
    PollReply waiting_; ///< Of the poll that waits, if one does.
    Watch watch_;
    bool closed_ = false;
};

} // namespace chain::detail
