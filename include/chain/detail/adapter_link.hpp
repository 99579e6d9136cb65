// AdapterLink: keeps an adapter's subscriptions in step with what this node wants.
#pragma once

#include <chain/adapter.hpp>
#include <chain/detail/pattern_map.hpp>

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace chain::detail {

/// Calls an adapter's `subscribe` and `unsubscribe` one at a time, without any lock held, and only
/// when what is wanted now differs from what the adapter was told last. Thread-safe.
class AdapterLink {
  public:
    /// Does this node have subscribers of the topic (or pattern) now?
    using Wanted = std::function<bool(const std::string& topic)>;

    /// Told what the adapter threw.
    using Threw = std::function<void(std::exception_ptr)>;

    AdapterLink(std::shared_ptr<Adapter> adapter, Wanted wanted, Threw threw)
        : adapter_(std::move(adapter)), wanted_(std::move(wanted)), threw_(std::move(threw)) {}

    Adapter& adapter() const noexcept { return *adapter_; }
    /// What is wanted of `topic` may have changed.
    void changed(const std::string& topic);

  private:
    void tell(const std::string& topic, bool wanted) noexcept;

    std::shared_ptr<Adapter> adapter_;
    Wanted wanted_;
    Threw threw_;
    std::mutex mutex_;
    std::deque<std::string> queue_;
    std::set<std::string, std::less<>> told_; ///< Topics that the adapter was told to subscribe to.
    bool working_ = false;
};

} // namespace chain::detail
