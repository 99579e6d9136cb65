// Definitions of <chain/serializers/chain.hpp>.
#pragma once

#include <chain/detail/frame_reader.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/impl/json_grammar.ipp>
#include <chain/payload.hpp>
#include <chain/serializers/chain.hpp>

#include <algorithm>
#include <concepts>
#include <optional>

namespace chain {

namespace detail {

/// Reads one frame of the chain protocol, element by element.
class ChainReader : private FrameReader {
  public:
    ChainReader(std::string_view frame, unsigned max_depth, Message& out) noexcept
        : FrameReader(frame, max_depth, out) {}

    /// @return false when the text is no frame.
    bool read() {
        if (read_usual_head())
            return read_value(out_.payload, slot::payload) &&
                   (scanner_.rest() == "]" || read_rest());
        if (!scanner_.consume('[')) return false;
        const auto kind = scanner_.small_unsigned();
        if (!kind) return false;
        if (*kind == 0) return read_push() && read_rest();
        return *kind == 3 && read_ack() && read_rest();
    }

  private:
    /// Reads up to the payload at once what nearly all clients write: no white space, and names
    /// without escapes. False, and nothing is consumed, when it is something else.
    bool read_usual_head() {
        const auto text = scanner_.rest();
        const char* const end = text.data() + text.size();
        const char* p = text.starts_with("[0,") ? text.data() + 3 : nullptr;
        if (p) p = usual_ref(p, end, out_.join_ref);
        if (p) p = usual_ref(p, end, out_.ref);
        if (p) p = usual_name(p, end, out_.topic);
        if (p) p = usual_name(p, end, out_.event);
        if (p) scanner_.skip(static_cast<std::size_t>(p - text.data()));
        return p != nullptr;
    }

    /// A reference and the comma behind it. @return the place behind that, or null
    static const char* usual_ref(const char* p, const char* end, std::string_view& ref) noexcept {
        const char* const stop = json_grammar::skip_digits(p, end);
        const auto size = static_cast<std::size_t>(stop - p);
        if (size == 0 || size > 15 || stop == end || *stop != ',') return nullptr;
        if (*p == '0' && size > 1) return nullptr;
        ref = *p == '0' ? std::string_view() : std::string_view(p, size);
        return stop + 1;
    }

    /// The same with a name.
    static const char* usual_name(const char* p, const char* end, std::string_view& name) noexcept {
        if (p == end || *p != '"') return nullptr;
        const char* const stop = json_grammar::skip_plain(++p, end);
        if (end - stop < 2 || stop[0] != '"' || stop[1] != ',') return nullptr;
        name = {p, static_cast<std::size_t>(stop - p)};
        return stop + 2;
    }

    bool read_push() {
        return read_ref(out_.join_ref) && read_ref(out_.ref) && scanner_.consume(',') &&
               read_name(out_.topic, slot::topic) && scanner_.consume(',') &&
               read_name(out_.event, slot::event) &&
               (!scanner_.consume(',') || read_value(out_.payload, slot::payload));
    }

    bool read_ack() {
        out_.kind = MessageKind::ack;
        out_.join_ref = out_.ref = out_.topic = out_.event = {};
        const auto count = scanner_.consume(',') ? scanner_.small_unsigned() : std::nullopt;
        if (!count || *count > 0xffffffffU) return false;
        out_.count = static_cast<std::uint32_t>(*count);
        return true;
    }

    bool read_ref(std::string_view& ref) {
        if (!scanner_.consume(',')) return false;
        ref = scanner_.small_unsigned_text();
        if (ref.empty()) return false;
        if (ref == "0") ref = {};
        return true;
    }
};

MessageKind classify(std::string_view topic, std::string_view event) noexcept {
    if (event.empty() || event.front() != '_') return MessageKind::push;
    if (event == "_join") return MessageKind::join;
    if (event == "_leave") return MessageKind::leave;
    if (event == "_heartbeat" && topic == "_chain") return MessageKind::heartbeat;
    return MessageKind::push;
}

void append_ref(std::string& out, std::string_view ref) {
    out += ',';
    out += ref.empty() ? std::string_view("0") : ref;
}

void append_payload(std::string& out, const Message& message) {
    out += ',';
    if (message.binary)
        out += binary_as_json(message.payload);
    else
        out += message.payload;
    out += ']';
}

void append_name(std::string& out, std::string_view name) {
    out += ',';
    append_json_string(out, name);
}

void encode_push(const Message& message, std::string_view event, std::string& out) {
    out += "[0";
    append_ref(out, message.join_ref);
    append_ref(out, message.ref);
    append_name(out, message.topic);
    append_name(out, event);
    append_payload(out, message);
}

/// Much quicker than one after another, as there is room for all at once, and literals are copied
/// as numbers are.
template <std::same_as<std::string_view>... Parts>
void append_all(std::string& out, Parts... parts) {
    const auto size = out.size();
    out.resize(size + (parts.size() + ...));
    auto* at = out.data() + size;
    // `ranges::copy` goes byte by byte
    ((at = std::copy(parts.begin(), parts.end(), at)), ...);
}

void encode_reply(const Message& message, std::string& out) {
    using namespace std::string_view_literals;
    const auto or_zero = [](std::string_view ref) { return ref.empty() ? "0"sv : ref; };
    const auto bytes = message.binary ? binary_as_json(message.payload) : std::string();
    append_all(out, "[1,"sv, or_zero(message.join_ref), ","sv, or_zero(message.ref),
               message.status == Status::ok ? ",0,"sv : ",1,"sv,
               message.binary ? std::string_view(bytes) : message.payload, "]"sv);
}

void encode_broadcast(const Message& message, std::string& out) {
    out += "[2";
    append_name(out, message.topic);
    append_name(out, message.event);
    append_payload(out, message);
}

} // namespace detail

std::string_view ChainSerializer::name() const noexcept { return "chain"; }

error_code ChainSerializer::decode(std::string_view frame, bool binary, unsigned max_depth,
                                   Message& out) const {
    if (binary) return make_error_code(Errc::binary_frame);
    out.kind = MessageKind::push;
    out.binary = false;
    out.payload = "null";
    if (!detail::ChainReader(frame, max_depth, out).read())
        return detail::why_not_a_frame(frame, max_depth);
    if (out.kind == MessageKind::push) out.kind = detail::classify(out.topic, out.event);
    return {};
}

bool ChainSerializer::encode(const Message& message, std::string& out) const {
    switch (message.kind) {
    case MessageKind::reply: detail::encode_reply(message, out); break;
    case MessageKind::broadcast: detail::encode_broadcast(message, out); break;
    case MessageKind::ack: out += "[3," + std::to_string(message.count) + "]"; break;
    case MessageKind::close: detail::encode_push(message, "_close", out); break;
    case MessageKind::error: detail::encode_push(message, "_error", out); break;
    default: detail::encode_push(message, message.event, out);
    }
    return false;
}

const Lifecycle& ChainSerializer::lifecycle() const noexcept {
    static constexpr Lifecycle lifecycle;
    return lifecycle;
}

const std::shared_ptr<const ChainSerializer>& chain_serializer() {
    static const auto serializer = std::make_shared<const ChainSerializer>();
    return serializer;
}

} // namespace chain
