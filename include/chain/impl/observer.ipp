// Definitions of <chain/observer.hpp>.
#pragma once

#include <chain/observer.hpp>

#include <algorithm>
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
    // An exception's text may hold what a client has sent: it stays on its line.
    std::string line(text);
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    std::fprintf(stderr, "chain: %s: %s\n", label, line.c_str());
}

void StderrObserver::handler_threw(std::string_view pattern, Hook hook, std::string_view what) {
    log(LogLevel::error, "the " + std::string(to_string(hook)) + " handler of \"" +
                             std::string(pattern) + "\" threw: " + std::string(what));
}

void StderrObserver::frames_dropped(std::size_t count, error_code reason) {
    if (reason == Errc::oldest_dropped || reason == Errc::conflated) return; // as is wanted
    if (reason == Errc::closed) return;                                      // as is usual
    log(LogLevel::warning, "dropped " + std::to_string(count) + " frames: " + reason.message());
}

void StderrObserver::adapter_up(std::string_view pattern) {
    log(LogLevel::info, "the adapter of \"" + std::string(pattern) + "\" reaches its broker");
}

void StderrObserver::adapter_down(std::string_view pattern, error_code reason,
                                  std::string_view text) {
    auto line = "the adapter of \"" + std::string(pattern) +
                "\" does not reach its broker: " + reason.message();
    if (!text.empty()) line.append(": ").append(text);
    log(LogLevel::warning, line);
}

void StderrObserver::adapter_lost(std::string_view pattern, std::size_t count, error_code reason) {
    const auto number = count > 0 ? std::to_string(count) : std::string("an unknown number of");
    log(LogLevel::warning, "the adapter of \"" + std::string(pattern) + "\" lost " + number +
                               " messages: " + reason.message());
}

} // namespace chain
