// Definitions of <chain/observer.hpp>.
#pragma once

#include <chain/observer.hpp>

#include <cstdio>
#include <string>

namespace chain {

std::string_view to_string(Hook hook) noexcept {
    static constexpr std::string_view names[] = {"connect", "join", "in", "out", "leave"};
    return names[static_cast<std::size_t>(hook)];
}

void StderrObserver::log(LogLevel level, std::string_view text) {
    if (level < LogLevel::warning) return;
    const char* label = level == LogLevel::warning ? "warning" : "error";
    std::fprintf(stderr, "chain: %s: %.*s\n", label, static_cast<int>(text.size()), text.data());
}

void StderrObserver::handler_threw(std::string_view pattern, Hook hook, std::string_view what) {
    log(LogLevel::error, "the " + std::string(to_string(hook)) + " handler of \"" +
                             std::string(pattern) + "\" threw: " + std::string(what));
}

void StderrObserver::frames_dropped(std::size_t count, error_code reason) {
    log(LogLevel::warning, "dropped " + std::to_string(count) + " frames: " + reason.message());
}

} // namespace chain
