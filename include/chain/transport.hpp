// Transport: how clients reach an endpoint.
#pragma once

#include <chain/fwd.hpp>
#include <chain/request.hpp>

#include <string_view>

namespace chain {

/// How clients reach an endpoint. A transport of your own opens sessions with `Handler::connect`,
/// gives them a `Connection`, and hands on what clients send with `Session::dispatch`; it may use
/// any carrier. One object belongs to one handler.
class Transport {
  public:
    virtual ~Transport() = default;

    /// Its name, as "websocket". An HTTP transport is reached at `{endpoint}/{name}`.
    virtual std::string_view name() const noexcept = 0;
    /// Called once, when it is added. The transport may keep a copy of `handler`: it lives as long
    /// as the transport, and is not kept alive by it.
    virtual void configure(Handler& handler) = 0;
};

} // namespace chain
