// Adapter: carries publications to the other nodes.
#pragma once

#include <chain/error.hpp>

#include <functional>
#include <string_view>

namespace chain {

/// Carries publications between the nodes of a cluster, over whatever broker it speaks to. Each
/// call may come from any thread, but never two of `subscribe` and `unsubscribe` at once. No lock
/// of the library is held during a call.
class Adapter {
  public:
    /// Takes what other nodes sent: the topic (or the pattern subscribed to, where that is all that
    /// is known) and the frame's bytes. From any thread.
    using Receive = std::function<void(std::string_view topic, std::string_view frame)>;

    virtual ~Adapter() = default;

    /// Called once, before all else.
    virtual void start(Receive receive) = 0;
    /// This node has subscribers of `topic` now; a trailing `*` makes it a prefix. Called when the
    /// first one came.
    virtual void subscribe(std::string_view topic) = 0;
    /// The last one has gone.
    virtual void unsubscribe(std::string_view topic) = 0;
    /// Sends `frame`, opaque bytes, to every node that subscribed to `topic`, at best not to this
    /// one.
    /// @return no error when it is taken; `Errc::adapter_failed`
    virtual error_code publish(std::string_view topic, std::string_view frame) = 0;
    /// Called once, after all else: no `receive` runs after it returned.
    virtual void stop() = 0;
};

} // namespace chain
