// HandlerPart: what a higher floor keeps in a handler.
#pragma once

namespace chain::detail {

/// What a higher floor keeps in a handler, which knows no more of it than this.
class HandlerPart {
  public:
    HandlerPart() = default;
    virtual ~HandlerPart() = default;
    HandlerPart(const HandlerPart&) = delete;
    HandlerPart& operator=(const HandlerPart&) = delete;

    /// The handler drains. Any thread.
    virtual void drain() = 0;
};

} // namespace chain::detail
