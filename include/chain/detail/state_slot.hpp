// StateSlot: one value of a type that the application chooses, made at first use.
#pragma once

#include <memory>
#include <stdexcept>
#include <typeinfo>

namespace chain::detail {

class StateSlot {
  public:
    /// The `T`, default-made at the first call. @throws std::logic_error when the slot holds
    /// another type.
    template <class T>
    T& get() {
        if (!box_) box_ = std::make_unique<Box<T>>();
        if (T* found = find<T>()) return *found;
        throw std::logic_error("chain: the state was first asked for as another type");
    }
    /// The `T`, or null when there is none.
    template <class T>
    T* find() noexcept {
        if (!box_ || box_->type() != typeid(T)) return nullptr;
        return &static_cast<Box<T>&>(*box_).value;
    }
    void reset() noexcept { box_.reset(); }

  private:
    struct Base {
        virtual ~Base() = default;
        virtual const std::type_info& type() const noexcept = 0;
    };
    template <class T>
    struct Box final : Base {
        const std::type_info& type() const noexcept override { return typeid(T); }
        T value{};
    };
    std::unique_ptr<Base> box_;
};

} // namespace chain::detail
