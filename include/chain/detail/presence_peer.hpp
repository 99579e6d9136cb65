// PresencePeer: what is known of another node's presences.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/presence_store.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class NodeReader;
class NodeWriter;

/// Entries by topic and ref.
using PresenceTable = StringMap<StringMap<PresenceEntryPtr>>;

/// A change on its way: entries come whole, and go by their refs.
struct PresenceDiff {
    std::string topic;
    PresenceEntries joins;
    std::vector<std::string> leaves;
};

void write_presence_diff(NodeWriter& out, const PresenceChange& change);
/// @return false when it makes no sense
bool read_presence_diff(NodeReader& in, PresenceDiff& diff);
void write_presence_topic(NodeWriter& out, std::string_view topic, const PresenceEntry& entry);
/// Adds to the table. @return false when it makes no sense
bool read_presence_topic(NodeReader& in, PresenceTable& table);

/// What is known of another node's presences, up to which of its changes, and what has come out of
/// order. Says what its messages change here. Not thread-safe.
class PresencePeer {
  public:
    using Changes = std::vector<PresenceChange>;

    explicit PresencePeer(PresenceNode node)
        : node_(std::make_shared<const PresenceNode>(std::move(node))) {}

    const PresenceNode& node() const noexcept { return *node_; }
    /// The node says how many changes it has made. @return whether to ask it for all its entries
    bool says(std::uint64_t number);
    /// One of its changes. @return whether to ask it for all its entries
    bool take(std::uint64_t number, PresenceDiff diff, Changes& out);
    /// A part of all its entries, as they were after the change `number`; they begin with part 0.
    /// @return whether to ask again
    bool take_part(std::uint64_t number, std::uint64_t part, bool last, PresenceTable entries,
                   Changes& out);
    /// The node has gone.
    void drop(Changes& out);

    /// Changes that wait for missing ones; beyond it, all entries are asked for again.
    static constexpr std::size_t max_waiting = 1024;

  private:
    void apply(const PresenceDiff& diff, Changes& out);
    void replace(PresenceTable entries, Changes& out);
    void catch_up(Changes& out);
    bool ask();

    std::shared_ptr<const PresenceNode> node_;
    PresenceTable entries_;
    std::uint64_t number_ = 0; ///< Of the last change that is in `entries_`.
    std::map<std::uint64_t, PresenceDiff> waiting_;
    PresenceTable arriving_; ///< The parts that have come.
    std::uint64_t parts_ = 0;
    std::uint64_t arriving_number_ = 0;
    unsigned patience_ = 0; ///< So often the node may say its number until it is asked again.
};

} // namespace chain::detail
