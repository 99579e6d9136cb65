// PresenceCore: what is behind a Presence.
#pragma once

#include <chain/detail/end_watcher.hpp>
#include <chain/detail/pattern_map.hpp>
#include <chain/detail/presence_pending.hpp>
#include <chain/detail/pubsub_core.hpp>
#include <chain/presence.hpp>
#include <chain/presence_store.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class HandlerCore;
class Lane;

/// Who tracks what, and the way of changes to the clients. A change is made under the lock of its
/// topic's shard. It is broadcast, and user code sees it, without a lock, by one thread at a time
/// per topic, in the order of the changes: whoever comes while another thread is at it leaves the
/// work to that one.
class PresenceCore final : public EndWatcher, public std::enable_shared_from_this<PresenceCore> {
  public:
    using Change = std::function<Json(const Json&)>;

    /// @throws std::invalid_argument when the events' names are not allowed
    static std::shared_ptr<PresenceCore> make(const Handler& handler, PresenceConfig config);

    result<std::string> track(const PresenceOwner& owner, std::string_view key, Json meta);
    result<std::string> update(const PresenceOwner& owner, std::string_view key,
                               const Change& change);
    void untrack(const PresenceOwner& owner, std::string_view key);
    void untrack(const PresenceOwner& owner);
    Json list(std::string_view topic);
    Json find(std::string_view topic, std::string_view key);
    PresenceCounts count(std::string_view topic);
    error_code push_state(const Socket& socket);
    void ended(Membership& membership, bool quietly) noexcept override;

  private:
    using Owned = StringMap<PresenceEntryPtr>;
    using Now = StringMap<PresenceEntries>;
    struct Topic {
        PresencePending pending;
        bool due = false;       ///< Is it time to broadcast what is pending?
        bool emitting = false;  ///< Is a thread at it?
        bool scheduled = false; ///< Does a timer run for it?
    };
    struct Shard {
        std::mutex mutex;
        StringMap<Owned> owners;
        StringMap<Topic> topics; ///< Those of which something is going on.
    };
    /// What one broadcast tells.
    struct Batch {
        PresenceEntries joins, leaves;
        Now now; ///< Of the keys that changed, where somebody wants to know.
        PresenceCounts counts;
    };
    class Flush;

    PresenceCore(const Handler& handler, PresenceConfig config);

    static const std::string& topic_of(const PresenceOwner& owner) noexcept;
    static std::string id_of(const PresenceOwner& owner);
    static std::string id_of(const Membership& membership);
    Shard& shard(std::string_view topic) noexcept {
        return shards_[StringHash{}(topic) % shards_.size()];
    }
    error_code check(const PresenceOwner& owner, std::string_view key) const;
    result<PresenceEntryPtr> make_entry(std::string_view key, Json meta, std::string_view prev);
    std::string make_ref();
    bool wants_changes() const noexcept;
    error_code watch(const PresenceOwner& owner);
    void change(Shard& shard, std::string_view topic, PresenceEntries joins,
                PresenceEntries leaves);
    void apply(Shard& shard, const PresenceChange& change);
    void drop(std::string_view topic, const std::string& id, bool quietly);
    void merge(const PresenceChange& change);
    PresenceEntries shown(std::string_view topic);

    void settle(const std::string& topic, bool quietly = false);
    void schedule(const std::string& topic, bool quietly);
    void hand_over(const std::string& topic);
    std::vector<Ref<Lane>> lanes() const;
    void emit(const std::string& topic);
    bool begin(const std::string& topic);
    void work_off(const std::string& topic);
    void finish(const std::string& topic);
    bool take(const std::string& topic, Batch& batch);
    void send(const std::string& topic, const Batch& batch);
    void catch_up(const std::string& topic);
    void tell(const std::string& topic, const std::string& diff, const Batch& batch) noexcept;
    error_code push_state_here(Socket socket);
    std::string state_text(const std::string& topic);
    static std::string counts_text(const Now& now, PresenceCounts counts);
    static std::string presences_text(const PresenceEntries& entries);
    std::string presences(std::string_view topic, const PresenceEntries& entries);
    Json enriched(std::string_view topic, Json presences) const noexcept;
    void hook_threw(std::string_view hook) const noexcept;

    PresenceConfig config_;
    std::weak_ptr<HandlerCore> handler_;
    std::shared_ptr<PubSubCore> pubsub_;
    std::shared_ptr<PresenceStore> store_;
    std::shared_ptr<const PresenceNode> node_;
    std::array<std::uint8_t, 6> ref_prefix_;
    std::atomic<std::uint64_t> refs_{0};
    std::array<Shard, 64> shards_;
};

} // namespace chain::detail
