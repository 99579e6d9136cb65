// Definitions of <chain/serializers/phoenix.hpp>.
#pragma once

#include <chain/detail/frame_reader.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/detail/utf8.hpp>
#include <chain/payload.hpp>
#include <chain/serializers/phoenix.hpp>

#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace chain {

namespace detail {

inline constexpr Lifecycle phoenix_lifecycle{.closes_before_rejoin = false,
                                             .closes_after_leave = true,
                                             .answers_crash = false,
                                             .names_unjoined = false,
                                             .closes_nameless = false,
                                             .too_many_topics = "too many channels joined"};

/// What a client's event is for.
MessageKind phoenix_kind(std::string_view topic, std::string_view event) noexcept {
    if (event == "phx_join") return MessageKind::join;
    if (event == "phx_leave") return MessageKind::leave;
    if (event == "heartbeat" && topic == "phoenix") return MessageKind::heartbeat;
    return MessageKind::push;
}

/// Reads `[join_ref, ref, topic, event, payload]`.
class PhoenixArrayReader : private FrameReader {
  public:
    PhoenixArrayReader(std::string_view frame, unsigned max_depth, Message& out) noexcept
        : FrameReader(frame, max_depth, out) {}

    /// @return false when the text is no frame.
    bool read() {
        return scanner_.consume('[') && read_token(out_.join_ref, slot::join_ref) &&
               scanner_.consume(',') && read_token(out_.ref, slot::ref) && scanner_.consume(',') &&
               read_name(out_.topic, slot::topic) && scanner_.consume(',') &&
               read_name(out_.event, slot::event) && scanner_.consume(',') &&
               read_value(out_.payload, slot::payload) && read_rest();
    }
};

/// Reads `{"topic": ..., "event": ..., "payload": ..., "ref": ..., "join_ref": ...}`, in any order,
/// the last not being required.
class PhoenixObjectReader : private FrameReader {
  public:
    PhoenixObjectReader(std::string_view frame, unsigned max_depth, Message& out) noexcept
        : FrameReader(frame, max_depth, out) {}

    /// @return false when the text is no frame.
    bool read() {
        if (!scanner_.consume('{') || scanner_.peek() == '}') return false;
        do {
            const auto key = scanner_.peek() == '"' ? scanner_.value() : std::nullopt;
            if (!key || !scanner_.consume(':') || !read_member(json_string_value(key->text, key_)))
                return false;
        } while (scanner_.consume(','));
        return scanner_.consume('}') && scanner_.at_end() && seen_ == everything;
    }

  private:
    static constexpr unsigned everything = 15;

    bool read_member(std::string_view key) {
        if (key == "topic") return saw(1) && read_name(out_.topic, slot::topic);
        if (key == "event") return saw(2) && read_name(out_.event, slot::event);
        if (key == "payload") return saw(4) && read_value(out_.payload, slot::payload);
        if (key == "ref") return saw(8) && read_token(out_.ref, slot::ref);
        if (key == "join_ref") return read_token(out_.join_ref, slot::join_ref);
        return scanner_.value().has_value();
    }

    bool saw(unsigned member) noexcept {
        seen_ |= member;
        return true;
    }

    std::string key_;
    unsigned seen_ = 0;
};

/// Takes a client's binary push apart: kind 0, four lengths of a byte each, join_ref, ref, topic,
/// event, and the payload. An empty reference is none.
bool read_phoenix_binary(std::string_view frame, Message& out) {
    static constexpr std::size_t header = 5;
    if (frame.size() < header || frame[0] != 0) return false;
    std::string_view fields[4];
    auto rest = frame.substr(header);
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t size = static_cast<unsigned char>(frame[i + 1]);
        if (size > rest.size()) return false;
        fields[i] = rest.substr(0, size);
        if (!valid_utf8(fields[i])) return false;
        rest.remove_prefix(size);
    }
    const auto token = [&](std::string_view text, std::size_t slot) {
        auto& storage = out.storage[slot];
        storage.clear();
        if (!text.empty()) append_json_string(storage, text);
        return std::string_view(storage);
    };
    out.join_ref = token(fields[0], slot::join_ref);
    out.ref = token(fields[1], slot::ref);
    out.topic = fields[2];
    out.event = fields[3];
    out.payload = rest;
    out.binary = true;
    return true;
}

std::string_view token_or_null(std::string_view token) noexcept {
    return token.empty() ? std::string_view("null") : token;
}

/// The payload as JSON: clients can do nothing with null, and of a push or a broadcast some want an
/// object.
void append_phoenix_value(std::string& out, const Message& message) {
    const bool reply = message.kind == MessageKind::reply;
    if (message.binary)
        out += binary_as_json(message.payload);
    else if (message.payload == "null")
        out += "{}";
    else if (reply || message.payload.starts_with('{'))
        out += message.payload;
    else
        out.append(R"({"value":)").append(message.payload) += '}';
}

void append_phoenix_payload(std::string& out, const Message& message) {
    if (message.kind == MessageKind::error) {
        out += R"({"reason":"channel_crash"})";
    } else if (message.kind == MessageKind::reply) {
        out += R"({"status":)";
        if (message.status_name.empty())
            out += message.status == Status::ok ? R"("ok")" : R"("error")";
        else
            append_json_string(out, message.status_name);
        out += R"(,"response":)";
        append_phoenix_value(out, message);
        out += '}';
    } else {
        append_phoenix_value(out, message);
    }
}

