// Keeper: keeps a session's frames as they are sent, when the session can be resumed.
#pragma once

#include <chain/detail/framing.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/outbox.hpp>
#include <chain/detail/resume_state.hpp>
#include <chain/detail/session_core.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chain::detail {

/// Keeps the frames that are numbered while it lives, and then holds to the limits. Does nothing
/// for a session that cannot be resumed.
class SessionCore::Keeper final : public FrameSink {
  public:
    explicit Keeper(SessionCore& session) noexcept : session_(session) {
        if (!session.resume_) return;
        before_ = session.resume_->kept.bytes();
        now_ = session.lane().ticks();
    }
    ~Keeper() override {
        if (session_.resume_) session_.account_kept(before_);
    }
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    FrameSink* sink() noexcept { return session_.resume_ ? this : nullptr; }

    void numbered(std::string_view framed) override {
        session_.resume_->kept.keep(unframed(session_.framing(), framed), now_);
    }

  private:
    SessionCore& session_;
    std::size_t before_ = 0;
    std::uint32_t now_ = 0;
};

} // namespace chain::detail
