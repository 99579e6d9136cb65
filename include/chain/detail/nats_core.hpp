// NatsCore: what is behind a NatsAdapter.
#pragma once

#include <chain/adapters/nats.hpp>
#include <chain/detail/adapter_core.hpp>
#include <chain/detail/nats_loop.hpp>
#include <chain/detail/pattern_map.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

struct __natsConnection;
struct __natsOptions;
struct __natsSubscription;

namespace chain::detail {

class NatsCore final : public AdapterCore {
  public:
    NatsCore(net::any_io_executor executor, NatsConfig config);
    ~NatsCore() override;

    error_code publish(std::string_view topic, std::string_view frame) override;

  private:
    /// What the NATS library's callbacks are given; each holds the core weakly.
    struct Route;
    struct Callbacks;

    void begin() override;
    void want(const std::string& topic) override;
    void drop(const std::string& topic) override;
    void end(bool gone) noexcept override;
    error_code hand_over(const std::string& subject, std::string_view frame) const;
    void configure(__natsOptions* options);
    void log_in(__natsOptions* options, int& failed) const;
    void secure(__natsOptions* options, int& failed) const;
    void subscribe_to(const std::string& subject, const std::string& topic);
    void came(const std::string& wanted, std::string_view subject, std::string_view frame);
    /// Is this prefix the one by which a topic is handed over, of all by which it comes?
    bool chosen(const std::string& wanted, std::string_view topic) const;

    NatsConfig config_;
    NatsLoop loop_;
    mutable std::mutex mutex_; ///< Guards the next four.
    __natsConnection* connection_ = nullptr;
    bool writes_ = false; ///< What was published in this turn is going to be written.
    std::unordered_set<std::string, StringHash, std::equal_to<>> topics_;
    std::set<std::string> prefixes_;
    std::map<std::string, std::vector<__natsSubscription*>> subscriptions_; ///< By topic.
};

} // namespace chain::detail
