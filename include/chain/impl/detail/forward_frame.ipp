// Definitions of <chain/detail/forward_frame.hpp>.
#pragma once

#include <chain/detail/forward_frame.hpp>
#include <chain/detail/node_wire.hpp>

#include <limits>

namespace chain::detail {

// Layout: kind, direction (1 byte each), id, number, body.
inline constexpr std::size_t forward_header = 18;

std::string write_forward_frame(const ForwardFrame& frame) {
    const char head[] = {static_cast<char>(frame.kind), frame.served ? '\1' : '\0'};
    NodeWriter out;
    out.raw({head, sizeof head}).number(frame.id).number(frame.number).raw(frame.body);
    return out.take();
}

std::optional<ForwardFrame> read_forward_frame(std::string_view bytes) noexcept {
    NodeReader in(bytes);
    const auto kind = static_cast<unsigned char>(in.letter());
    const auto direction = in.letter();
    const auto id = in.number();
    const auto number = in.number();
    if (!in.good() || number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    if (kind < 1 || kind > static_cast<unsigned char>(ForwardFrame::Kind::alive))
        return std::nullopt;
    if (direction != '\0' && direction != '\1') return std::nullopt;
    return ForwardFrame{static_cast<ForwardFrame::Kind>(kind), direction == '\1', id,
                        static_cast<std::uint32_t>(number), bytes.substr(forward_header)};
}

void write_fields(NodeWriter& out, const Request::Fields& fields) {
    out.number(fields.size());
    for (const auto& [name, value] : fields) out.text(name).text(value);
}

Request::Fields read_fields(NodeReader& in) {
    Request::Fields fields;
    for (auto count = in.number(); count > 0 && in.good(); --count) {
        const auto name = in.text();
        fields.emplace_back(name, in.text());
    }
    return fields;
}

std::string write_request(const Request& request) {
    NodeWriter out;
    out.text(request.method).text(request.target);
    write_fields(out, request.query);
    write_fields(out, request.headers);
    out.text(request.body).text(request.peer_address);
    out.number(request.peer_port).number(request.tls ? 1 : 0);
    return out.take();
}

std::optional<Request> read_request(std::string_view bytes) {
    Request request;
    NodeReader in(bytes);
    request.method = in.text();
    request.target = in.text();
    request.query = read_fields(in);
    request.headers = read_fields(in);
    request.body = in.text();
    request.peer_address = in.text();
    const auto port = in.number();
    request.tls = in.number() != 0;
    if (!in.ended() || port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    request.peer_port = static_cast<std::uint16_t>(port);
    return request;
}

std::string write_answer(const HttpAnswer& answer) {
    NodeWriter out;
    out.number(static_cast<std::uint64_t>(answer.status));
    write_fields(out, answer.headers);
    out.text(answer.body).number(answer.take_over ? 1 : 0);
    return out.take();
}

std::optional<ForwardedAnswer> read_answer(std::string_view bytes) {
    ForwardedAnswer out;
    NodeReader in(bytes);
    const auto status = in.number();
    out.answer.headers = read_fields(in);
    out.answer.body = in.text();
    out.streams = in.number() != 0;
    if (!in.ended() || status < 100 || status > 599) return std::nullopt;
    out.answer.status = static_cast<int>(status);
    return out;
}

} // namespace chain::detail
