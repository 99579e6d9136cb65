// BrokerAdapter: an adapter that is a handle of an AdapterCore.
#pragma once

#include <chain/adapter.hpp>

#include <memory>
#include <string_view>

namespace chain::detail {

class AdapterCore;

class BrokerAdapter : public Adapter {
  public:
    BrokerAdapter(const BrokerAdapter&) = delete;
    BrokerAdapter& operator=(const BrokerAdapter&) = delete;
    ~BrokerAdapter() override;

    void report_to(Report report) override;
    void start(Receive receive) override;
    void subscribe(std::string_view topic) override;
    void unsubscribe(std::string_view topic) override;
    error_code publish(std::string_view topic, std::string_view frame) override;
    bool echoes() const noexcept override;
    bool ready() const noexcept override;
    void stop() override;

  protected:
    explicit BrokerAdapter(std::shared_ptr<AdapterCore> core) noexcept;
    AdapterCore& core() const noexcept { return *core_; }

  private:
    std::shared_ptr<AdapterCore> core_;
};

} // namespace chain::detail
