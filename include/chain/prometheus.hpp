// PrometheusObserver: counts what a handler tells, for Prometheus.
#pragma once

#include <chain/error.hpp>
#include <chain/observer.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace chain {

namespace detail {
struct PrometheusCounts;
}

/// Counts what it is told, and writes the counts in Prometheus's text format, version 0.0.4. Each
/// hook passes what it was told on to another observer, after it was counted. One observer may be
/// that of several handlers: they are counted together. docs/metrics.md lists the metrics.
///
/// Labels are patterns of channels and adapters, endpoints, and names of the library's own, so that
/// the number of series is bounded. A series with labels is there from its first count on.
///
/// Thread safety: all from any thread. Hooks only add to atomics; the first count of a pattern
/// takes a lock.
///
/// ```cpp
/// const auto metrics = std::make_shared<chain::PrometheusObserver>();
/// chain::Handler handler{{.observer = metrics}};
/// chain::Server server{{.metrics = [metrics] { return metrics->text(); }}};
/// ```
class PrometheusObserver : public Observer {
  public:
    /// @param next  is told everything too; null: nobody is
    explicit PrometheusObserver(
        std::shared_ptr<Observer> next = std::make_shared<StderrObserver>());
    ~PrometheusObserver() override;

    /// All counts, as lines of the text format. In a server of your own, answer with it and the
    /// Content-Type `text/plain; version=0.0.4; charset=utf-8`.
    std::string text() const;

    void log(LogLevel level, std::string_view text) override;
    void session_opened() override;
    void session_closed() override;
    void session_resumed() override;
    void resume_failed(std::string_view why) override;
    void session_expired() override;
    void session_refused(error_code why) override;
    void joined(std::string_view pattern) override;
    void join_refused(std::string_view pattern) override;
    void left(std::string_view pattern, LeaveReason why) override;
    void event_in(std::string_view pattern) override;
    void broadcast(std::string_view pattern) override;
    void handler_threw(std::string_view pattern, Hook hook, std::string_view what) override;
    void rate_limited(std::string_view what) override;
    void over_limit(std::string_view limit) override;
    void bad_frame(error_code why) override;
    void frames_dropped(std::size_t count, error_code why) override;
    void adapter_up(std::string_view pattern) override;
    void adapter_down(std::string_view pattern, error_code reason, std::string_view text) override;
    void adapter_lost(std::string_view pattern, std::size_t count, error_code reason) override;

  private:
    std::shared_ptr<Observer> next_;
    std::unique_ptr<detail::PrometheusCounts> counts_;
};

} // namespace chain
