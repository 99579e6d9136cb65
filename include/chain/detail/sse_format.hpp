// The text of server-sent events (WHATWG HTML, section 9.2).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain::detail {

/// Appends an event's data and its end. `data` holds no line break.
void append_sse_data(std::string& out, std::string_view data);
/// Appends the event's id, `EPOCH-NUMBER`, which goes before its data.
void append_sse_id(std::string& out, std::string_view epoch, std::uint32_t number);

/// Says after how long a client whose stream has ended may come back.
std::string retry_line(std::chrono::milliseconds after);

} // namespace chain::detail
