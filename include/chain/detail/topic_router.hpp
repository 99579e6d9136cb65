// TopicRouter: on which lanes of this node each topic has subscribers.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/pattern_map.hpp>
#include <chain/detail/ref_counted.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

struct ChannelCore;

/// The lanes on which one topic has subscribers. Publishers that reach several lanes hold `mutex`
/// while they do, so that the topic's broadcasts come to every lane in the same order. No user code
/// runs under it.
class Route {
  public:
    Route(std::string topic, std::shared_ptr<ChannelCore> channel)
        : topic_(std::move(topic)), channel_(std::move(channel)) {}
    ~Route();

    const std::string& topic() const noexcept { return topic_; }
    /// The channel that serves the topic.
    const ChannelCore& channel() const noexcept { return *channel_; }
    /// The lane, when there is exactly one. Needs no lock.
    Lane* sole() const noexcept { return sole_.load(); }

    /// The lane among them whose own thread this is, or null: what it publishes acts at once, in
    /// the order of its calls.
    Ref<Lane> lane_here();

    std::mutex& mutex() noexcept { return mutex_; }
    /// Under the mutex.
    const std::vector<Ref<Lane>>& lanes() const noexcept { return lanes_; }

  private:
    friend class TopicRouter;

    std::string topic_;
    std::shared_ptr<ChannelCore> channel_;
    std::mutex mutex_;
    std::vector<Ref<Lane>> lanes_;
    std::atomic<Lane*> sole_{nullptr};
};

/// On which lanes of this node each topic has subscribers. Thread-safe.
class TopicRouter {
  public:
    /// Called when a topic's first lane has come (true) or its last one has gone (false), with no
    /// lock held.
    using Changed = std::function<void(const std::string& topic, bool wanted)>;

    explicit TopicRouter(Changed changed) : changed_(std::move(changed)) {}

    /// `lane` has subscribers of `topic` now.
    std::shared_ptr<Route> add(std::string_view topic, const std::shared_ptr<ChannelCore>& channel,
                               Lane& lane);
    /// It has none any more.
    void remove(const std::shared_ptr<Route>& route, Lane& lane);
    /// The topic's route, or null when it has no subscribers here.
    std::shared_ptr<Route> find(std::string_view topic) const;
    bool contains(std::string_view topic) const { return find(topic) != nullptr; }

  private:
    struct Shard {
        mutable std::mutex mutex;
        StringMap<std::shared_ptr<Route>> routes;
    };

    const Shard& shard(std::string_view topic) const noexcept {
        return shards_[StringHash{}(topic) % shards_.size()];
    }
    Shard& shard(std::string_view topic) noexcept {
        return shards_[StringHash{}(topic) % shards_.size()];
    }

    Changed changed_;
    std::array<Shard, 64> shards_;
};

} // namespace chain::detail
