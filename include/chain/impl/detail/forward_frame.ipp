// Definitions of <chain/detail/forward_frame.hpp>.
#pragma once

#include <chain/detail/forward_frame.hpp>
#include <chain/detail/text.hpp>

#include <utility>

namespace chain::detail {

// Layout: kind, direction (1 byte each), id (8 bytes), number (4 bytes), highest byte first; body.
inline constexpr std::size_t forward_header = 14;

void append_number(std::string& out, std::uint64_t number, unsigned bytes) {
    while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes));
}

std::uint64_t read_number(std::string_view bytes) noexcept {
    std::uint64_t number = 0;
    for (const char byte : bytes) number = number << 8U | static_cast<unsigned char>(byte);
    return number;
}

std::string write_forward_frame(const ForwardFrame& frame) {
    std::string out;
    out.reserve(forward_header + frame.body.size());
    out += static_cast<char>(frame.kind);
    out += frame.served ? '\1' : '\0';
    append_number(out, frame.id, 8);
    append_number(out, frame.number, 4);
    return out.append(frame.body);
}

std::optional<ForwardFrame> read_forward_frame(std::string_view bytes) noexcept {
    if (bytes.size() < forward_header) return std::nullopt;
    const auto kind = static_cast<unsigned char>(bytes[0]);
    if (kind < 1 || kind > static_cast<unsigned char>(ForwardFrame::Kind::alive))
        return std::nullopt;
    if (bytes[1] != '\0' && bytes[1] != '\1') return std::nullopt;
    return ForwardFrame{
        static_cast<ForwardFrame::Kind>(kind), bytes[1] == '\1', read_number(bytes.substr(2, 8)),
        static_cast<std::uint32_t>(read_number(bytes.substr(10, 4))), bytes.substr(forward_header)};
}

/// Writes texts one after the other, each behind its length.
class TextWriter {
  public:
    TextWriter& operator<<(std::string_view text) {
        append_number(out_, text.size(), 4);
        out_.append(text);
        return *this;
    }
    TextWriter& operator<<(std::uint32_t number) { return *this << std::to_string(number); }
    TextWriter& operator<<(const Request::Fields& fields) {
        *this << static_cast<std::uint32_t>(fields.size());
        for (const auto& [name, value] : fields) *this << name << value;
        return *this;
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

/// Reads what a TextWriter has written.
class TextReader {
  public:
    explicit TextReader(std::string_view bytes) : rest_(bytes) {}

    TextReader& operator>>(std::string& text) {
        text = next();
        return *this;
    }
    TextReader& operator>>(std::uint32_t& number) {
        const auto read = number_from(next());
        good_ = good_ && read;
        number = read.value_or(0);
        return *this;
    }
    TextReader& operator>>(Request::Fields& fields) {
        std::uint32_t count = 0;
        for (*this >> count; good_ && count > 0; --count) {
            auto& [name, value] = fields.emplace_back();
            *this >> name >> value;
        }
        return *this;
    }
    /// Was everything there, and nothing else?
    bool complete() const noexcept { return good_ && rest_.empty(); }

  private:
    std::string_view next() noexcept {
        const auto size = rest_.size() < 4 ? rest_.size() : read_number(rest_.substr(0, 4));
        good_ = good_ && rest_.size() >= 4 && rest_.size() - 4 >= size;
        if (!good_) return {};
        const auto text = rest_.substr(4, size);
        rest_.remove_prefix(4 + size);
        return text;
    }

    std::string_view rest_;
    bool good_ = true;
};

std::string write_request(const Request& request) {
    TextWriter out;
    out << request.method << request.target << request.query << request.headers << request.body
        << request.peer_address << std::uint32_t{request.peer_port}
        << std::uint32_t{request.tls ? 1U : 0U};
    return out.take();
}

std::optional<Request> read_request(std::string_view bytes) {
    Request request;
    std::uint32_t port = 0;
    std::uint32_t tls = 0;
    TextReader in(bytes);
    in >> request.method >> request.target >> request.query >> request.headers >> request.body >>
        request.peer_address >> port >> tls;
    if (!in.complete() || port > 0xffff) return std::nullopt;
    request.peer_port = static_cast<std::uint16_t>(port);
    request.tls = tls != 0;
    return request;
}

std::string write_answer(const HttpAnswer& answer) {
    TextWriter out;
    out << static_cast<std::uint32_t>(answer.status) << answer.headers << answer.body
        << std::uint32_t{answer.take_over ? 1U : 0U};
    return out.take();
}

std::optional<ForwardedAnswer> read_answer(std::string_view bytes) {
    ForwardedAnswer out;
    std::uint32_t status = 0;
    std::uint32_t streams = 0;
    TextReader in(bytes);
    in >> status >> out.answer.headers >> out.answer.body >> streams;
    if (!in.complete() || status < 100 || status > 599) return std::nullopt;
    out.answer.status = static_cast<int>(status);
    out.streams = streams != 0;
    return out;
}

} // namespace chain::detail
