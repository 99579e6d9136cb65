// Definitions of <chain/detail/dialect.hpp>.
#pragma once

#include <chain/detail/dialect.hpp>
#include <chain/serializers/phoenix.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace chain::detail {

bool has_vsn(const Request& request) noexcept {
    return std::ranges::any_of(request.query, [](const auto& field) {
        return field.first == "vsn" || field.first.starts_with("vsn[");
    });
}

/// Cuts a number of a version and the point after it off the front of `text`. @return the number's
/// digits, empty when there are none that a version may have.
std::string_view take_version_number(std::string_view& text) noexcept {
    const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto digits = text.substr(0, end);
    text.remove_prefix(end);
    return digits.size() > 1 && digits.front() == '0' ? std::string_view() : digits;
}

struct Version {
    std::string_view major, minor;
};

/// A release as Semantic Versioning 2.0.0 has it, of which what follows a `+` does not matter. A
/// pre-release precedes its release, and is none.
std::optional<Version> parse_version(std::string_view text) noexcept {
    Version version;
    std::string_view patch;
    const auto point = [&] {
        const bool there = text.starts_with('.');
        text.remove_prefix(there ? 1 : 0);
        return there;
    };
    version.major = take_version_number(text);
    if (version.major.empty() || !point()) return std::nullopt;
    version.minor = take_version_number(text);
    if (version.minor.empty() || !point()) return std::nullopt;
    patch = take_version_number(text);
    const bool build = text.starts_with('+') && text.size() > 1;
    if (patch.empty() || (!text.empty() && !build)) return std::nullopt;
    return version;
}

const Serializer* dialect_of_vsn(const Request& request) noexcept {
    std::optional<Version> version;
    for (const auto& [name, value] : request.query) {
        if (name.starts_with("vsn[")) return nullptr;
        if (name == "vsn") version = parse_version(value);
    }
    if (!version || version->minor != "0") return nullptr;
    if (version->major == "1") return phoenix_v1().get();
    return version->major == "2" ? phoenix_v2().get() : nullptr;
}

bool is_phoenix(const Serializer& serializer) noexcept {
    return dynamic_cast<const PhoenixV1Serializer*>(&serializer) ||
           dynamic_cast<const PhoenixV2Serializer*>(&serializer);
}

const Serializer& fit(const Serializer& serializer, Framing framing) noexcept {
    const bool binary = dynamic_cast<const PhoenixV2Serializer*>(&serializer) != nullptr;
    return binary && !carries_bytes(framing) ? *phoenix_v2_text() : serializer;
}

void DialectsInUse::add(const Serializer& serializer) {
    for (auto& dialect : dialects_) {
        const Serializer* known = nullptr;
        if (dialect.compare_exchange_strong(known, &serializer) || known == &serializer) return;
    }
}

std::span<const Serializer* const> DialectsInUse::list(Some& into) const noexcept {
    std::size_t count = 0;
    for (const auto& dialect : dialects_)
        if (const auto* known = dialect.load(std::memory_order_acquire)) into[count++] = known;
    return {into.data(), count};
}

} // namespace chain::detail
