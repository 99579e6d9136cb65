// NodeWriter, NodeReader: the bytes of what nodes say to one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace chain::detail {

/// Writes numbers as 8 bytes, highest first, and texts behind their length.
class NodeWriter {
  public:
    NodeWriter& number(std::uint64_t value) {
        for (unsigned shift = 64; shift > 0;) bytes_ += static_cast<char>(value >> (shift -= 8));
        return *this;
    }
    NodeWriter& text(std::string_view value) {
        number(value.size());
        bytes_.append(value);
        return *this;
    }
    /// As it is.
    NodeWriter& raw(std::string_view bytes) {
        bytes_.append(bytes);
        return *this;
    }
    std::size_t size() const noexcept { return bytes_.size(); }
    const std::string& bytes() const noexcept { return bytes_; }
    /// The bytes, which are no longer here then.
    std::string take() noexcept { return std::exchange(bytes_, {}); }

  private:
    std::string bytes_;
};

/// Reads them again. What is missing reads as 0 or empty, and is told by `good`.
class NodeReader {
  public:
    explicit NodeReader(std::string_view bytes) noexcept : rest_(bytes) {}

    std::uint64_t number() noexcept {
        std::uint64_t value = 0;
        for (const char c : take(8)) value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    std::string_view text() noexcept { return take(number()); }
    char letter() noexcept {
        const auto one = take(1);
        return one.empty() ? '\0' : one.front();
    }
    /// Was everything there so far?
    bool good() const noexcept { return good_; }
    /// Is something left, and was everything there?
    bool more() const noexcept { return good_ && !rest_.empty(); }
    /// Was it read to its end, and was everything there?
    bool ended() const noexcept { return good_ && rest_.empty(); }

  private:
    std::string_view take(std::uint64_t size) noexcept {
        good_ &= size <= rest_.size();
        if (!good_) return {};
        const auto taken = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
    bool good_ = true;
};

} // namespace chain::detail
