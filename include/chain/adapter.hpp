// Adapter: carries publications to the other nodes.
#pragma once

#include <chain/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace chain {

/// What an adapter tells about its broker.
struct AdapterNotice {
    /// What it is about.
    enum class Kind : std::uint8_t {
        up,   ///< The broker can be reached.
        down, ///< It cannot, because of `reason`.
        lost, ///< `count` messages were or may have been lost, because of `reason`.
    };

    Kind kind = Kind::up;       ///< What it is about.
    error_code reason = {};     ///< Why, unless it is up.
    std::size_t count = 0;      ///< 0 when nobody knows how many.
    std::string_view text = {}; ///< What the broker said, for the log.
};

/// Carries publications between the nodes of a cluster, over whatever broker it speaks to. Each
/// call may come from any thread, but never two of `subscribe` and `unsubscribe` at once. No lock
/// of the library is held during a call.
class Adapter {
  public:
    /// Takes what other nodes sent: the topic that it was published on, and the frame's bytes. From
    /// any thread.
    using Receive = std::function<void(std::string_view topic, std::string_view frame)>;
    /// Takes what the adapter tells about its broker. From any thread.
    using Report = std::function<void(const AdapterNotice& notice)>;

    virtual ~Adapter() = default;

    /// Called once, before `start`. An adapter whose broker is always there need not report.
    virtual void report_to(Report) {}
    /// Called once, before all else.
    virtual void start(Receive receive) = 0;
    /// This node has subscribers of `topic` now; a trailing `*` makes it a prefix. Called when the
    /// first one came.
    virtual void subscribe(std::string_view topic) = 0;
    /// The last one has gone.
    virtual void unsubscribe(std::string_view topic) = 0;
    /// Sends `frame`, opaque bytes, to every node that subscribed to `topic`; of this one, see
    /// `echoes`.
    /// @return no error when it is taken; `Errc::adapter_down`, `Errc::adapter_full`,
    /// `Errc::adapter_failed`
    virtual error_code publish(std::string_view topic, std::string_view frame) = 0;
    /// Does what this node publishes come back to it where it has subscribed to the topic? Then the
    /// node sees by that whether messages come through; else it relies on `ready`.
    virtual bool echoes() const noexcept { return false; }
    /// Can the broker be reached now? Thread-safe.
    virtual bool ready() const noexcept { return true; }
    /// Called once, after all else: no `receive` runs after it returned.
    virtual void stop() = 0;
};

} // namespace chain
