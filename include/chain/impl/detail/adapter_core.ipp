// Definitions of <chain/detail/adapter_core.hpp>.
#pragma once

#include <chain/detail/adapter_core.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <vector>

namespace chain::detail {

/// Tells the adapters of an execution context that it goes.
class AdapterService : public net::execution_context::service {
  public:
    using key_type = AdapterService;
    static inline net::execution_context::id id;

    explicit AdapterService(net::execution_context& context) : service(context) {}

    void add(std::weak_ptr<AdapterCore> core) {
        const std::lock_guard lock(mutex_);
        std::erase_if(cores_, [](const auto& other) { return other.expired(); });
        cores_.push_back(std::move(core));
    }

  private:
    void shutdown() override {
        for (const auto& weak : std::exchange(cores_, {}))
            if (const auto core = weak.lock()) core->context_gone();
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<AdapterCore>> cores_;
};

AdapterCore::AdapterCore(net::any_io_executor executor, std::chrono::milliseconds grace)
    : executor_(std::move(executor)), grace_period_(grace) {}

AdapterCore::~AdapterCore() = default;

void AdapterCore::start(Adapter::Receive receive) {
    receive_ = std::move(receive);
    auto& context = net::query(executor_, net::execution::context);
    net::use_service<AdapterService>(context).add(weak_from_this());
    strand_.emplace(net::make_strand(executor_));
    grace_ = std::make_shared<TopicGrace>(*strand_, grace_period_,
                                          [this](const std::string& topic) { drop(topic); });
    ended_ = false;
    begin();
}

void AdapterCore::subscribe(std::string_view topic) {
    post([this, topic = std::string(topic)] {
        if (grace_->begin(topic)) want(topic);
    });
}

void AdapterCore::unsubscribe(std::string_view topic) {
    post([this, topic = std::string(topic)] { grace_->end(topic); });
}

void AdapterCore::stop() noexcept {
    {
        const std::lock_guard lock(life_);
        if (!ended_.exchange(true))
            net::post(*strand_, [self = shared_from_this()] {
                self->grace_->stop();
                self->end(false);
            });
    }
    gate_.close();
    up_ = false;
}

void AdapterCore::context_gone() noexcept {
    {
        const std::lock_guard lock(life_);
        ended_ = true;
    }
    up_ = false;
    end(true);
    grace_.reset();
    strand_.reset();
}

void AdapterCore::up() {
    if (up_.exchange(true)) return;
    trouble_.clear();
    if (report_) report_({AdapterNotice::Kind::up, {}, 0, {}});
}

void AdapterCore::down(error_code reason, std::string_view text) {
    up_ = false;
    auto trouble = reason.message().append(text);
    if (std::exchange(trouble_, trouble) == trouble) return;
    if (report_) report_({AdapterNotice::Kind::down, reason, 0, text});
}

void AdapterCore::lost(std::size_t count, error_code reason) const {
    if (report_) report_({AdapterNotice::Kind::lost, reason, count, {}});
}

} // namespace chain::detail
