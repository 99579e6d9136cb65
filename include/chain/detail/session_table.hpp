// SessionTable: a handler's living sessions by id.
#pragma once

#include <chain/detail/random_id.hpp>
#include <chain/detail/ref_counted.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

namespace chain::detail {

class SessionCore;

/// A handler's living sessions by id, in an open-addressed table of pointers. Thread-safe. A
/// session takes itself out before it goes.
class SessionTable {
  public:
    void add(SessionCore& session);
    bool remove(SessionCore& session) noexcept;
    Ref<SessionCore> find(const RandomId& id) const;
    std::size_t size() const noexcept;

  private:
    std::size_t home(const RandomId& id) const noexcept;
    void resize(std::size_t capacity);
    void insert(SessionCore& session) noexcept;

    mutable std::mutex mutex_;
    std::vector<SessionCore*> slots_;
    std::size_t size_ = 0;
};

} // namespace chain::detail
