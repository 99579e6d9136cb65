// Definitions of <chain/detail/redis_core.hpp>.
#pragma once

#include <chain/detail/redis_core.hpp>
#include <chain/detail/redis_stream_reader.hpp>
#include <chain/detail/redis_subscriber.hpp>

#include <utility>

namespace chain::detail {

RedisCore::RedisCore(net::any_io_executor executor, RedisConfig config)
    : AdapterCore(std::move(executor), config.grace), config_(std::move(config)), writer_(*this) {
    if (config_.mode == RedisMode::pubsub)
        reader_ = std::make_unique<RedisSubscriber>(*this);
    else
        reader_ = std::make_unique<RedisStreamReader>(*this, writer_.epoch());
}

RedisCore::~RedisCore() = default;

void RedisCore::begin() {
    post([this] {
        writer_.start();
        reader_->start();
    });
}

void RedisCore::connected() {
    if (writer_.connected() && reader_->connected()) up();
}

void RedisCore::want(const std::string& topic) { reader_->want(topic); }

void RedisCore::drop(const std::string& topic) { reader_->drop(topic); }

void RedisCore::end(bool gone) noexcept {
    writer_.shut();
    writer_.end(gone);
    reader_->end(gone);
}

} // namespace chain::detail
