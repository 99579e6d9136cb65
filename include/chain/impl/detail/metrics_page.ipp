// Definitions of <chain/detail/metrics_page.hpp>.
#pragma once

#include <chain/detail/metrics_page.hpp>

namespace chain::detail {

/// Appends a label's value, in which these three cannot stand as they are.
void append_label_value(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
}

void MetricsPage::begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    head_.assign("# HELP ").append(name).append(" ").append(help);
    head_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsPage::add(std::initializer_list<Label> labels, std::uint64_t value) {
    text_.append(std::exchange(head_, {})).append(name_);
    char before = '{';
    for (const auto& [name, content] : labels) {
        text_ += std::exchange(before, ',');
        text_.append(name).append("=\"");
        append_label_value(text_, content);
        text_ += '"';
    }
    if (labels.size() > 0) text_ += '}';
    text_.append(" ").append(std::to_string(value)).append("\n");
}

} // namespace chain::detail
