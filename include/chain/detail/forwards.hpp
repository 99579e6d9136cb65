// Forwards: requests that reach another node than that of their session.
#pragma once

#include <chain/detail/forward_end.hpp>
#include <chain/detail/handler_part.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/visitors.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

namespace chain::detail {

class ForwardIn;
class ForwardOut;
class HandlerCore;

/// Requests that reach another node than that of their session are sent to that one, which serves
/// them, and whose answer comes back; where a stream follows, its bytes go to and fro between the
/// nodes. Thread-safe.
class Forwards final : public HandlerPart {
  public:
    /// Makes it a part of a handler that has all its transports, and listens to the other nodes.
    static void set_up(HandlerCore& handler);
    /// That of a handler for which HTTP is set up.
    static Forwards& of(HandlerCore& handler) noexcept;

    /// Sends a request to its node, if that is another one. On the place's executor. @return false
    /// when it is this node's own; nothing was done then
    bool forward(const Place& place, HttpTransport& transport, Request& request,
                 HttpTransport::Respond& respond);
    /// Ends the streams that come in here: their clients go to another node.
    void drain() override;

    /// Requests that are not answered yet, and streams.
    struct UnderWay {
        std::size_t out; ///< That came in here.
        std::size_t in;  ///< Of this node's sessions.
    };
    UnderWay under_way() const;

    // Of the parts.
    void remove_out(std::uint64_t id) noexcept;
    void remove_in(const ForwardKey& key) noexcept;

  private:
    struct Out {
        std::weak_ptr<ForwardOut> out;
        std::shared_ptr<Visitors> visitors; ///< Of the context where it is.
    };

    explicit Forwards(HandlerCore& handler) noexcept : handler_(handler) {}
    /// Takes what another node says. @return false when it makes no sense
    bool came(const RandomId& from, std::string_view bytes);
    template <class Task>
    static void to_out(const Out& out, Task task);
    bool begin(const ForwardKey& key, const ForwardFrame& frame);
    void serve(ForwardEnd end, HttpTransport& transport, Request request);
    HttpAnswer too_many(const HttpTransport& transport, const Request& request) const;
    ForwardEnd end_of(const ForwardKey& key, bool served) const;

    HandlerCore& handler_; ///< Owns this.
    std::shared_ptr<void> listens_;
    mutable std::mutex mutex_; ///< Guards the next three.
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Out> outs_;
    std::map<ForwardKey, std::weak_ptr<ForwardIn>> ins_;
};

} // namespace chain::detail
