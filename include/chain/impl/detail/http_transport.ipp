// Definitions of <chain/detail/http_transport.hpp>.
#pragma once

#include <chain/detail/http_transport.hpp>
#include <chain/json.hpp>

namespace chain::detail {

HttpAnswer refuse_request(int status, std::string_view reason) {
    HttpAnswer answer;
    answer.status = status;
    answer.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
    answer.body =
        Json{{"reason", std::string(reason)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
    return answer;
}

HttpAnswer HttpTransport::refuse(const Request&, int status, std::string_view reason) const {
    return refuse_request(status, reason);
}

HttpAnswer refuse_connect(const Refusal& refusal) {
    const bool valid = refusal.status >= 400 && refusal.status <= 599;
    return refuse_request(valid ? refusal.status : 403,
                          refusal.reason.empty() ? "refused" : refusal.reason);
}

} // namespace chain::detail
