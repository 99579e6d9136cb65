// RefCounted: an intrusive, thread-safe reference count for objects behind the library's handles.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>

namespace chain::detail {

template <class T>
using Ref = boost::intrusive_ptr<T>;

template <class Derived>
class RefCounted {
  public:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

    friend void intrusive_ptr_add_ref(const RefCounted* object) noexcept {
        object->count_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(const RefCounted* object) noexcept {
        if (object->count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete static_cast<const Derived*>(object);
    }

  protected:
    ~RefCounted() = default;

  private:
    mutable std::atomic<std::uint32_t> count_{0};
};

} // namespace chain::detail
