// Definitions of <chain/reply.hpp>.
#pragma once

#include <chain/detail/utf8.hpp>
#include <chain/reply.hpp>

#include <stdexcept>
#include <utility>

namespace chain {

Reply Reply::with_status(std::string status, Json payload) {
    if (status.empty() || status.size() > 255 || !detail::valid_utf8(status))
        throw std::invalid_argument("chain: a status is 1 to 255 bytes of UTF-8");
    Reply reply(status == "ok" ? Status::ok : Status::error, std::move(payload));
    if (status != "ok" && status != "error") reply.status_name_ = std::move(status);
    return reply;
}

result<Payload> Reply::payload() const {
    if (const auto* json = detail::ReplyAccess::json(*this)) return Payload::from_json(*json);
    return payload_;
}

} // namespace chain
