// Definitions of <chain/detail/http_transport.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_rules.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/lane.hpp>
#include <chain/json.hpp>

namespace chain::detail {

bool page_allowed(HandlerCore& handler, const Request& request,
                  const std::optional<CorsConfig>& cors) noexcept {
    if (handler.allows_page(request)) return true;
    try {
        return cors_allows(request, cors);
    } catch (...) {
        handler.connect_failed(std::current_exception());
        return false;
    }
}

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

HttpAnswer HttpTransport::put_off(const Request& request, std::string_view reason,
                                  std::string_view seconds) const {
    auto answer = refuse(request, 503, reason);
    answer.headers.emplace_back("Retry-After", seconds);
    return answer;
}

std::optional<RandomId> HttpTransport::owner(const Request&) const { return std::nullopt; }

Ref<Lane> HttpTransport::home(const Request&) const { return nullptr; }

HttpAnswer refuse_connect(const Refusal& refusal) {
    const bool valid = refusal.status >= 400 && refusal.status <= 599;
    auto answer = refuse_request(valid ? refusal.status : 403,
                                 refusal.reason.empty() ? "refused" : refusal.reason);
    if (refusal.body) {
        answer.body = *refusal.body;
        answer.headers = {{"Cache-Control", "no-store"}};
        if (!answer.body.empty() && !has_header(refusal.headers, "Content-Type"))
            answer.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    }
    answer.headers.insert(answer.headers.end(), refusal.headers.begin(), refusal.headers.end());
    return answer;
}

} // namespace chain::detail