std::string_view phoenix_event(const Message& message) noexcept {
    switch (message.kind) {
    case MessageKind::reply: return "phx_reply";
    case MessageKind::close: return "phx_close";
    case MessageKind::error: return "phx_error";
    default: return message.event;
    }
}

/// A reply's reference is the request's; that of a close or an error the membership's.
std::string_view phoenix_ref(const Message& message) noexcept {
    const bool ends = message.kind == MessageKind::close || message.kind == MessageKind::error;
    return ends ? message.join_ref : message.ref;
}

/// One field of a binary frame, and its name for whoever made it too long.
struct BinaryField {
    const char* name;
    std::string_view text;
};

/// Appends the kind, a length of each field, the fields, and the payload.
void append_phoenix_binary(std::string& out, char kind, std::initializer_list<BinaryField> fields,
                           std::string_view payload) {
    out += kind;
    for (const auto& field : fields) {
        if (field.text.size() > 255)
            throw std::length_error("chain: the " + std::string(field.name) +
                                    " of a binary frame has more than 255 bytes");
        out += static_cast<char>(field.text.size());
    }
    for (const auto& field : fields) out += field.text;
    out += payload;
}

/// A reference as binary frames have it: a string's text, anything else as it is in JSON.
std::string_view reference_text(std::string_view token, std::string& storage) {
    return token.starts_with('"') ? json_string_value(token, storage) : token;
}

void encode_phoenix_binary(const Message& message, std::string& out) {
    std::string storage[2];
    const auto join_ref = reference_text(message.join_ref, storage[0]);
    if (message.kind == MessageKind::broadcast) {
        append_phoenix_binary(out, 2, {{"topic", message.topic}, {"event", message.event}},
                              message.payload);
    } else if (message.kind == MessageKind::reply) {
        const auto ref = reference_text(message.ref, storage[1]);
        auto status = message.status_name;
        if (status.empty()) status = message.status == Status::ok ? "ok" : "error";
        append_phoenix_binary(
            out, 1,
            {{"join_ref", join_ref}, {"ref", ref}, {"topic", message.topic}, {"status", status}},
            message.payload);
    } else {
        append_phoenix_binary(
            out, 0, {{"join_ref", join_ref}, {"topic", message.topic}, {"event", message.event}},
            message.payload);
    }
}

} // namespace detail

std::string_view PhoenixV1Serializer::name() const noexcept { return "phoenix v1"; }

error_code PhoenixV1Serializer::decode(std::string_view frame, bool binary, unsigned max_depth,
                                       Message& out) const {
    if (binary) return make_error_code(Errc::binary_frame);
    out.binary = false;
    out.join_ref = {};
    if (!detail::PhoenixObjectReader(frame, max_depth, out).read())
        return detail::why_not_a_frame(frame, max_depth);
    out.kind = detail::phoenix_kind(out.topic, out.event);
    return {};
}

bool PhoenixV1Serializer::encode(const Message& message, std::string& out) const {
    out += R"({"topic":)";
    detail::append_json_string(out, message.topic);
    out += R"(,"event":)";
    detail::append_json_string(out, detail::phoenix_event(message));
    out += R"(,"payload":)";
    detail::append_phoenix_payload(out, message);
    out.append(R"(,"ref":)").append(detail::token_or_null(detail::phoenix_ref(message))) += '}';
    return false;
}

const Lifecycle& PhoenixV1Serializer::lifecycle() const noexcept {
    return detail::phoenix_lifecycle;
}

std::string_view PhoenixV2Serializer::name() const noexcept {
    return bytes_ == Bytes::binary ? "phoenix v2" : "phoenix v2 text";
}

error_code PhoenixV2Serializer::decode(std::string_view frame, bool binary, unsigned max_depth,
                                       Message& out) const {
    out.binary = false;
    if (binary) {
        if (!detail::read_phoenix_binary(frame, out)) return make_error_code(Errc::malformed_frame);
    } else if (!detail::PhoenixArrayReader(frame, max_depth, out).read()) {
        return detail::why_not_a_frame(frame, max_depth);
    }
    out.kind = detail::phoenix_kind(out.topic, out.event);
    // A membership needs a name, and the client's own fall-back is the request's.
    if (out.kind == MessageKind::join && out.join_ref.empty()) out.join_ref = out.ref;
    return {};
}

bool PhoenixV2Serializer::encode(const Message& message, std::string& out) const {
    if (message.binary && bytes_ == Bytes::binary) {
        detail::encode_phoenix_binary(message, out);
        return true;
    }
    out += '[';
    out += detail::token_or_null(message.join_ref);
    out += ',';
    out += detail::token_or_null(detail::phoenix_ref(message));
    out += ',';
    detail::append_json_string(out, message.topic);
    out += ',';
    detail::append_json_string(out, detail::phoenix_event(message));
    out += ',';
    detail::append_phoenix_payload(out, message);
    out += ']';
    return false;
}

const Lifecycle& PhoenixV2Serializer::lifecycle() const noexcept {
    return detail::phoenix_lifecycle;
}

const std::shared_ptr<const PhoenixV1Serializer>& phoenix_v1() {
    static const auto serializer = std::make_shared<const PhoenixV1Serializer>();
    return serializer;
}

const std::shared_ptr<const PhoenixV2Serializer>& phoenix_v2() {
    static const auto serializer = std::make_shared<const PhoenixV2Serializer>();
    return serializer;
}

const std::shared_ptr<const PhoenixV2Serializer>& phoenix_v2_text() {
    static const auto serializer =
        std::make_shared<const PhoenixV2Serializer>(PhoenixV2Serializer::Bytes::base64);
    return serializer;
}

} // namespace chain
