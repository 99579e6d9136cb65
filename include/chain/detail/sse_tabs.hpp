// SseTabs: which session belongs to which browser tab.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/session_table.hpp>

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// Sessions by their tab: the secret of the tab's cookie, and the tab's name (`sid`). It knows
/// their ids only, so that it keeps none alive. Thread-safe.
class SseTabs {
  public:
    /// The tab's living session, or null.
    Ref<SessionCore> find(std::string_view secret, std::string_view sid,
                          const SessionTable& living);
    /// Remembers a tab's session.
    void add(std::string_view secret, std::string_view sid, const SessionCore& session,
             const SessionTable& living);

  private:
    static std::string key(std::string_view secret, std::string_view sid);
    void sweep(const SessionTable& living);

    std::mutex mutex_;
    StringMap<RandomId> sessions_;
    std::size_t sweep_at_ = 64; ///< Forget the ended ones when there are so many.
};

} // namespace chain::detail
