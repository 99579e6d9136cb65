// Reference: a client's reference to a join or a request, kept as the JSON token that it sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chain::detail {

/// A raw JSON token in eight bytes: short ones and small numbers inline, in quotes or not, anything
/// else on the heap. Empty means none.
class Reference {
  public:
    Reference() noexcept = default;
    explicit Reference(std::string_view token);
    Reference(Reference&& other) noexcept;
    Reference& operator=(Reference&& other) noexcept;
    ~Reference();

    bool empty() const noexcept { return bits_ == 0; }
    bool operator==(std::string_view token) const noexcept;

    /// The token's text; `storage` holds it where it is kept inline.
    std::string_view text(char (&storage)[24]) const noexcept;
    std::string text() const;

  private:
    /// What the two lowest bits tell.
    enum Kind : std::uintptr_t { heap = 0, number = 1, short_text = 2, quoted_number = 3 };

    Kind kind() const noexcept { return static_cast<Kind>(bits_ & 3U); }
    const std::string* on_heap() const noexcept;

    /// 0: none. Else a pointer to a string; or above the kind a number; or above the kind the size
    /// of a short text, and above that its bytes, the first one lowest.
    std::uintptr_t bits_ = 0;
};

} // namespace chain::detail
