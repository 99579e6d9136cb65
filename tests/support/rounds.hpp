// How often tests of random input repeat themselves.
#pragma once

namespace test {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif

/// So many rounds, or messages; a tenth of them under a sanitizer, where each takes ten times as
/// long.
constexpr unsigned rounds(unsigned count) { return instrumented ? (count + 9) / 10 : count; }

} // namespace test
