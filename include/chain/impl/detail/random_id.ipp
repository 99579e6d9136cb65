// Definitions of <chain/detail/random_id.hpp>.
#pragma once

#include <chain/detail/random_id.hpp>
#include <chain/detail/text.hpp>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <stdexcept>
#include <utility>

namespace chain::detail {

/// A thread's identifiers to come: OpenSSL makes many of them in little more time than one.
class RandomStock {
  public:
    static RandomId take() {
        // A child process has a copy of its parent's.
        static const int watched = pthread_atfork(nullptr, nullptr, [] { stock_.left_ = 0; });
        if (watched != 0 || stock_.left_ == 0) stock_.fill();
        return std::exchange(stock_.ids_[--stock_.left_], {});
    }

  private:
    void fill() {
        if (RAND_bytes(ids_.data()->data(), sizeof ids_) != 1)
            throw std::runtime_error("chain: the system's random generator has failed");
        left_ = ids_.size();
    }

    static thread_local RandomStock stock_;

    std::array<RandomId, 32> ids_{};
    std::size_t left_ = 0;
};

constinit thread_local RandomStock RandomStock::stock_;

RandomId make_random_id() { return RandomStock::take(); }

std::string to_hex(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(2 * bytes.size());
    for (const auto byte : bytes) {
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

std::optional<RandomId> random_id_from_hex(std::string_view text) noexcept {
    RandomId id;
    if (text.size() != 2 * id.size()) return std::nullopt;
    for (std::size_t i = 0; i < id.size(); ++i) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        id[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return id;
}

std::optional<std::array<RandomId, 3>> random_ids_from_hex(std::string_view text) noexcept {
    constexpr std::size_t digits = 2 * sizeof(RandomId);
    if (text.size() != 3 * digits) return std::nullopt;
    const auto first = random_id_from_hex(text.substr(0, digits));
    const auto second = random_id_from_hex(text.substr(digits, digits));
    const auto third = random_id_from_hex(text.substr(2 * digits));
    if (!first || !second || !third) return std::nullopt;
    return std::array{*first, *second, *third};
}

bool same_secret(const RandomId& a, const RandomId& b) noexcept {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace chain::detail
