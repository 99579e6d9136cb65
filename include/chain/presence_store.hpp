// PresenceStore: where presences are kept, and how those of other nodes come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain {

/// A node in one of its lives: one that starts again bears the same name and a greater epoch, and
/// what it tracked before is gone.
struct PresenceNode {
    std::string name;        ///< `PresenceConfig::node`, or 32 random hexadecimal digits.
    std::uint64_t epoch = 0; ///< When it started, in milliseconds since 1970.

    /// The same node in the same life?
    friend bool operator==(const PresenceNode&, const PresenceNode&) = default;
};

/// One meta of one key. Immutable, and shared between all who look at it.
struct PresenceEntry {
    std::string key;  ///< What it is an entry of: a user, say.
    std::string ref;  ///< The meta's `phx_ref`: unique among all nodes, ever.
    std::string meta; ///< A JSON object with `phx_ref` in it, compact.
};

/// An entry is shared, never copied.
using PresenceEntryPtr = std::shared_ptr<const PresenceEntry>;
/// Entries, in no order but that of one key's.
using PresenceEntries = std::vector<PresenceEntryPtr>;

/// What one node changed among its own entries of one topic. Entries are told apart by their refs.
struct PresenceChange {
    std::shared_ptr<const PresenceNode> node; ///< Whose entries they are.
    std::string topic;                        ///< Where they are.
    PresenceEntries joins;                    ///< What came.
    PresenceEntries leaves;                   ///< What went.
};

/// How much there is in a topic.
struct PresenceCounts {
    std::size_t keys = 0;  ///< Users, say.
    std::size_t metas = 0; ///< Their tabs and devices.
};

/// Where presences are kept: those of this node, and in a cluster those of the others too.
///
/// A store that joins nodes numbers the changes that its own node applies and sends them on with
/// the node's name and epoch. From others it hands over, with `merge`, each change as it comes, in
/// order per node; the difference to a snapshot when a number is missing; and the leaves of all
/// that a node had when that node is dead or has come back with a greater epoch. As every node
/// changes only its own entries, nothing conflicts.
///
/// Thread safety: calls for one topic never overlap; calls for different ones may.
///
/// What a call throws comes out of the call of `Presence` that it is for; at a membership's end it
/// is logged.
class PresenceStore {
  public:
    /// Takes in what another node changed, on any thread: applies it, and tells this node's
    /// clients.
    using Merge = std::function<void(const PresenceChange&)>;

    virtual ~PresenceStore() = default;

    /// Called once, before all else.
    virtual void start(const PresenceNode& self, Merge merge) = 0;
    /// Keeps a change, of this node or one that went through `merge`. A lock is held: it must not
    /// wait, nor call back.
    virtual void apply(const PresenceChange& change) = 0;
    /// Changes of this node were applied; no lock is held, so this is where to send them on.
    virtual void flush() = 0;
    /// All entries of a topic. A lock is held.
    virtual PresenceEntries list(std::string_view topic) const = 0;
    /// All entries of a key, the oldest first. A lock is held.
    virtual PresenceEntries find(std::string_view topic, std::string_view key) const = 0;
    /// How much there is in a topic. A lock is held.
    virtual PresenceCounts count(std::string_view topic) const = 0;
};

/// Keeps presences in this process's memory. The base of stores that join nodes.
class MemoryPresenceStore : public PresenceStore {
  public:
    /// Without any entries.
    MemoryPresenceStore();
    ~MemoryPresenceStore() override;

    void start(const PresenceNode&, Merge) override {}
    void apply(const PresenceChange& change) override;
    void flush() override {}
    PresenceEntries list(std::string_view topic) const override;
    PresenceEntries find(std::string_view topic, std::string_view key) const override;
    PresenceCounts count(std::string_view topic) const override;

  protected:
    /// Calls `f` with each entry and its topic, in no order. A lock is held.
    void
    each(const std::function<void(const std::string& topic, const PresenceEntryPtr&)>& f) const;

  private:
    struct Tables;
    std::unique_ptr<Tables> tables_;
};

} // namespace chain
