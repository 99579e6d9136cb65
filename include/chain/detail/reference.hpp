// Reference: a client's reference to a join or a request, kept as the JSON token that it sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chain::detail {

/// A raw JSON token in eight bytes: small numbers inline, in quotes or not, anything else on the
/// heap. Empty means none.
class Reference {
  public:
    Reference() noexcept = default;
    explicit Reference(std::string_view token);
    Reference(Reference&& other) noexcept;
    Reference& operator=(Reference&& other) noexcept;
    ~Reference();

    bool empty() const noexcept { return bits_ == 0; }
    bool operator==(std::string_view token) const noexcept;

    /// The token's text; `storage` holds it where it is a number.
    std::string_view text(char (&storage)[24]) const noexcept;
    std::string text() const;

  private:
    bool is_number() const noexcept { return (bits_ & 1U) != 0; }
    const std::string* heap() const noexcept;

    std::uintptr_t bits_ = 0; ///< 0: none; odd: a number, shifted left, and 2 when it is in quotes;
                              ///< else a pointer to a string.
};

} // namespace chain::detail
