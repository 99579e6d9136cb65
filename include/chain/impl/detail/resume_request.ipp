// Definitions of <chain/detail/resume_request.hpp>.
#pragma once

#include <chain/detail/resume_request.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace chain::detail {

inline constexpr std::string_view resume_protocol = "chain.resume.";

bool reserved_param(std::string_view name) noexcept {
    return name == "session" || name == "received" || name == "resume" || name == "attempt" ||
           name == "seq";
}

/// The target without the reserved parameters.
std::string without_reserved(std::string_view target) {
    auto query = target;
    std::string kept(take_until(query, '?'));
    char separator = '?';
    while (!query.empty()) {
        const auto part = take_until(query, '&');
        if (part.empty() || reserved_param(part.substr(0, part.find('=')))) continue;
        (kept += std::exchange(separator, '&')).append(part);
    }
    return kept;
}

void show(ResumeRequest& out, std::string_view token) {
    out.shown = true;
    out.token = resume_token_from(token);
}

/// Takes the token out of a list of subprotocols, and `chain`, which was offered beside it.
void take_subprotocol(ResumeRequest& out, std::string& field) {
    std::string kept;
    bool has_chain = false;
    std::string_view rest = field;
    while (!rest.empty()) {
        const auto name = trim_spaces(take_until(rest, ','));
        if (name.starts_with(resume_protocol)) {
            show(out, name.substr(resume_protocol.size()));
            out.subprotocol = name;
        } else if (name == "chain") {
            has_chain = true;
        } else if (!name.empty()) {
            (kept += kept.empty() ? "" : ", ").append(name);
        }
    }
    if (out.subprotocol.empty()) return;
    if (has_chain) out.subprotocol = "chain";
    field = std::move(kept);
}

ResumeRequest take_resume_request(Request& request) {
    ResumeRequest out;
    bool any = false;
    for (const auto& [name, value] : request.query) {
        if (!reserved_param(name)) continue;
        any = true;
        if (name == "resume") out.wanted = value == "1";
        if (name == "session") show(out, value);
        if (name == "received") out.received = number_from(value);
        if (name == "attempt") out.attempt = number_from(value);
        if (name == "seq") out.seq = number_from(value);
    }
    for (auto& [name, value] : request.headers) {
        if (equals_ignoring_case(name, "Sec-WebSocket-Protocol")) take_subprotocol(out, value);
        if (equals_ignoring_case(name, "X-Chain-Session")) show(out, std::exchange(value, {}));
    }
    if (out.token && !out.received) out.received = 0;
    if (!any) return out;
    std::erase_if(request.query, [](const auto& item) { return reserved_param(item.first); });
    request.target = without_reserved(request.target);
    return out;
}

Request head_of(const Request& request) {
    Request head;
    head.method = request.method;
    head.target = request.target;
    head.query = request.query;
    head.headers = request.headers;
    return head;
}

ResumeRequest read_resume_request(const Request& request) {
    auto head = head_of(request);
    return take_resume_request(head);
}

std::optional<RandomId> node_of(const ResumeRequest& request) noexcept {
    return request.token ? std::optional(request.token->server) : std::nullopt;
}

std::optional<EventId> event_id_from(std::string_view text) noexcept {
    const auto dash = text.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto number = number_from(text.substr(dash + 1));
    if (!number) return std::nullopt;
    return EventId{text.substr(0, dash), *number};
}

std::string epoch_of(const RandomId& id) { return to_hex(std::span(id).first(4)); }

} // namespace chain::detail
