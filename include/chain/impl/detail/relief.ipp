// Definitions of <chain/detail/relief.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/relief.hpp>
#include <chain/detail/session_core.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace chain::detail {

Relief::Relief(std::shared_ptr<HandlerCore> handler) : handler_(std::move(handler)) {}

Relief::~Relief() { handler_->relieved(); }

void Relief::start() {
    const auto lanes = handler_->lanes();
    left_ = lanes.size() + 1;
    for (const auto& lane : lanes)
        if (!lane->post([self = shared_from_this(), lane] { self->looked(look(*lane)); }))
            looked({});
    looked({});
}

Relief::Found Relief::look(Lane& lane) {
    Found found;
    for (auto& session : lane.all_sessions())
        if (const auto backlog = session->backlog(); backlog.bytes > 0)
            found.emplace_back(backlog, std::move(session));
    return found;
}

void Relief::looked(Found found) {
    {
        const std::lock_guard lock(mutex_);
        std::ranges::move(found, std::back_inserter(found_));
    }
    if (--left_ == 0) decide();
}

void sort_largest_first(std::vector<std::pair<Backlog, Ref<SessionCore>>>& found) {
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
        return std::pair(a.first.bytes, a.first.frames) > std::pair(b.first.bytes, b.first.frames);
    });
}

void Relief::decide() {
    sort_largest_first(found_);
    const auto& limits = handler_->config().limits;
    auto bytes = handler_->unsent().load();
    auto frames = handler_->unsent_frames().load();
    for (auto& [backlog, session] : found_) {
        if (bytes <= limits.unsent_bytes / 4 * 3 && frames <= limits.unsent_frames / 4 * 3) break;
        bytes -= std::min(bytes, backlog.bytes);
        frames -= std::min(frames, backlog.frames);
        session->lane().post([session = session] { session->relieve(); });
    }
}

void Relief::in(Lane& lane) {
    auto found = look(lane);
    sort_largest_first(found);
    for (auto& [backlog, session] : found) {
        if (!lane.handler().crowded(6)) break;
        session->relieve();
    }
}

} // namespace chain::detail
