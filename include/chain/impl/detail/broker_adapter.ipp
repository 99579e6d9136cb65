// Definitions of <chain/detail/broker_adapter.hpp>.
#pragma once

#include <chain/detail/adapter_core.hpp>
#include <chain/detail/broker_adapter.hpp>

#include <utility>

namespace chain::detail {

BrokerAdapter::BrokerAdapter(std::shared_ptr<AdapterCore> core) noexcept : core_(std::move(core)) {}

BrokerAdapter::~BrokerAdapter() { core_->stop(); }

void BrokerAdapter::report_to(Report report) { core_->report_to(std::move(report)); }
void BrokerAdapter::start(Receive receive) { core_->start(std::move(receive)); }
void BrokerAdapter::subscribe(std::string_view topic) { core_->subscribe(topic); }
void BrokerAdapter::unsubscribe(std::string_view topic) { core_->unsubscribe(topic); }
bool BrokerAdapter::echoes() const noexcept { return core_->echoes(); }

bool BrokerAdapter::ready() const noexcept { return core_->ready(); }
void BrokerAdapter::stop() { core_->stop(); }

error_code BrokerAdapter::publish(std::string_view topic, std::string_view frame) {
    return core_->publish(topic, frame);
}

} // namespace chain::detail
