// Definitions of <chain/prometheus.hpp>.
#pragma once

#include <chain/detail/metrics_page.hpp>
#include <chain/detail/prometheus_counts.hpp>
#include <chain/prometheus.hpp>
#include <chain/socket.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace chain {

namespace detail {

inline constexpr std::array<std::string_view, 5> leave_names{"leave", "rejoin", "close", "error",
                                                             "stop"};
inline constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

/// A counter that each pattern has.
struct PatternMetric {
    Count PatternCounts::*count;
    std::string_view name;
    std::string_view help;
};

inline constexpr std::array<PatternMetric, 8> pattern_metrics{{
    {&PatternCounts::joins, "chain_joins_total", "Joins that were let in."},
    {&PatternCounts::joins_refused, "chain_joins_refused_total",
     "Joins that the handler refused, or in which it threw."},
    {&PatternCounts::events, "chain_events_total", "Events of clients that reached a handler."},
    {&PatternCounts::broadcasts, "chain_broadcasts_total", "Broadcasts on this node."},
    {&PatternCounts::adapter_connects, "chain_adapter_connects_total",
     "How often an adapter came to reach its broker."},
    {&PatternCounts::adapter_failures, "chain_adapter_failures_total",
     "How often an adapter told that it does not reach its broker."},
    {&PatternCounts::adapter_losses, "chain_adapter_losses_total",
     "How often an adapter told that messages were lost, or may have been."},
    {&PatternCounts::adapter_lost_messages, "chain_adapter_lost_messages_total",
     "Messages between nodes that are known to be lost."},
}};

void add_sessions(MetricsPage& page, const PrometheusCounts& counts) {
    // A page is no snapshot: what is subtracted is read first.
    const auto closed = counts.sessions_closed.value();
    const auto opened = counts.sessions_opened.value();
    page.begin("chain_sessions", "gauge", "Sessions that live now.");
    page.add({}, opened - std::min(closed, opened));
    page.begin("chain_sessions_opened_total", "counter", "Sessions of clients that were let in.");
    page.add({}, opened);
    page.begin("chain_sessions_closed_total", "counter", "Sessions that have ended.");
    page.add({}, closed);
    page.begin("chain_sessions_resumed_total", "counter",
               "How often a client came back to its session.");
    page.add({}, counts.sessions_resumed.value());
    page.begin("chain_sessions_expired_total", "counter",
               "Sessions whose client showed no new token in time.");
    page.add({}, counts.sessions_expired.value());
}

/// A reason in words: what its message says before the advice.
std::string reason_name(std::size_t reason) {
    if (reason == 0) return "other";
    const auto message = make_error_code(static_cast<Errc>(reason)).message();
    return message.substr(0, message.find(':'));
}

void add_reasons(MetricsPage& page, const ReasonCounts& counts) {
    for (std::size_t reason = 0; reason < ReasonCounts::size; ++reason)
        if (const auto value = counts.value(reason))
            page.add({{"reason", reason_name(reason)}}, value);
}

void add_labelled(MetricsPage& page, std::string_view name, const LabelledCounts<Count>& counts) {
    counts.for_each([&](std::string_view label, const Count& count) {
        page.add({{name, label}}, count.value());
    });
}

void add_sockets(MetricsPage& page, const PrometheusCounts& counts) {
    page.begin("chain_sockets", "gauge", "Memberships of topics that live now.");
    counts.patterns.for_each([&](std::string_view pattern, const PatternCounts& of) {
        const auto left = std::accumulate(
            of.leaves.begin(), of.leaves.end(), std::uint64_t{0},
            [](std::uint64_t sum, const Count& count) { return sum + count.value(); });
        const auto joins = of.joins.value();
        if (joins > 0) page.add({{"pattern", pattern}}, joins - std::min(left, joins));
    });
}

/// Adds what is counted by pattern and by another label, of which `names` are the values.
template <std::size_t N, class Names>
void add_by_pattern(MetricsPage& page, const PrometheusCounts& counts,
                    std::array<Count, N> PatternCounts::*member, std::string_view label,
                    Names names) {
    counts.patterns.for_each([&](std::string_view pattern, const PatternCounts& of) {
        for (std::size_t i = 0; i < N; ++i)
            if (const auto value = (of.*member)[i].value())
                page.add({{"pattern", pattern}, {label, names(i)}}, value);
    });
}

void add_patterns(MetricsPage& page, const PrometheusCounts& counts) {
    for (const auto& metric : pattern_metrics) {
        page.begin(metric.name, "counter", metric.help);
        counts.patterns.for_each([&](std::string_view pattern, const PatternCounts& of) {
            if (const auto value = (of.*metric.count).value())
                page.add({{"pattern", pattern}}, value);
        });
    }
    page.begin("chain_leaves_total", "counter", "Memberships that have ended.");
    add_by_pattern(page, counts, &PatternCounts::leaves, "reason",
                   [](std::size_t i) { return leave_names[i]; });
    page.begin("chain_exceptions_total", "counter", "Exceptions of handlers.");
    add_by_pattern(page, counts, &PatternCounts::exceptions, "hook",
                   [](std::size_t i) { return to_string(static_cast<Hook>(i)); });
}

void add_refusals(MetricsPage& page, const PrometheusCounts& counts) {
    page.begin("chain_sessions_refused_total", "counter", "Clients that were not let in.");
    add_reasons(page, counts.sessions_refused);
    page.begin("chain_resumes_failed_total", "counter",
               "Clients that could not come back to their session.");
    add_labelled(page, "reason", counts.resumes_failed);
    page.begin("chain_rate_limited_total", "counter", "Joins and events that came too soon.");
    add_labelled(page, "what", counts.rate_limited);
    page.begin("chain_over_limit_total", "counter", "How often a client met a limit.");
    add_labelled(page, "limit", counts.over_limit);
    page.begin("chain_bad_frames_total", "counter", "Frames that were not understood.");
    add_reasons(page, counts.bad_frames);
    page.begin("chain_frames_dropped_total", "counter", "Frames that were dropped, not sent.");
    add_reasons(page, counts.frames_dropped);
}

void add_logs(MetricsPage& page, const PrometheusCounts& counts) {
    page.begin("chain_logs_total", "counter", "Sentences for the log.");
    for (std::size_t i = 0; i < counts.logs.size(); ++i)
        if (const auto value = counts.logs[i].value()) page.add({{"level", level_names[i]}}, value);
}

} // namespace detail

