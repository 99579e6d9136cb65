// ChannelCore: what is behind a Channel.
#pragma once

#include <chain/detail/handler_traits.hpp>
#include <chain/detail/pattern_map.hpp>
#include <chain/rate.hpp>
#include <chain/slow_policy.hpp>
#include <chain/topic.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace chain::detail {

class PubSubCore;

struct ChannelCore {
    explicit ChannelCore(std::string topic_pattern) : pattern(std::move(topic_pattern)) {}

    struct Feed {
        TopicPattern topics;
        std::string event;
    };

    TopicPattern pattern;
    PatternMap<std::shared_ptr<Callback>> join;
    PatternMap<std::shared_ptr<Callback>> in;
    PatternMap<std::shared_ptr<Callback>> leave;
    PatternMap<std::shared_ptr<OutCallback>> out;
    PatternMap<SlowPolicy> slow; ///< By event.
    PatternMap<Rate> rates;      ///< By event.
    std::vector<Feed> feeds;
    std::atomic<bool> frozen{false};

    std::mutex mutex; ///< Guards the next.
    std::vector<std::weak_ptr<PubSubCore>> pubsubs;
};

} // namespace chain::detail
