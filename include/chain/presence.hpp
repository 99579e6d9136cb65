// Presence: who is in a topic.
#pragma once

#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/json.hpp>
#include <chain/presence_store.hpp>
#include <chain/socket.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace chain {

/// What is broadcast when somebody comes, changes or goes.
enum class PresenceDiffs : std::uint8_t {
    metas,  ///< `{"joins": {key: {"metas": [...]}}, "leaves": {...}}`
    counts, ///< `{"counts": {key: metas now}, "keys": K, "metas": M}`
    none,   ///< Nothing.
};

/// Settings of a Presence.
struct PresenceConfig {
    std::string state_event = "presence_state"; ///< The name of what `push_state` pushes.
    std::string diff_event = "presence_diff";   ///< The name of what is broadcast.
    PresenceDiffs diffs = PresenceDiffs::metas; ///< What is broadcast.
    /// Changes of a topic are gathered for so long and broadcast at once; 0 sends each by itself.
    std::chrono::milliseconds window{0};
    std::size_t metas_per_key = 100; ///< More is `Errc::too_many_metas`.
    std::size_t meta_bytes = 4096;   ///< A meta as JSON text; more is `Errc::meta_too_big`.
    std::size_t key_bytes = 255;     ///< A key, as UTF-8; more is `Errc::meta_too_big`.
    /// Enriches presences on their way out, `{key: {"metas": [...]}}`: returns them with more
    /// members beside "metas", which stay as they are. Called once for each list, state, and side
    /// of a diff, on the thread that makes it, with no lock held.
    std::function<Json(std::string_view topic, Json presences)> fetch = {};
    /// Sees each change after its broadcast, one at a time per topic, with no lock held: the diff
    /// `{"joins", "leaves"}`, and what each of its keys has now, `{key: {"metas": [...]}}`, with
    /// no metas when the last one has gone.
    std::function<void(std::string_view topic, const Json& diff, const Json& now)> on_change = {};
    /// This node's name, as its host's. One that it keeps when it starts again lets the others drop
    /// what it had before at once; empty means a random one.
    std::string node = {};
    /// Empty means this process's memory, shared with the other nodes where the handler has an
    /// adapter.
    std::shared_ptr<PresenceStore> store = {};
};

/// Whose an entry is: a socket's, or something of the application's own in a topic.
class PresenceOwner {
  public:
    /// Entries of a socket go when its membership ends.
    PresenceOwner(const Socket& socket) : socket_(socket) {} // as an argument: `track(socket, ...)`
    /// Entries of the application stay until it untracks them: `track({"room:a", "bot"}, ...)`.
    PresenceOwner(std::string topic, std::string id)
        : topic_(std::move(topic)), id_(std::move(id)) {}

  private:
    friend class detail::PresenceCore;

    std::optional<Socket> socket_;
    std::string topic_, id_;
};

/// Who is in a topic of a handler, on all its nodes: a map from keys (users, say) to metas, one for
/// each tab or device that is there under this key. A meta is a JSON object of the application's;
/// `phx_ref`, and after an update `phx_ref_prev`, are added to it. A shared handle; every call from
/// any thread.
///
/// ```cpp
/// page.on_join([presence](Socket& socket, const Json& params) mutable {
///     presence.track(socket, params.at("name").get<std::string>(), {{"device", "phone"}});
///     presence.push_state(socket);
/// });
/// ```
class Presence {
  public:
    /// @throws std::invalid_argument when the events' names are not allowed
    explicit Presence(const Handler& handler, PresenceConfig config = {});

    /// Adds a meta to a key. In a join handler too; should the join be refused, it goes again.
    /// @return its ref; `Errc::already_tracked` when the owner tracks this key already,
    /// `Errc::not_joined`, `Errc::closed`, `Errc::unmatched_topic` (a socket of another handler),
    /// `Errc::invalid_topic`, `Errc::invalid_meta`, `Errc::invalid_payload`,
    /// `Errc::too_many_metas`, `Errc::meta_too_big`
    result<std::string> track(const PresenceOwner& owner, std::string_view key,
                              Json meta = Json::object());
    /// Replaces the owner's meta of a key, in one diff.
    /// @return the new ref; `Errc::not_present` when the owner does not track the key,
    /// `Errc::invalid_meta`, `Errc::invalid_payload`, `Errc::meta_too_big`
    result<std::string> update(const PresenceOwner& owner, std::string_view key, Json meta);
    /// The same with `Json f(const Json& old)`, which is called again when another thread has
    /// changed the meta meanwhile.
    template <std::invocable<const Json&> F>
    requires(!std::convertible_to<F, Json>) result<std::string> update(const PresenceOwner& owner,
                                                                       std::string_view key, F f) {
        return update_with(owner, key, std::function<Json(const Json&)>(std::move(f)));
    }
    /// Removes the owner's meta of a key, if there is one.
    void untrack(const PresenceOwner& owner, std::string_view key);
    /// Removes all that the owner tracks.
    void untrack(const PresenceOwner& owner);

    /// All presences of a topic: `{key: {"metas": [...]}}`.
    Json list(std::string_view topic) const;
    /// The presences of a key, `{"metas": [...]}`, or null when there are none.
    Json get_by_key(std::string_view topic, std::string_view key) const;
    /// How many keys and metas a topic has.
    PresenceCounts count(std::string_view topic) const;
    /// Pushes the presences of the socket's topic to it, as `PresenceConfig::state_event`. Whatever
    /// changes afterwards reaches it as a diff.
    /// @return as `Socket::push`, and `Errc::unmatched_topic`
    error_code push_state(const Socket& socket) const;

  private:
    result<std::string> update_with(const PresenceOwner& owner, std::string_view key,
                                    const std::function<Json(const Json&)>& change);

    std::shared_ptr<detail::PresenceCore> core_;
};

} // namespace chain
