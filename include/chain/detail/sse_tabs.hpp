// SseTabs: which session belongs to which browser tab.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/session_table.hpp>

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// Sessions by their tab: what the tab's cookie says, and the tab's name (`sid`). A cookie says on
/// which node the session lives, by what the tab is looked up, and a secret. It knows the ids of
/// the sessions only, so that it keeps none alive. Thread-safe.
class SseTabs {
  public:
    /// The tab's living session, or null.
    Ref<SessionCore> find(std::string_view cookie, std::string_view sid,
                          const SessionTable& living);
    /// Remembers a tab's session, which lives on this node.
    /// @return what the tab's cookie is to say
    std::string add(const RandomId& node, std::string_view sid, const SessionCore& session,
                    const SessionTable& living);
    /// The node that a cookie names.
    static std::optional<RandomId> node_of(std::string_view cookie) noexcept;

  private:
    struct Tab {
        RandomId secret;
        RandomId session;
    };
    static std::string key(const RandomId& tab, std::string_view sid);
    void sweep(const SessionTable& living);

    std::mutex mutex_;
    StringMap<Tab> tabs_;
    std::size_t sweep_at_ = 64; ///< Forget the ended ones when there are so many.
};

} // namespace chain::detail
