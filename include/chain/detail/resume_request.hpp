// ResumeRequest: what a request says about the session that it belongs to.
#pragma once

#include <chain/detail/ref_counted.hpp>
#include <chain/detail/resume_token.hpp>
#include <chain/request.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

class SessionCore;

/// What a request says about the session that it belongs to.
struct ResumeRequest {
    bool wanted = false; ///< The client can resume, and has no session yet.
    bool shown = false;  ///< It showed a token, whatever that is worth.
    std::optional<ResumeToken> token = {};
    /// What the server chooses when the token came as a subprotocol: `chain`, where that was
    /// offered beside it, so that the token is not sent back.
    std::string subprotocol = {};
    std::optional<std::uint32_t> received = {}; ///< Frames that the client has received.
    std::optional<std::uint32_t> attempt = {};  ///< Rises with each try to resume.
    std::optional<std::uint32_t> seq = {};      ///< Frames that it sent before a POST's.
    Ref<SessionCore> known = {}; ///< The session, when something else than a token proves it.
};

/// Takes out of a request what is about resuming: the application sees none of it.
ResumeRequest take_resume_request(Request& request);
/// The request without its body.
Request head_of(const Request& request);
/// As `take_resume_request`, and leaves it there.
ResumeRequest read_resume_request(const Request& request);
/// The node that gave the token which the client showed.
std::optional<RandomId> node_of(const ResumeRequest& request) noexcept;
/// A `Last-Event-ID` of this library: the session's public epoch, and the frame's number.
struct EventId {
    std::string_view epoch;
    std::uint32_t number;
};
std::optional<EventId> event_id_from(std::string_view text) noexcept;
/// The public epoch of the session with this id.
std::string epoch_of(const RandomId& id);

} // namespace chain::detail
