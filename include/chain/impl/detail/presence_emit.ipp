// Definitions of <chain/detail/presence_core.hpp>: telling of changes.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/presence_core.hpp>
#include <chain/pubsub.hpp>

#include <exception>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace chain::detail {

/// Broadcasts what is pending in a topic when it runs; when it is destroyed unrun, as its lane is
/// gone, another lane has to.
class PresenceCore::Flush {
  public:
    Flush(std::weak_ptr<PresenceCore> core, std::string topic)
        : core_(std::move(core)), topic_(std::move(topic)) {}
    ~Flush() {
        const auto core = ran_ ? nullptr : core_.lock();
        if (core) core->hand_over(topic_);
    }
    Flush(const Flush&) = delete;
    Flush& operator=(const Flush&) = delete;

    /// It need not run.
    void dismiss() noexcept { ran_ = true; }
    void run() {
        ran_ = true;
        if (const auto core = core_.lock()) core->emit(topic_);
    }

  private:
    std::weak_ptr<PresenceCore> core_;
    std::string topic_;
    bool ran_ = false;
};

/// A change was made: broadcasts it, now or later. `quietly` lets no user code run here.
void PresenceCore::settle(const std::string& topic, bool quietly) {
    if (!wants_changes()) return;
    if (config_.window.count() > 0)
        schedule(topic, quietly);
    else if (quietly)
        hand_over(topic);
    else
        work_off(topic);
}

void PresenceCore::schedule(const std::string& topic, bool quietly) {
    {
        auto& shard = this->shard(topic);
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.topics.find(topic);
        if (found == shard.topics.end() || std::exchange(found->second.scheduled, true)) return;
    }
    const auto flush = std::make_shared<Flush>(weak_from_this(), topic);
    const auto task = [flush] { flush->run(); };
    auto* here = Lane::current();
    if (here && &here->handler().pubsub() == pubsub_.get() && !quietly) {
        here->after(config_.window, task);
        return;
    }
    for (const auto& lane : lanes())
        if (lane->post([lane, task, window = config_.window] { lane->after(window, task); }))
            return;
    if (!quietly) flush->run();
}

/// Lets any lane that is alive broadcast what is pending. Without one there is nobody to hear it.
void PresenceCore::hand_over(const std::string& topic) {
    for (const auto& lane : lanes()) {
        const auto flush = std::make_shared<Flush>(weak_from_this(), topic);
        if (lane->post([flush] { flush->run(); })) return;
        flush->dismiss();
    }
    auto& shard = this->shard(topic);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.topics.find(topic);
    if (found != shard.topics.end() && !found->second.emitting) shard.topics.erase(found);
}

std::vector<Ref<Lane>> PresenceCore::lanes() const {
    const auto handler = handler_.lock();
    return handler ? handler->lanes() : std::vector<Ref<Lane>>();
}

void PresenceCore::emit(const std::string& topic) {
    {
        auto& shard = this->shard(topic);
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.topics.find(topic);
        if (found == shard.topics.end()) return;
        found->second.scheduled = false;
        found->second.due = true;
    }
    work_off(topic);
}

/// Makes this thread the one that broadcasts the topic's changes. @return false when another is.
bool PresenceCore::begin(const std::string& topic) {
    auto& shard = this->shard(topic);
    const std::lock_guard lock(shard.mutex);
    return !std::exchange(shard.topics[topic].emitting, true);
}

/// Broadcasts what is due, unless another thread is at it.
void PresenceCore::work_off(const std::string& topic) {
    if (begin(topic)) finish(topic);
}

void PresenceCore::finish(const std::string& topic) {
    for (Batch batch; take(topic, batch); batch = {}) send(topic, batch);
}

/// Takes what is due; when nothing is, ends this thread's turn.
bool PresenceCore::take(const std::string& topic, Batch& batch) {
    auto& shard = this->shard(topic);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.topics.find(topic);
    auto& state = found->second;
    if (!std::exchange(state.due, false)) {
        state.emitting = false;
        if (state.pending.empty() && !state.scheduled) shard.topics.erase(found);
        return false;
    }
    batch.joins = state.pending.joins();
    batch.leaves = state.pending.leaves();
    state.pending = {};
    if (config_.diffs != PresenceDiffs::counts && !config_.on_change) return true;
    for (const auto* side : {&batch.joins, &batch.leaves})
        for (const auto& entry : *side)
            batch.now.try_emplace(entry->key, store_->find(topic, entry->key));
    batch.counts = store_->count(topic);
    return true;
}

void PresenceCore::send(const std::string& topic, const Batch& batch) {
    if (batch.joins.empty() && batch.leaves.empty()) return;
    const bool told = config_.diffs == PresenceDiffs::metas || config_.on_change;
    const auto diff = told ? R"({"joins":)" + presences(topic, batch.joins) + R"(,"leaves":)" +
                                 presences(topic, batch.leaves) + "}"
                           : std::string();
    if (config_.diffs != PresenceDiffs::none) {
        catch_up(topic);
        const auto payload =
            config_.diffs == PresenceDiffs::metas ? diff : counts_text(batch.now, batch.counts);
        PubSub(pubsub_).local_broadcast(topic, config_.diff_event, Payload::view(payload));
    }
    if (config_.on_change) tell(topic, diff, batch);
}

