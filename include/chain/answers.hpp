// SessionCount, TopicMembers: what the nodes of a cluster answer.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace chain {

/// How many sessions live on all nodes; see `Handler::async_count_sessions`.
struct SessionCount {
    std::size_t sessions = 0; ///< On the nodes that answered.
    std::size_t nodes = 0;    ///< That live, as far as this one knows; it is one of them.
    std::size_t answered = 0; ///< Of these, in time.
};

/// Who is in a topic on all nodes; see `Handler::async_members`.
struct TopicMembers {
    std::size_t sockets = 0;        ///< Memberships, on the nodes that answered.
    std::vector<std::string> names; ///< Of their sessions (`Session::name`), sorted, each once;
                                    ///< at most 1000 of a node.
    std::size_t nodes = 0;          ///< That live, as far as this one knows; it is one of them.
    std::size_t answered = 0;       ///< Of these, in time.
};

} // namespace chain
