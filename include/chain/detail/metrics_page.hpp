// MetricsPage: metrics in Prometheus's text format.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace chain::detail {

/// Metrics in the text format 0.0.4 (prometheus.io, "Exposition formats"): for each one a line of
/// help and one with its type, then its samples.
class MetricsPage {
  public:
    /// Name and value. Values may be any UTF-8.
    using Label = std::pair<std::string_view, std::string_view>;

    /// Begins a metric, of which nothing is written until it has a sample.
    /// @param name  of letters, digits and `_`
    /// @param type  "counter" or "gauge"
    /// @param help  a sentence without line ends and backslashes
    void begin(std::string_view name, std::string_view type, std::string_view help);
    /// Adds a sample of the metric that was begun.
    void add(std::initializer_list<Label> labels, std::uint64_t value);

    const std::string& text() const noexcept { return text_; }

  private:
    std::string text_;
    std::string_view name_;
    std::string head_; ///< Written with the first sample.
};

} // namespace chain::detail
