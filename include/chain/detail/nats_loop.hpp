// NatsLoop: serves the socket of a NATS connection on the application's executor.
#pragma once

#include <chain/detail/adapter_core.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>

struct __natsConnection;
struct __natsOptions;

namespace chain::detail {

/// The event loop that the NATS library asks for. Its callbacks come from any thread; all is done
/// on the adapter's strand, on a descriptor of its own, as the library closes its one at any time.
class NatsLoop {
  public:
    /// @param ping  the library asks the server for a sign of life so often; 0: never
    /// @param pings  so many intervals without one, and one more, end the connection
    NatsLoop(AdapterCore& core, std::chrono::milliseconds ping, int pings)
        : core_(core), ping_(ping), pings_(pings) {}

    /// Has a connection with these options use this loop.
    bool install(__natsOptions* options);
    /// Writes what waits; the library would only have it written after a millisecond, and by way of
    /// a thread of its own. On the strand.
    void write();
    /// On the strand, or when nothing runs: the connection is not touched any more.
    void end(bool gone) noexcept;

  private:
    struct Callbacks;
    enum class Want { read, write };

    void attach(__natsConnection* connection, int socket);
    void set(Want want, bool on);
    void wait(Want want);
    void watch();
    bool& wanted(Want want) noexcept { return want == Want::read ? reads_ : writes_; }
    bool& waiting(Want want) noexcept {
        return want == Want::read ? waits_to_read_ : waits_to_write_;
    }

    AdapterCore& core_;
    std::chrono::milliseconds ping_;
    int pings_;
    __natsConnection* connection_ = nullptr;
    std::shared_ptr<net::posix::stream_descriptor> descriptor_;
    std::optional<net::steady_timer> watch_;
    int quiet_ = 0; ///< Intervals in which nothing has come.
    bool reads_ = false, writes_ = false;
    bool waits_to_read_ = false, waits_to_write_ = false;
};

} // namespace chain::detail
