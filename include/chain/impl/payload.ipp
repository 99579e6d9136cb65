// Definitions of <chain/payload.hpp>.
#pragma once

#include <chain/detail/base64.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/payload.hpp>

#include <boost/asio/recycling_allocator.hpp>

#include <algorithm>
#include <utility>

namespace chain {

namespace detail {

result<std::string> to_text(const Json& value) {
    if (value.is_object() && value.empty()) return "{}"; // most replies: nlohmann needs 1000 steps
    if (value.is_discarded()) return make_error_code(Errc::invalid_payload); // it has no JSON
    try {
        return value.dump();
    } catch (const Json::type_error&) {
        return make_error_code(Errc::invalid_payload);
    }
}

std::string binary_as_json(std::string_view bytes) {
    return R"({"$binary":")" + base64_encode(bytes) + "\"}";
}

} // namespace detail

Payload::Payload(const Payload& other) : Payload(other, std::allocator<char>()) {}

Payload::Payload(const Payload& other, ForReply)
    : Payload(other, boost::asio::recycling_allocator<char>()) {}

template <class Allocator>
Payload::Payload(const Payload& other, const Allocator& allocator) : binary_(other.binary_) {
    if (other.owner_) {
        owner_ = other.owner_;
        raw_ = other.raw_;
    } else if (other.raw_.data() != raw_.data()) {
        auto bytes = std::allocate_shared_for_overwrite<char[]>(allocator, other.raw_.size());
        std::copy(other.raw_.begin(), other.raw_.end(), bytes.get());
        raw_ = {bytes.get(), other.raw_.size()};
        owner_ = std::move(bytes);
    }
}

Payload::Payload(Payload&& other) noexcept
    : raw_(std::exchange(other.raw_, "null")), owner_(std::move(other.owner_)),
      parsed_(std::move(other.parsed_)), binary_(std::exchange(other.binary_, false)) {}

Payload& Payload::operator=(const Payload& other) {
    if (this != &other) *this = Payload(other);
    return *this;
}

Payload& Payload::operator=(Payload&& other) noexcept {
    raw_ = std::exchange(other.raw_, "null");
    owner_ = std::move(other.owner_);
    parsed_ = std::move(other.parsed_);
    binary_ = std::exchange(other.binary_, false);
    return *this;
}

void Payload::own(std::string bytes) {
    const auto owner = std::make_shared<const std::string>(std::move(bytes));
    raw_ = *owner;
    owner_ = owner;
}

result<Payload> Payload::from_json(const Json& value) {
    auto text = detail::to_text(value);
    if (!text) return text.error();
    Payload payload;
    payload.own(std::move(*text));
    return payload;
}

result<Payload> Payload::from_text(std::string_view text) {
    if (!detail::valid_json(text)) return make_error_code(Errc::not_json);
    Payload payload;
    payload.own(detail::compact_json(text));
    return payload;
}

Payload Payload::from_bytes(std::string bytes) {
    Payload payload;
    payload.own(std::move(bytes));
    payload.binary_ = true;
    return payload;
}

Payload Payload::view(std::string_view text, bool binary) noexcept {
    Payload payload;
    payload.raw_ = text;
    payload.binary_ = binary;
    return payload;
}

const Json& Payload::json() const {
    if (!parsed_) {
        parsed_ = std::make_unique<Json>(binary_ ? Json::parse(detail::binary_as_json(raw_))
                                                 : Json::parse(raw_));
    }
    return *parsed_;
}

} // namespace chain
