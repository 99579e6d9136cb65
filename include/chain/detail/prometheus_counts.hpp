// What a PrometheusObserver counts.
#pragma once

#include <chain/error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace chain::detail {

/// A number that lanes add to. Nothing is ordered by it.
class Count {
  public:
    void add(std::uint64_t more = 1) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Counts for each value of a label. Values are few and stay: only the first use of one takes a
/// lock.
template <class Counts>
class LabelledCounts {
  public:
    Counts& operator[](std::string_view label) {
        auto& head = heads_[std::hash<std::string_view>{}(label) % heads_.size()];
        if (auto* known = find(head.load(std::memory_order_acquire), label)) return known->counts;
        const std::lock_guard lock(mutex_);
        auto* const first = head.load(std::memory_order_relaxed);
        if (auto* known = find(first, label)) return known->counts;
        auto& added = all_.emplace_back(label, first);
        head.store(&added, std::memory_order_release);
        return added.counts;
    }
    /// Calls `f(label, counts)` for each, in the order of their first use.
    template <class F>
    void for_each(F f) const {
        const std::lock_guard lock(mutex_);
        for (const auto& entry : all_) f(std::string_view(entry.label), entry.counts);
    }

  private:
    struct Entry {
        Entry(std::string_view text, Entry* other) : label(text), next(other) {}
        const std::string label;
        Entry* const next; ///< Of the same hash.
        Counts counts;
    };

    static Entry* find(Entry* entry, std::string_view label) noexcept {
        while (entry && entry->label != label) entry = entry->next;
        return entry;
    }

    std::array<std::atomic<Entry*>, 64> heads_{};
    mutable std::mutex mutex_;
    std::deque<Entry> all_;
};

/// Counts for each `Errc`; codes of other categories count together, as the first.
class ReasonCounts {
  public:
    static constexpr std::size_t size = 64;

    void add(error_code why, std::uint64_t more = 1) noexcept {
        const bool own = why.category() == error_category();
        const auto value = static_cast<std::size_t>(why.value());
        counts_[own && value < size ? value : 0].add(more);
    }
    std::uint64_t value(std::size_t reason) const noexcept { return counts_[reason].value(); }

  private:
    std::array<Count, size> counts_;
};
static_assert(static_cast<std::size_t>(Errc::text_only) < ReasonCounts::size);

/// What is counted of the channels, or the adapters, of a pattern.
struct PatternCounts {
    Count joins;
    Count joins_refused;
    Count events;
    Count broadcasts;
    Count adapter_connects;
    Count adapter_failures;
    Count adapter_losses;
    Count adapter_lost_messages;
    std::array<Count, 5> leaves;     ///< By LeaveReason.
    std::array<Count, 5> exceptions; ///< By Hook.
};

/// All of it.
struct PrometheusCounts {
    Count sessions_opened;
    Count sessions_closed;
    Count sessions_resumed;
    Count sessions_expired;
    ReasonCounts sessions_refused;
    ReasonCounts bad_frames;
    ReasonCounts frames_dropped;
    LabelledCounts<Count> resumes_failed;
    LabelledCounts<Count> rate_limited;
    LabelledCounts<Count> over_limit;
    LabelledCounts<PatternCounts> patterns;
    std::array<Count, 4> logs; ///< By LogLevel.
};

} // namespace chain::detail
