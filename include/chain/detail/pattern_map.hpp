// PatternMap: values by pattern; an exact name wins, then the longest prefix.
#pragma once

#include <chain/detail/text.hpp>
#include <chain/topic.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chain::detail {

/// Lets containers of std::string be searched with a std::string_view.
struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

template <class T>
class PatternMap {
  public:
    /// @throws std::invalid_argument when the pattern is there already.
    void insert(const TopicPattern& pattern, T value) {
        expect_free(pattern);
        if (!pattern.is_prefix()) {
            exact_.emplace(place_of(pattern.text()), pattern.text(), std::move(value));
            return;
        }
        const auto shorter = [&](const auto& item) {
            return item.first.size() < pattern.prefix().size();
        };
        prefixes_.emplace(std::ranges::find_if(prefixes_, shorter), std::string(pattern.prefix()),
                          std::move(value));
    }

    /// The value of the best pattern for `name`, or null.
    const T* match(std::string_view name) const noexcept {
        const auto* const found = find_exact(name);
        return found ? found : find_prefix(name);
    }
    /// That of the pattern that is `name` itself, or null.
    const T* find_exact(std::string_view name) const noexcept {
        if (exact_.size() > few) {
            const auto found = place_of(name);
            return found != exact_.end() && found->first == name ? &found->second : nullptr;
        }
        for (const auto& [text, value] : exact_)
            if (same_text(text, name)) return &value; // their sizes decide mostly
        return nullptr;
    }
    /// That of the longest prefix of `name`, or null.
    const T* find_prefix(std::string_view name) const noexcept {
        const auto fits = [&](const auto& item) { return name.starts_with(item.first); };
        const auto found = std::ranges::find_if(prefixes_, fits);
        return found == prefixes_.end() ? nullptr : &found->second;
    }

    /// @throws std::invalid_argument when the pattern is there already.
    void expect_free(const TopicPattern& pattern) const {
        if (find(pattern))
            throw std::invalid_argument("chain: \"" + pattern.text() + "\" is registered twice");
    }

    bool empty() const noexcept { return exact_.empty() && prefixes_.empty(); }

  private:
    /// So many are compared one after another.
    static constexpr std::size_t few = 8;

    bool find(const TopicPattern& pattern) const noexcept {
        if (!pattern.is_prefix()) return find_exact(pattern.text()) != nullptr;
        const auto same = [&](const auto& item) { return item.first == pattern.prefix(); };
        return std::ranges::any_of(prefixes_, same);
    }

    /// Where among the exact names `name` is, or would be. By its size first, which mostly decides:
    /// quicker than a hash for as many names as there are.
    auto place_of(std::string_view name) const noexcept {
        const auto before = [](const auto& item, std::string_view wanted) {
            return item.first.size() != wanted.size() ? item.first.size() < wanted.size()
                                                      : item.first < wanted;
        };
        return std::lower_bound(exact_.begin(), exact_.end(), name, before);
    }

    std::vector<std::pair<std::string, T>> exact_;    ///< Shortest first.
    std::vector<std::pair<std::string, T>> prefixes_; ///< Longest first.
};

} // namespace chain::detail
