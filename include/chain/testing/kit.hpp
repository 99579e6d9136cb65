// Kit: a handler under test, with virtual time and clients in memory.
#pragma once

#include <chain/handler.hpp>
#include <chain/testing/client.hpp>

#include <chrono>
#include <memory>

namespace chain::testing {

/// Runs a handler on one thread, the test's, without a network and with time that only `advance`
/// moves.
///
/// ```cpp
/// chain::Handler handler;
/// handler.add(room_channel());
/// chain::testing::Kit kit{handler};
/// auto client = kit.connect();
/// client.send(R"([0,1,1,"room:a","_join",{}])");
/// assert(client.receive() == R"([1,1,1,0,{}])");
/// ```
class Kit {
  public:
    /// Takes over the handler's time. Before its first client.
    explicit Kit(Handler handler);
    Kit(const Kit&) = delete;
    Kit& operator=(const Kit&) = delete;
    ~Kit();

    /// The handler under test.
    Handler& handler() noexcept;
    /// Connects a client. Check `Client::refusal`.
    Client connect(Request request = {});
    /// Runs everything that is ready: handlers, coroutines, deliveries.
    void run();
    /// Moves time on, firing what is due on the way, and runs what is ready.
    void advance(std::chrono::milliseconds by);
    /// The io_context that the handler runs in; for coroutines of the test.
    net::io_context& context() noexcept;

    struct State;

  private:
    std::shared_ptr<State> state_;
};

} // namespace chain::testing
