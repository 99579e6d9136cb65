// Definitions of <chain/serializers/chain.hpp>.
#pragma once

#include <chain/detail/dialect.hpp>
#include <chain/detail/frame_reader.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/impl/json_grammar.ipp>
#include <chain/payload.hpp>
#include <chain/serializers/chain.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <system_error>

namespace chain {

namespace detail {

/// Reads one frame of the chain protocol. What it reads itself, which is all but payloads and names
/// with escapes, it reads with a place in the frame in hand. Where something is not as it should
/// be, that place is the frame's end: whatever is read so is followed by a bracket at least.
class ChainReader : private FrameReader {
  public:
    ChainReader(std::string_view frame, unsigned max_depth, Message& out) noexcept
        : FrameReader(frame, max_depth, out), end_(frame.data() + frame.size()) {}

    /// @return false when the text is no frame.
    bool read() {
        const char* const p = read_mark(scanner_.rest().data(), '[');
        const char* const push = read_mark(p, '0');
        return (push != end_ ? read_push(push) : read_ack(read_mark(p, '3'))) && read_rest();
    }

  private:
    bool read_push(const char* p) {
        p = read_ref(read_mark(p, ','), out_.join_ref);
        p = read_ref(read_mark(p, ','), out_.ref);
        p = read_name(read_mark(p, ','), out_.topic, slot::topic);
        p = read_name(read_mark(p, ','), out_.event, slot::event);
        if (p == end_) return false;
        scanner_.go_to(p);
        return !scanner_.consume(',') || read_value(out_.payload, slot::payload);
    }

    bool read_ack(const char* p) {
        out_.kind = MessageKind::ack;
        out_.join_ref = out_.ref = out_.topic = out_.event = {};
        std::string_view count;
        p = read_number(read_mark(p, ','), count);
        if (p == end_) return false;
        scanner_.go_to(p);
        return std::from_chars(count.data(), p, out_.count).ec == std::errc{};
    }

    const char* read_mark(const char* p, char mark) const noexcept {
        return p != end_ && *p == mark ? p + 1 : read_spaced_mark(p, mark);
    }
    const char* read_spaced_mark(const char* p, char mark) const noexcept {
        p = json_grammar::skip_space(p, end_);
        return p != end_ && *p == mark ? p + 1 : end_;
    }

    const char* read_number(const char* p, std::string_view& digits) const noexcept {
        p = json_grammar::skip_space(p, end_);
        const char* const behind = json_grammar::skip_small_unsigned(p, end_);
        if (behind == nullptr) return end_;
        digits = {p, static_cast<std::size_t>(behind - p)};
        return behind;
    }

    const char* read_ref(const char* p, std::string_view& ref) const noexcept {
        p = read_number(p, ref);
        if (p != end_ && ref.front() == '0') ref = {};
        return p;
    }

    const char* read_name(const char* p, std::string_view& name, std::size_t slot) {
        p = json_grammar::skip_space(p, end_);
        if (const char* const quote = json_grammar::find_plain_end(p, end_)) {
            name = {p + 1, static_cast<std::size_t>(quote - p - 1)};
            return quote + 1;
        }
        scanner_.go_to(p);
        return FrameReader::read_name(name, slot) ? scanner_.rest().data() : end_;
    }

    const char* const end_;
};

MessageKind classify(std::string_view topic, std::string_view event) noexcept {
    if (event.empty() || event.front() != '_') return MessageKind::push;
    if (event == "_join") return MessageKind::join;
    if (event == "_leave") return MessageKind::leave;
    if (event == "_heartbeat" && is_protocol_topic(topic)) return MessageKind::heartbeat;
    return MessageKind::push;
}

void append_ref(std::string& out, std::string_view ref) {
    out += ',';
    out += ref.empty() ? std::string_view("0") : ref;
}

/// Appends parts one after another: short ones right into room that is made once for all of them,
/// which is much quicker.
template <std::same_as<std::string_view>... Parts>
void append_parts(std::string& out, Parts... parts) {
    constexpr std::size_t longest_short = 1024;
    const auto more = (parts.size() + ...);
    if (more > longest_short) {
        (out.append(parts), ...);
        return;
    }
    out.resize(out.size() + more);
    char* end = out.data() + out.size() - more;
    // `ranges::copy` goes byte by byte
    ((end = std::copy(parts.begin(), parts.end(), end)), ...);
}

/// The JSON text of a payload, which `storage` holds where it had to be written.
std::string_view payload_text(const Message& message, std::string& storage) {
    if (!message.binary) return message.payload;
    storage = binary_as_json(message.payload);
    return storage;
}

/// The last element of a frame.
void append_payload(std::string& out, const Message& message) {
    using namespace std::string_view_literals;
    std::string storage;
    append_parts(out, ","sv, payload_text(message, storage), "]"sv);
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

void encode_reply(const Message& message, std::string& out) {
    using namespace std::string_view_literals;
    const auto or_zero = [](std::string_view ref) { return ref.empty() ? "0"sv : ref; };
    std::string storage;
    append_parts(out, "[1,"sv, or_zero(message.join_ref), ","sv, or_zero(message.ref),
                 message.status == Status::ok ? ",0,"sv : ",1,"sv, payload_text(message, storage),
                 "]"sv);
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
