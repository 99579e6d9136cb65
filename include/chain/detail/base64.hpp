// Base64 (RFC 4648).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// `bytes` in the standard alphabet, padded.
std::string base64_encode(std::string_view bytes);
/// The bytes that `text` stands for, in the standard or the URL-safe alphabet, with padding or
/// without; nothing when it is no base64.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace chain::detail
