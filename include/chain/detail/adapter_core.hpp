// AdapterCore: what the adapters that speak to a broker have in common.
#pragma once

#include <chain/adapter.hpp>
#include <chain/detail/call_gate.hpp>
#include <chain/detail/topic_grace.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace chain::detail {

/// An adapter's strand on the application's executor, the topics that it wants, its health, and its
/// end, which may come before that of the execution context or after it.
class AdapterCore : public std::enable_shared_from_this<AdapterCore> {
  public:
    using Strand = net::strand<net::any_io_executor>;

    AdapterCore(net::any_io_executor executor, std::chrono::milliseconds grace);
    virtual ~AdapterCore();

    // What the adapter is told; any thread.
    void report_to(Adapter::Report report) { report_ = std::move(report); }
    void start(Adapter::Receive receive);
    void subscribe(std::string_view topic);
    void unsubscribe(std::string_view topic);
    virtual error_code publish(std::string_view topic, std::string_view frame) = 0;
    void stop() noexcept;
    virtual bool echoes() const noexcept { return false; }
    bool ready() const noexcept { return up_; }

    // For its parts.
    /// Runs `task` on the strand. @return false when the adapter or the context has ended
    template <class F>
    bool post(F task) {
        const std::lock_guard lock(life_);
        if (ended_) return false;
        net::post(*strand_, [self = shared_from_this(), task = std::move(task)]() mutable {
            if (!self->ended_) task();
        });
        return true;
    }
    /// On the strand, before the end.
    const Strand& strand() const noexcept { return *strand_; }
    /// Hands over what came from the broker; inside a call of `gate`.
    void receive(std::string_view topic, std::string_view frame) const { receive_(topic, frame); }
    CallGate& gate() noexcept { return gate_; }
    /// Tells that the broker can be reached, or why not; each change once.
    void up();
    void down(error_code reason, std::string_view text);
    void lost(std::size_t count, error_code reason) const;

    /// The execution context goes.
    void context_gone() noexcept;

  protected:
    // On the strand.
    virtual void begin() = 0;
    virtual void want(const std::string& topic) = 0;
    virtual void drop(const std::string& topic) = 0;
    /// Ends what runs; with `gone`, also destroys all I/O objects.
    virtual void end(bool gone) noexcept = 0;

  private:
    net::any_io_executor executor_;
    std::chrono::milliseconds grace_period_;
    Adapter::Receive receive_;
    Adapter::Report report_;
    CallGate gate_;
    std::mutex life_; ///< Whoever posts holds it, so that the end is not in between.
    std::optional<Strand> strand_;
    std::atomic<bool> ended_{true};
    std::shared_ptr<TopicGrace> grace_;
    std::atomic<bool> up_{false};
    std::string trouble_; ///< What was told last; empty while the broker can be reached.
};

} // namespace chain::detail
