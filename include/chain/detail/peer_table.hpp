// PeerTable: how many sessions each peer address has, and how often it connects.
#pragma once

#include <chain/detail/token_bucket.hpp>

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace chain::detail {

/// How many sessions each peer address has, and how often it connects. Of IPv6 addresses the first
/// 64 bits count, for a client may choose the rest; what has no address is not limited.
/// Thread-safe. Holds nothing of an address that has no session and may connect as often as ever.
class PeerTable : public std::enable_shared_from_this<PeerTable> {
  public:
    /// @param sessions  of one address at a time; 0: any
    PeerTable(std::size_t sessions, const Rate& connects)
        : sessions_(sessions), connects_(connects) {}

    /// A session's place; given back when it is destroyed.
    class Place {
      public:
        Place() = default;
        Place(std::shared_ptr<PeerTable> table, std::string address)
            : table_(std::move(table)), address_(std::move(address)) {}
        Place(Place&&) = default;
        Place& operator=(Place&&) = delete;
        ~Place() {
            if (table_) table_->leave(address_);
        }

      private:
        std::shared_ptr<PeerTable> table_;
        std::string address_;
    };

    struct Entered {
        bool full = false;                       ///< It has as many sessions as it may.
        std::chrono::milliseconds retry_after{}; ///< Not zero: it connects too often.
        std::unique_ptr<Place> place;            ///< Null also where nothing is limited.
    };
    Entered enter(const std::string& address, Clock::Time now);
    /// Addresses that it remembers.
    std::size_t size() const;

  private:
    struct Peer {
        std::size_t sessions = 0;
        TokenBucket connects;
    };

    void leave(const std::string& address) noexcept;
    void forget_idle(Clock::Time now);

    const std::size_t sessions_;
    const Rate connects_;
    mutable std::mutex mutex_; ///< Guards the next.
    std::unordered_map<std::string, Peer> peers_;
    std::size_t sweep_at_ = 1024; ///< Addresses, when those that are idle are looked for.
};

} // namespace chain::detail
