// Definitions of <chain/detail/poll_table.hpp>.
#pragma once

#include <chain/detail/poll_table.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

void PollTable::add(const PollToken& token, std::weak_ptr<PollConnection> connection) {
    const std::lock_guard lock(mutex_);
    living_.insert_or_assign(token.id, Living{token, std::move(connection)});
}

std::shared_ptr<PollConnection> PollTable::find(const PollToken& shown) const {
    const std::lock_guard lock(mutex_);
    const auto found = living_.find(shown.id);
    const bool known = found != living_.end() && same_secret(found->second.token, shown);
    return known ? found->second.connection.lock() : nullptr;
}

std::size_t PollTable::end(PollAnswers answers, std::string unsent, Time now,
                           std::chrono::milliseconds keep, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    const auto id = answers.token().id;
    living_.erase(id);
    if (unsent.empty() && !answers.unconfirmed()) return 0;
    const auto [at, fresh] =
        ended_.emplace(id, Ended{std::move(answers), std::move(unsent), now + keep});
    if (!fresh) return 0;
    order_.push_back(id);
    waiting_ += size_of(at->second);
    return forget_first(now, limit);
}

std::optional<std::string> PollTable::last_words(const PollToken& shown, Time now,
                                                 std::size_t limit) {
    const std::lock_guard lock(mutex_);
    forget_first(now, waiting_);
    const auto found = ended_.find(shown.id);
    if (found == ended_.end()) return std::nullopt;
    auto& [answers, unsent, until] = found->second;
    if (!same_secret(answers.token(), shown)) return std::nullopt;
    waiting_ -= size_of(found->second);
    const auto next = answers.polled(shown.answer);
    if (next == PollAnswers::Next::more && !unsent.empty()) {
        const auto size = answer_size(unsent, limit);
        answers.add(std::string_view(unsent).substr(0, size));
        unsent.erase(0, size);
    }
    waiting_ += size_of(found->second);
    if (next != PollAnswers::Next::lost && answers.unconfirmed()) return answers.body();
    if (next == PollAnswers::Next::more) forget(found);
    return std::nullopt;
}

void PollTable::sweep(Time now) {
    const std::lock_guard lock(mutex_);
    forget_first(now, waiting_);
}

bool PollTable::left_something(const PollToken& shown) const {
    const std::lock_guard lock(mutex_);
    const auto found = ended_.find(shown.id);
    return found != ended_.end() && same_secret(found->second.answers.token(), shown);
}

std::size_t PollTable::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

/// Forgets those whose time is over, and the first of too many. @return how many lines these had
std::size_t PollTable::forget_first(Time now, std::size_t limit) {
    std::size_t lines = 0;
    for (; !order_.empty(); order_.pop_front()) {
        const auto first = ended_.find(order_.front());
        if (first == ended_.end()) continue;
        const auto& [answers, unsent, until] = first->second;
        if (until > now && waiting_ <= limit) break;
        if (until > now) lines += static_cast<std::size_t>(std::ranges::count(unsent, '\n'));
        forget(first);
    }
    return lines;
}

void PollTable::forget(std::map<RandomId, Ended>::iterator ended) noexcept {
    waiting_ -= size_of(ended->second);
    ended_.erase(ended);
}

std::size_t PollTable::size_of(const Ended& ended) noexcept {
    return ended.answers.bytes() + ended.unsent.size();
}

} // namespace chain::detail
