// Rate: how often something may happen.
#pragma once

namespace chain {

/// How often something may happen: `burst` times at once, and then `per_second`.
struct Rate {
    double per_second = 0; ///< 0: as often as one likes.
    double burst = 0;      ///< Less than 1: as many as in a second, but at least one.

    /// Is there a limit?
    bool limits() const noexcept { return per_second > 0; }
};

} // namespace chain
