// ForwardFrame: what two nodes say about a request that one of them forwards to the other.
#pragma once

#include <chain/detail/http_transport.hpp>
#include <chain/request.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// What two nodes say about a request that came in at one of them, and is served by the other.
struct ForwardFrame {
    enum class Kind : std::uint8_t {
        request = 1, ///< The request; begins it.
        taken,       ///< It is being served.
        unknown,     ///< There is no such session, so it is not served.
        answer,      ///< The answer; unless a stream follows, this ends it.
        bytes,       ///< Of the stream.
        room,        ///< So many bytes of the stream were passed on: as many more may come.
        end,         ///< Nothing more comes, and nothing more is wanted.
        alive,       ///< A sign of life.
    };

    Kind kind = Kind::alive;
    bool served = false;      ///< Does it come from the node that serves the request?
    std::uint64_t id = 0;     ///< Of the request, given by the node where it came in.
    std::uint32_t number = 0; ///< Among those of the request in this direction, from 0.
    std::string_view body = {};
};

std::string write_forward_frame(const ForwardFrame& frame);
std::optional<ForwardFrame> read_forward_frame(std::string_view bytes) noexcept;

/// A request as it was completed where it came in, with the address of its client.
std::string write_request(const Request& request);
std::optional<Request> read_request(std::string_view bytes);

/// An answer on its way back.
struct ForwardedAnswer {
    HttpAnswer answer; ///< Without `take_over`.
    bool streams = false;
};
std::string write_answer(const HttpAnswer& answer);
std::optional<ForwardedAnswer> read_answer(std::string_view bytes);

} // namespace chain::detail
