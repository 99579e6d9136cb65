// Definitions of <chain/detail/peer_table.hpp>.
#pragma once

#include <chain/detail/peer_table.hpp>
#include <chain/error.hpp>

#include <algorithm>

namespace chain::detail {

/// What tells one client's network from another's; empty when the text is no address.
std::string peer_key(const std::string& address) {
    error_code failed;
    const auto parsed = boost::asio::ip::make_address(address, failed);
    if (failed) return {};
    if (parsed.is_v4()) return parsed.to_string();
    const auto v6 = parsed.to_v6();
    if (v6.is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
    const auto bytes = v6.to_bytes();
    return {bytes.begin(), bytes.begin() + 8};
}

PeerTable::Entered PeerTable::enter(const std::string& address, Clock::Time now) {
    if (sessions_ == 0 && !connects_.limits()) return {};
    auto key = peer_key(address);
    if (key.empty()) return {};
    const std::lock_guard lock(mutex_);
    if (peers_.size() >= sweep_at_) forget_idle(now);
    auto& peer = peers_[key];
    if (sessions_ > 0 && peer.sessions >= sessions_) return {true, {}, nullptr};
    if (connects_.limits())
        if (const auto wait = peer.connects.take(connects_, now); wait.count() > 0)
            return {false, wait, nullptr};
    ++peer.sessions;
    return {false, {}, std::make_unique<Place>(shared_from_this(), std::move(key))};
}

void PeerTable::leave(const std::string& address) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(address);
    if (found == peers_.end()) return;
    if (--found->second.sessions == 0 && !connects_.limits()) peers_.erase(found);
}

void PeerTable::forget_idle(Clock::Time now) {
    std::erase_if(peers_, [&](const auto& item) {
        return item.second.sessions == 0 &&
               (!connects_.limits() || item.second.connects.full(connects_, now));
    });
    sweep_at_ = std::max<std::size_t>(1024, 2 * peers_.size());
}

std::size_t PeerTable::size() const {
    const std::lock_guard lock(mutex_);
    return peers_.size();
}

} // namespace chain::detail
