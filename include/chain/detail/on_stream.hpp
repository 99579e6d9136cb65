// OnStream: carries a connection over a stream that knows no readiness, such as TLS.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/stream_agent.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace chain::detail {

/// Destroys what lives on a lane there, whoever was the last to hold it.
struct DeleteOnLane {
    template <class T>
    void operator()(T* object) const {
        std::shared_ptr<T> last(object);
        if (!lane->here()) lane->post([last = std::move(last)] {});
    }
    Ref<Lane> lane;
};

/// Carries `Protocol` over a stream that an agent works, perhaps on another executor, where
/// operations hold it too.
template <class Protocol>
class OnStream final : public Protocol, public AgentEvents {
    using State = typename Protocol::State;

  public:
    template <class... Args>
    explicit OnStream(std::shared_ptr<StreamAgent> agent, Args&&... args)
        : Protocol(std::forward<Args>(args)...), agent_(std::move(agent)) {}

  private:
    std::shared_ptr<AgentEvents> self() {
        return std::static_pointer_cast<OnStream>(this->shared_from_this());
    }

    void set_up() noexcept override {}

    void wait_readable() override {
        if (this->state() == State::closed || std::exchange(reading_, true)) return;
        agent_->read(self());
    }
    void agent_read(error_code failed, std::span<char> bytes) override {
        reading_ = false;
        if (this->state() == State::closed) return;
        const Lane::Scope scope(this->session().lane());
        if (!bytes.empty()) this->came(bytes);
        if (failed && this->state() != State::closed) this->broken();
        wait_readable();
    }

    std::size_t send(std::string_view bytes) noexcept override {
        if (this->session().lane().closed()) return bytes.size();
        return agent_->write(bytes, self());
    }
    bool sending() const noexcept override { return agent_->writing(); }
    void wait_writable() override { waiting_ = true; }
    void agent_wrote(error_code failed) override {
        if (std::exchange(waiting_, false)) this->writable(static_cast<bool>(failed));
    }

    void part() noexcept override { agent_->part(self()); }
    void agent_parted() override {
        if (this->state() == State::closed) return;
        const Lane::Scope scope(this->session().lane());
        this->shut();
    }
    void shut_sending() noexcept override {}
    void close_stream() noexcept override { agent_->close(); }

    std::shared_ptr<StreamAgent> agent_;
    bool reading_ = false;
    bool waiting_ = false; ///< Does somebody wait until more can be sent?
};

} // namespace chain::detail
