// RedisCore: what is behind a RedisAdapter: one connection to write, one to read.
#pragma once

#include <chain/adapters/redis.hpp>
#include <chain/detail/adapter_core.hpp>
#include <chain/detail/redis_reader.hpp>
#include <chain/detail/redis_writer.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace chain::detail {

class RedisCore final : public AdapterCore {
  public:
    RedisCore(net::any_io_executor executor, RedisConfig config);
    ~RedisCore() override;

    const RedisConfig& config() const noexcept { return config_; }
    /// Redis sends a publisher's own messages back, by channels and in streams.
    bool echoes() const noexcept override { return true; }
    RedisWriter& writer() noexcept { return writer_; }
    error_code publish(std::string_view topic, std::string_view frame) override {
        return writer_.publish(topic, frame);
    }

    std::size_t backlog() const noexcept { return writer_.backlog(); }

    /// A connection has come about. On the strand.
    void connected();

  private:
    void begin() override;
    void want(const std::string& topic) override;
    void drop(const std::string& topic) override;
    void end(bool gone) noexcept override;

    RedisConfig config_;
    RedisWriter writer_;
    std::unique_ptr<RedisReader> reader_;
};

} // namespace chain::detail
