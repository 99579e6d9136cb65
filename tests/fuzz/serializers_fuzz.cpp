// Fuzzes each dialect: any frame is refused or decoded, what is decoded does not depend on what the
// message held before, and it is encoded so that it reads the same again.
//
// Input: one byte chooses the dialect, the rest is a client's frame.

// This target is one translation unit, so that the dialects are instrumented however the library
// was built.
#include <chain/impl/detail/base64.ipp>
#include <chain/impl/detail/frame_reader.ipp>
#include <chain/impl/detail/text.ipp>
#include <chain/impl/error.ipp>
#include <chain/impl/json_scan.ipp>
#include <chain/impl/payload.ipp>
#include <chain/impl/serializers/chain.ipp>
#include <chain/impl/serializers/phoenix.ipp>
#include <chain/impl/utf8.ipp>

#include "support.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace {

using chain::Message, chain::MessageKind, chain::Serializer;
using fuzz::require;

/// What clients may nest, and what an object around it adds.
constexpr unsigned depth = 64, deeper = 66;

bool same(const Message& a, const Message& b) {
    return a.kind == b.kind && a.binary == b.binary && a.join_ref == b.join_ref && a.ref == b.ref &&
           a.topic == b.topic && a.event == b.event && a.payload == b.payload &&
           (a.kind != MessageKind::ack || a.count == b.count);
}

void check_decoded(const Message& message) {
    require(chain::detail::valid_utf8(message.topic), "a topic is UTF-8");
    require(chain::detail::valid_utf8(message.event), "an event is UTF-8");
    for (const auto ref : {message.join_ref, message.ref})
        require(ref.empty() || nlohmann::json::accept(ref), "a reference is a JSON token");
    if (message.binary) return;
    require(nlohmann::json::accept(message.payload), "a payload is JSON");
    require(message.payload.find('\n') == std::string_view::npos, "a payload is one line");
}

/// A reference of the chain protocol is a number, which a double holds exactly, or none.
void check_number(std::string_view ref) {
    const auto value = nlohmann::json::parse(ref.empty() ? "1" : ref);
    require(value.is_number_unsigned() && value > 0 &&
                value.dump().size() == std::max(ref.size(), std::size_t{1}),
            "a reference is a number in its one form");
    require(value < std::uint64_t{1} << 53, "that is not too large");
}

/// The fields of a server's binary frame, by another reader: a kind, as many lengths as that has
/// fields, the fields and the payload.
void check_binary(const std::string& bytes, const Message& message) {
    constexpr std::array<std::size_t, 3> fields = {3, 4, 2};
    const auto kind = static_cast<unsigned char>(bytes.at(0));
    require(kind < fields.size(), "binary frames are of three kinds");
    std::size_t end = 1 + fields[kind];
    std::array<std::string, 4> found;
    for (std::size_t i = 0; i < fields[kind]; ++i) {
        const auto size = static_cast<unsigned char>(bytes.at(1 + i));
        found[i] = bytes.substr(end, size);
        end += size;
    }
    require(bytes.substr(end) == message.payload, "bytes are sent as they are");
    require(found[kind == 0 ? 1 : kind == 1 ? 2 : 0] == message.topic, "with their topic");
    if (kind != 1) require(found[kind == 0 ? 2 : 1] == message.event, "with their event");
}

/// What a server may answer to it, or send on.
void check_encoded(const Serializer& serializer, Message message) {
    for (const auto kind : {MessageKind::push, MessageKind::reply, MessageKind::broadcast,
                            MessageKind::close, MessageKind::error}) {
        // What the library sends on has names of at most 255 bytes.
        if (message.binary && (message.topic.size() > 255 || message.event.size() > 255)) return;
        message.kind = kind;
        std::string frame;
        if (serializer.encode(message, frame)) {
            check_binary(frame, message);
        } else {
            require(nlohmann::json::accept(frame), "a text frame is JSON");
            require(frame.find('\n') == std::string_view::npos, "a frame is one line");
        }
    }
}

void check_again(const Serializer& serializer, const Message& message) {
    std::string first;
    if (serializer.encode(message, first)) return; // a server's binary frames are no client's
    Message again;
    require(!serializer.decode(first, false, deeper, again), "what is encoded can be decoded");
    require(again.topic == message.topic && again.event == message.event, "names stay");
    std::string second;
    serializer.encode(again, second);
    require(first == second, "encoding what was decoded is stable");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::text_of(data, size);
    std::string_view rest = input;
    const auto choice = fuzz::take_choice(rest, 5);
    const std::array<const Serializer*, 5> all = {
        chain::chain_serializer().get(), chain::phoenix_v1().get(), chain::phoenix_v2_text().get(),
        chain::phoenix_v2().get(), chain::phoenix_v2().get()};
    const auto& serializer = *all[choice];
    const bool binary = choice == 4;
    const std::string frame(rest);

    Message message;
    const auto failed = serializer.decode(frame, binary, depth, message);
    static Message used; // by whatever came before
    require(serializer.decode(frame, binary, depth, used) == failed, "a verdict stays");
    if (failed) {
        require(failed == chain::Errc::not_json || failed == chain::Errc::malformed_frame,
                "refusals are told as such");
        return 0;
    }
    require(same(message, used), "nothing is left of the message before");
    check_decoded(message);
    if (serializer.name() == "chain")
        for (const auto ref : {message.join_ref, message.ref}) check_number(ref);
    if (message.kind != MessageKind::ack) check_encoded(serializer, message);
    check_again(serializer, message);
    return 0;
}
