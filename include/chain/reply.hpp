// Reply: a handler's answer to a client.
#pragma once

#include <chain/json.hpp>
#include <chain/message.hpp>
#include <chain/payload.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace chain {

namespace detail {
struct ReplyAccess;
}

/// A handler's answer: ok or error with a payload, or none at all.
class Reply {
  public:
    /// No answer, as `none`.
    Reply() = default;
    /// No answer.
    static Reply none() { return {}; }
    /// Success, with an empty object as payload.
    static Reply ok() { return {Status::ok, Payload::view("{}")}; }
    /// Success, with this payload.
    static Reply ok(Json payload) { return {Status::ok, std::move(payload)}; }
    /// Success, with this payload as it is.
    template <class P>
    requires std::same_as<std::remove_cvref_t<P>, Payload>
    static Reply ok(P&& payload) { return {Status::ok, std::forward<P>(payload)}; }
    /// Failure, with this payload.
    static Reply error(Json payload) { return {Status::error, std::move(payload)}; }
    /// Failure; the client gets `{"reason": reason}`.
    template <std::convertible_to<std::string_view> Text>
    requires(!std::same_as<Text, Json>) static Reply error(const Text& reason) {
        return {Status::error, Json{{"reason", std::string(std::string_view(reason))}}};
    }

    /// Another outcome than ok and error, by its name. Phoenix clients get the name; chain clients,
    /// which know two outcomes only, an error.
    /// @param status  1 to 255 bytes of UTF-8; "ok" and "error" are those
    /// @param payload  what to send with it
    /// @throws std::invalid_argument when `status` is none
    static Reply with_status(std::string status, Json payload = Json::object());
    /// The same, with this payload as it is.
    template <std::same_as<Payload> P>
    static Reply with_status(std::string status, P payload) {
        auto reply = with_status(std::move(status));
        reply.json_.reset();
        reply.payload_ = std::move(payload);
        return reply;
    }

    /// True when there is nothing to send.
    bool is_none() const noexcept { return none_; }
    /// ok or error.
    Status status() const noexcept { return status_; }
    /// The outcome's name where it is neither ok nor error, else empty.
    const std::string& status_name() const noexcept { return status_name_; }
    /// What to send. Not JSON when a string in it is not UTF-8: then `Errc::invalid_payload`.
    result<Payload> payload() const;

  private:
    friend struct detail::ReplyAccess;

    Reply(Status status, Json payload) : none_(false), status_(status), json_(std::move(payload)) {}
    Reply(Status status, const Payload& payload)
        : none_(false), status_(status), payload_(payload, Payload::ForReply()) {}
    Reply(Status status, Payload&& payload)
        : none_(false), status_(status), payload_(std::move(payload)) {}

    bool none_ = true;
    Status status_ = Status::ok;
    std::string status_name_;
    std::optional<Json> json_; ///< None: `payload_` is what counts.
    Payload payload_;
};

namespace detail {
/// Lets the library's own parts look at what a Reply holds, without a copy.
struct ReplyAccess {
    /// What to send, as JSON that is still to be written, or null.
    static const Json* json(const Reply& reply) noexcept {
        return reply.json_ && !reply.json_->is_discarded() ? &*reply.json_ : nullptr;
    }
    /// What to send where it is not that.
    static const Payload& payload(const Reply& reply) noexcept { return reply.payload_; }
};
} // namespace detail

} // namespace chain
