// Definitions of <chain/adapters/nats.hpp>.
#pragma once

#include <chain/adapters/nats.hpp>
#include <chain/detail/nats_core.hpp>

#include <utility>

namespace chain {

NatsAdapter::NatsAdapter(net::any_io_executor executor, NatsConfig config)
    : BrokerAdapter(std::make_shared<detail::NatsCore>(std::move(executor), std::move(config))) {}

} // namespace chain
