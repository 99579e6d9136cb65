// The text of server-sent events (WHATWG HTML, section 9.2).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain::detail {

/// Appends an event's data and its end. `data` holds no line break.
void append_sse_data(std::string& out, std::string_view data);
/// The lines that give events their ids, `EPOCH-NUMBER`, and go before their data.
class SseId {
  public:
    /// Of a line.
    static constexpr std::size_t max_size = 32;

    /// @param epoch   of up to 16 characters
    /// @param number  of the first event
    SseId(std::string_view epoch, std::uint32_t number) noexcept;
    /// The next event's line; good until the next call.
    std::string_view next_line() noexcept;

  private:
    char line_[max_size];
    char* digits_; ///< Where the number begins.
    std::uint32_t number_;
};

/// Says after how long a client whose stream has ended may come back.
std::string retry_line(std::chrono::milliseconds after);

} // namespace chain::detail
