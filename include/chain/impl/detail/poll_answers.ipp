// Definitions of <chain/detail/poll_answers.hpp>.
#pragma once

#include <chain/detail/json_scan.hpp>
#include <chain/detail/poll_answers.hpp>
#include <chain/detail/text.hpp>

#include <charconv>

namespace chain::detail {

PollToken make_poll_token(const RandomId& node) {
    return {node, make_random_id(), make_random_id()};
}

std::string to_text(const PollToken& token) {
    return to_hex(token.node) + to_hex(token.id) + to_hex(token.secret) + '.' +
           std::to_string(token.answer);
}

std::optional<PollToken> poll_token_from(std::string_view text) noexcept {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto ids = random_ids_from_hex(text.substr(0, dot));
    if (!ids) return std::nullopt;
    const auto& [node, id, secret] = *ids;
    PollToken token{node, id, secret};
    const auto* end = text.data() + text.size();
    const auto number = std::from_chars(text.data() + dot + 1, end, token.answer);
    if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
    return token;
}

bool same_secret(const PollToken& own, const PollToken& shown) noexcept {
    return same_secret(own.secret, shown.secret);
}

PollAnswers::Next PollAnswers::polled(std::uint32_t seen) noexcept {
    if (seen == token_.answer) {
        messages_ = {};
        return Next::more;
    }
    return unconfirmed() && seen + 1 == token_.answer ? Next::again : Next::lost;
}

void PollAnswers::add(std::string_view lines) {
    messages_ = '[';
    while (!lines.empty()) {
        if (messages_.size() > 1) messages_ += ',';
        append_json_string(messages_, take_until(lines, '\n'));
    }
    messages_ += ']';
    ++token_.answer;
}

std::string poll_body(int status, const PollToken& token, std::string_view messages) {
    auto body = R"({"status":)" + std::to_string(status) + R"(,"token":")" + to_text(token);
    return body.append(R"(","messages":)").append(messages) += '}';
}

std::string PollAnswers::body() const { return poll_body(200, token_, messages_); }

std::string PollAnswers::empty_body(int status) const { return poll_body(status, token_, "[]"); }

std::size_t answer_size(std::string_view lines, std::size_t limit) noexcept {
    if (lines.size() <= limit) return lines.size();
    auto end = lines.substr(0, limit).rfind('\n');
    if (end == std::string_view::npos) end = lines.find('\n', limit);
    return end == std::string_view::npos ? lines.size() : end + 1;
}

} // namespace chain::detail
