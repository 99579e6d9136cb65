// LoopbackAdapter: joins the pub/subs of several handlers in one process.
#pragma once

#include <chain/adapter.hpp>

#include <memory>

namespace chain {

/// A broker in the process: what each of its adapters publishes reaches all the others that
/// subscribed. Thread-safe. For tests, and for processes that run several handlers as if they were
/// nodes.
class LoopbackHub {
  public:
    LoopbackHub();
    ~LoopbackHub();

    /// A new node's adapter, for `PubSub::attach`. It keeps the hub alive.
    std::shared_ptr<Adapter> adapter();

  private:
    class Node;
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace chain
