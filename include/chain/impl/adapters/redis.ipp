// Definitions of <chain/adapters/redis.hpp>.
#pragma once

#include <chain/adapters/redis.hpp>
#include <chain/detail/redis_core.hpp>

#include <utility>

namespace chain {

RedisAdapter::RedisAdapter(net::any_io_executor executor, RedisConfig config)
    : BrokerAdapter(std::make_shared<detail::RedisCore>(std::move(executor), std::move(config))) {}

std::size_t RedisAdapter::backlog() const noexcept {
    return static_cast<const detail::RedisCore&>(core()).backlog();
}

} // namespace chain
