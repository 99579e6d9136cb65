// Payload: what a message carries, as raw bytes that are parsed on demand.
#pragma once

#include <chain/error.hpp>
#include <chain/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace chain {

/// What a message carries: one JSON value as text, or bytes. Forwarding it costs no parse.
///
/// A handler is given a payload that looks into the frame just read; a copy of it owns its bytes,
/// so it may be kept. Not thread-safe, as `json()` keeps what it parsed; copies are independent.
class Payload {
  public:
    /// The JSON null.
    Payload() noexcept = default;
    /// @{
    /// A copy owns its bytes.
    Payload(const Payload& other);
    Payload(Payload&& other) noexcept;
    Payload& operator=(const Payload& other);
    Payload& operator=(Payload&& other) noexcept;
    /// @}
    ~Payload() = default;

    /// @return a payload of this JSON value, or `Errc::invalid_payload` when a string in it is not
    /// UTF-8.
    static result<Payload> from_json(const Json& value);
    /// @return a payload of this JSON text without its white space, or `Errc::not_json`.
    static result<Payload> from_text(std::string_view text);
    /// @return a payload of these bytes, which are not JSON.
    static Payload from_bytes(std::string bytes);
    /// A payload that looks at `text` without owning it: the caller vouches that it is compact JSON
    /// and outlives this.
    static Payload view(std::string_view text, bool binary = false) noexcept;

    /// True when it is bytes rather than JSON.
    bool is_binary() const noexcept { return binary_; }
    /// The JSON text (compact, UTF-8), or the bytes.
    std::string_view raw() const noexcept { return raw_; }
    /// The value, parsed at the first call and kept. Binary payloads read as `{"$binary":
    /// "<base64>"}`.
    const Json& json() const;

  private:
    friend class Reply;

    /// The copy is for a reply, which is sent soon: it takes one of the two small blocks that Asio
    /// keeps for a thread that runs an io_context.
    struct ForReply {};
    Payload(const Payload& other, ForReply);
    template <class Allocator>
    Payload(const Payload& other, const Allocator& allocator);

    void own(std::string bytes);

    std::string_view raw_ = "null";
    std::shared_ptr<const void> owner_; ///< Of the bytes; null when it only looks at them.
    mutable std::unique_ptr<Json> parsed_;
    bool binary_ = false;
};

namespace detail {
/// `value` as compact UTF-8 text; `Errc::invalid_payload` when a string in it is not UTF-8.
result<std::string> to_text(const Json& value);
/// `bytes` as `{"$binary": "<base64>"}`: how JSON-only clients get binary payloads.
std::string binary_as_json(std::string_view bytes);
} // namespace detail

} // namespace chain
