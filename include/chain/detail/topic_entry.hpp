// TopicEntry: the subscribers that one topic has on one lane.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/serializer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace chain::detail {

class Membership;
class Route;
class TopicEntry;
struct ChannelCore;
struct Source;

/// Subscribers whose connections want the same bytes.
struct Group {
    TopicEntry& topic;
    const Serializer& serializer;
    Framing framing;
    std::vector<Membership*> members;
    /// What this turn has for them so far, or null.
    Source* open = nullptr;
    /// Members that do not get all of `open`.
    std::vector<Membership*> marked;
};

/// The subscribers that one topic has on one lane.
class TopicEntry : public RefCounted<TopicEntry> {
  public:
    TopicEntry(std::string name, std::shared_ptr<ChannelCore> channel,
               std::shared_ptr<Route> route);
    ~TopicEntry();

    const std::string& name() const noexcept { return name_; }
    ChannelCore& channel() const noexcept { return *channel_; }
    const std::shared_ptr<Route>& route() const noexcept { return route_; }
    /// The group for these bytes, made when it is new.
    Group& group(const Serializer& serializer, Framing framing);
    std::vector<std::unique_ptr<Group>>& groups() noexcept { return groups_; }
    /// Memberships whose join has not been answered yet: they keep what is broadcast.
    std::vector<Membership*>& joining() noexcept { return joining_; }
    bool unused() const noexcept;

  private:
    std::string name_;
    std::shared_ptr<ChannelCore> channel_;
    std::shared_ptr<Route> route_;
    std::vector<std::unique_ptr<Group>> groups_;
    std::vector<Membership*> joining_;
};

} // namespace chain::detail