PrometheusObserver::PrometheusObserver(std::shared_ptr<Observer> next)
    : next_(next ? std::move(next) : std::make_shared<Observer>()),
      counts_(std::make_unique<detail::PrometheusCounts>()) {}
PrometheusObserver::~PrometheusObserver() = default;

std::string PrometheusObserver::text() const {
    detail::MetricsPage page;
    detail::add_sessions(page, *counts_);
    detail::add_sockets(page, *counts_);
    detail::add_patterns(page, *counts_);
    detail::add_refusals(page, *counts_);
    detail::add_logs(page, *counts_);
    return page.text();
}

void PrometheusObserver::log(LogLevel level, std::string_view text) {
    counts_->logs[static_cast<std::size_t>(level)].add();
    next_->log(level, text);
}

void PrometheusObserver::session_opened() {
    counts_->sessions_opened.add();
    next_->session_opened();
}

void PrometheusObserver::session_closed() {
    counts_->sessions_closed.add();
    next_->session_closed();
}

void PrometheusObserver::session_resumed() {
    counts_->sessions_resumed.add();
    next_->session_resumed();
}

void PrometheusObserver::resume_failed(std::string_view why) {
    counts_->resumes_failed[why].add();
    next_->resume_failed(why);
}

void PrometheusObserver::session_expired() {
    counts_->sessions_expired.add();
    next_->session_expired();
}

void PrometheusObserver::session_refused(error_code why) {
    counts_->sessions_refused.add(why);
    next_->session_refused(why);
}

void PrometheusObserver::joined(std::string_view pattern) {
    counts_->patterns[pattern].joins.add();
    next_->joined(pattern);
}

void PrometheusObserver::join_refused(std::string_view pattern) {
    counts_->patterns[pattern].joins_refused.add();
    next_->join_refused(pattern);
}

void PrometheusObserver::left(std::string_view pattern, LeaveReason why) {
    counts_->patterns[pattern].leaves[static_cast<std::size_t>(why)].add();
    next_->left(pattern, why);
}

void PrometheusObserver::event_in(std::string_view pattern) {
    counts_->patterns[pattern].events.add();
    next_->event_in(pattern);
}

void PrometheusObserver::broadcast(std::string_view pattern) {
    counts_->patterns[pattern].broadcasts.add();
    next_->broadcast(pattern);
}

void PrometheusObserver::handler_threw(std::string_view pattern, Hook hook, std::string_view what) {
    counts_->patterns[pattern].exceptions[static_cast<std::size_t>(hook)].add();
    next_->handler_threw(pattern, hook, what);
}

void PrometheusObserver::rate_limited(std::string_view what) {
    counts_->rate_limited[what].add();
    next_->rate_limited(what);
}

void PrometheusObserver::over_limit(std::string_view limit) {
    counts_->over_limit[limit].add();
    next_->over_limit(limit);
}

void PrometheusObserver::bad_frame(error_code why) {
    counts_->bad_frames.add(why);
    next_->bad_frame(why);
}

void PrometheusObserver::frames_dropped(std::size_t count, error_code why) {
    counts_->frames_dropped.add(why, count);
    next_->frames_dropped(count, why);
}

void PrometheusObserver::adapter_up(std::string_view pattern) {
    counts_->patterns[pattern].adapter_connects.add();
    next_->adapter_up(pattern);
}

void PrometheusObserver::adapter_down(std::string_view pattern, error_code reason,
                                      std::string_view text) {
    counts_->patterns[pattern].adapter_failures.add();
    next_->adapter_down(pattern, reason, text);
}

void PrometheusObserver::adapter_lost(std::string_view pattern, std::size_t count,
                                      error_code reason) {
    auto& counts = counts_->patterns[pattern];
    counts.adapter_losses.add();
    counts.adapter_lost_messages.add(count);
    next_->adapter_lost(pattern, count, reason);
}

} // namespace chain
