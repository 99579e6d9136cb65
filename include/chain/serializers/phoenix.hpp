// The dialects of Phoenix channels.
#pragma once

#include <chain/serializer.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace chain {

/// Phoenix's serializer version 1: JSON objects with topic, event, payload and ref
/// (docs/phoenix.md). Bytes become `{"$binary": "<base64>"}`.
class PhoenixV1Serializer final : public Serializer {
  public:
    std::string_view name() const noexcept override;
    error_code decode(std::string_view frame, bool binary, unsigned max_depth,
                      Message& out) const override;
    bool encode(const Message& message, std::string& out) const override;
    const Lifecycle& lifecycle() const noexcept override;
};

/// Phoenix's serializer version 2: JSON arrays of join_ref, ref, topic, event and payload, and
/// binary frames (docs/phoenix.md).
class PhoenixV2Serializer final : public Serializer {
  public:
    /// How bytes are sent.
    enum class Bytes : std::uint8_t {
        binary, ///< Bytes are sent in binary frames.
        base64, ///< Bytes are sent as `{"$binary": "<base64>"}`, for carriers of text.
    };

    /// @param bytes  how they are sent
    explicit PhoenixV2Serializer(Bytes bytes = Bytes::binary) noexcept : bytes_(bytes) {}

    std::string_view name() const noexcept override;
    /// Reads text and binary frames.
    error_code decode(std::string_view frame, bool binary, unsigned max_depth,
                      Message& out) const override;
    /// @throws std::length_error when topic, event, status or a reference of a binary frame has
    /// more than 255 bytes; what the library sends has not
    bool encode(const Message& message, std::string& out) const override;
    const Lifecycle& lifecycle() const noexcept override;

  private:
    Bytes bytes_;
};

/// The one object of version 1.
const std::shared_ptr<const PhoenixV1Serializer>& phoenix_v1();
/// The one object of version 2.
const std::shared_ptr<const PhoenixV2Serializer>& phoenix_v2();
/// Version 2 for carriers that have text only, such as long-polling and SSE.
const std::shared_ptr<const PhoenixV2Serializer>& phoenix_v2_text();

} // namespace chain