/// On a lane's thread, lets earlier diffs of other threads reach its sockets before the next one.
void PresenceCore::catch_up(const std::string& topic) {
    const auto route = pubsub_->router().find(topic);
    const auto lane = route ? route->lane_here() : nullptr;
    if (!lane) return;
    const Lane::Scope scope(*lane);
    lane->apply_mailbox();
}

void PresenceCore::tell(const std::string& topic, const std::string& diff,
                        const Batch& batch) noexcept {
    try {
        Json now = Json::object();
        for (const auto& [key, entries] : batch.now) {
            auto& metas = now[key]["metas"] = Json::array();
            for (const auto& entry : entries) metas.push_back(Json::parse(entry->meta));
        }
        config_.on_change(topic, Json::parse(diff), now);
    } catch (...) {
        hook_threw("on_change");
    }
}

error_code PresenceCore::push_state(const Socket& socket) {
    const auto& membership = SocketAccess::membership(socket);
    auto& lane = membership->session().lane();
    if (&lane.handler().pubsub() != pubsub_.get()) return make_error_code(Errc::unmatched_topic);
    if (socket.status() > SocketStatus::joined) return make_error_code(Errc::not_joined);
    if (!lane.here()) {
        const bool posted =
            lane.post([self = shared_from_this(), socket] { self->push_state_here(socket); });
        return posted ? error_code{} : make_error_code(Errc::closed);
    }
    return push_state_here(socket);
}

/// Nothing is broadcast from this thread between the look at the presences and the push, even when
/// the fetch hook makes changes.
error_code PresenceCore::push_state_here(Socket socket) {
    const auto topic = socket.topic();
    const bool mine = begin(topic);
    const auto text = state_text(topic);
    const auto failed = socket.push(config_.state_event, Payload::view(text));
    if (mine) finish(topic);
    return failed;
}

std::string PresenceCore::state_text(const std::string& topic) {
    const auto entries = shown(topic);
    if (config_.diffs != PresenceDiffs::counts) return presences(topic, entries);
    Now now;
    for (const auto& entry : entries) now[entry->key].push_back(entry);
    return counts_text(now, {now.size(), entries.size()});
}

/// `{"counts": {key: metas}, "keys": K, "metas": M}`.
std::string PresenceCore::counts_text(const Now& now, PresenceCounts counts) {
    std::string text = R"({"counts":{)";
    for (const auto& [key, entries] : now) {
        if (text.back() != '{') text += ',';
        text.append(Json(key).dump()).append(":").append(std::to_string(entries.size()));
    }
    text.append("},\"keys\":").append(std::to_string(counts.keys));
    return text.append(",\"metas\":").append(std::to_string(counts.metas)).append("}");
}

/// `{key: {"metas": [...]}}`.
std::string PresenceCore::presences_text(const PresenceEntries& entries) {
    std::vector<std::pair<const std::string*, std::string>> groups;
    std::unordered_map<std::string_view, std::size_t> index;
    for (const auto& entry : entries) {
        const auto [found, fresh] = index.emplace(entry->key, groups.size());
        if (fresh) groups.emplace_back(&entry->key, std::string());
        auto& metas = groups[found->second].second;
        if (!metas.empty()) metas += ',';
        metas += entry->meta;
    }
    std::string text = "{";
    for (const auto& [key, metas] : groups) {
        if (text.size() > 1) text += ',';
        text.append(Json(*key).dump()).append(R"(:{"metas":[)").append(metas).append("]}");
    }
    return text += '}';
}

/// As text, enriched by the fetch hook.
std::string PresenceCore::presences(std::string_view topic, const PresenceEntries& entries) {
    auto text = presences_text(entries);
    if (!config_.fetch || entries.empty()) return text;
    const auto rich = to_text(enriched(topic, Json::parse(text)));
    return rich ? *rich : text;
}

/// With what the fetch hook adds beside the metas.
Json PresenceCore::enriched(std::string_view topic, Json presences) const noexcept {
    if (!config_.fetch || presences.empty()) return presences;
    try {
        auto rich = config_.fetch(topic, presences);
        for (auto& [key, presence] : presences.items()) {
            const auto found = rich.find(key);
            if (found == rich.end() || !found->is_object()) continue;
            found->erase("metas");
            presence.update(*found);
        }
    } catch (...) {
        hook_threw("fetch");
    }
    return presences;
}

/// For the log: a hook has thrown what is being handled.
void PresenceCore::hook_threw(std::string_view hook) const noexcept {
    const auto handler = handler_.lock();
    if (!handler) return;
    handler->notify([&](Observer& o) {
        std::string text = "the presence hook " + std::string(hook) + " threw";
        try {
            throw;
        } catch (const std::exception& thrown) {
            text.append(": ").append(thrown.what());
        } catch (...) {
            text += " something that is no std::exception";
        }
        o.log(LogLevel::error, text);
    });
}

} // namespace chain::detail
