// Who has received what: proves that each receiver gets every message exactly once and in order.
#pragma once

#include <charconv>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Errors {
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t corrupt = 0;    // text that was never published, or no text at all
    std::uint64_t unexpected = 0; // refusals and frames of other kinds
    std::uint64_t closed = 0;     // connections that the server ended
    Errors& operator+=(const Errors& other) {
        lost += other.lost, duplicated += other.duplicated, reordered += other.reordered;
        corrupt += other.corrupt, unexpected += other.unexpected, closed += other.closed;
        return *this;
    }
    std::uint64_t total() const {
        return lost + duplicated + reordered + corrupt + unexpected + closed;
    }
};

/// One subscriber's progress.
struct Receiver {
    std::uint64_t next = 0;          // the number that comes next if all is well
    std::set<std::uint64_t> skipped; // numbers passed over: lost, or late
};

/// Writes the messages, keeps a window of them open, and checks every copy byte by byte.
class Ledger {
  public:
    Ledger(std::string_view tail, std::uint64_t window, std::size_t payload_size,
           std::size_t receivers)
        : tail_{tail}, payload_size_{payload_size}, receivers_{receivers}, open_(window) {
        if (payload_size < 40) throw std::invalid_argument{"--size must be at least 40"};
    }

    /// Whether the window lets another message out.
    bool may_publish() const { return published_ - completed_ < open_.size(); }

    /// Opens the next message, and returns its payload. `head` is what precedes that in a
    /// broadcast.
    std::string_view publish(std::string_view head) {
        Open& message = open_[published_ % open_.size()];
        const std::string start = "{\"n\":" + std::to_string(published_) + ",\"pad\":\"";
        message.text.assign(head).append(start);
        message.text.append(payload_size_ - start.size() - 2, 'x').append("\"}");
        message.text.append(tail_);
        message.copies = 0;
        ++published_;
        return std::string_view{message.text}.substr(head.size(), payload_size_);
    }

    /// Takes one broadcast that arrived at a receiver.
    void receive(Receiver& receiver, std::string_view text) {
        if (receiver.next < published_ && text == open_[receiver.next % open_.size()].text) {
            ++delivered_;
            advance(receiver);
        } else {
            receive_wrong(receiver, text);
        }
    }

    /// Gives up waiting for what a receiver has not got.
    void give_up(Receiver& receiver) {
        while (receiver.next < published_) skip(receiver);
    }

    std::uint64_t published() const { return published_; }
    std::uint64_t completed() const { return completed_; }
    std::uint64_t delivered() const { return delivered_; }
    const Errors& errors() const { return errors_; }

  private:
    struct Open {
        std::string text; // the whole broadcast
        std::size_t copies = 0;
    };

    void advance(Receiver& receiver) {
        ++open_[receiver.next++ % open_.size()].copies;
        while (completed_ < published_ && open_[completed_ % open_.size()].copies == receivers_) {
            ++completed_;
        }
    }

    void skip(Receiver& receiver) {
        receiver.skipped.insert(receiver.next);
        ++errors_.lost;
        advance(receiver);
    }

    void receive_wrong(Receiver& receiver, std::string_view text) {
        std::uint64_t number = published_;
        static constexpr std::string_view before_number = R"({"n":)";
        if (const std::size_t at = text.find(before_number); at != text.npos) {
            std::from_chars(text.data() + at + before_number.size(), text.data() + text.size(),
                            number);
        }
        if (number >= published_) {
            ++errors_.corrupt;
        } else if (number < receiver.next) {
            receive_late(receiver, number);
        } else {
            while (receiver.next < number) skip(receiver);
            text == open_[number % open_.size()].text ? ++delivered_ : ++errors_.corrupt;
            advance(receiver);
        }
    }

    void receive_late(Receiver& receiver, std::uint64_t number) {
        if (receiver.skipped.erase(number) == 0) {
            ++errors_.duplicated;
        } else {
            ++errors_.reordered;
            --errors_.lost;
        }
    }

    std::string tail_; ///< What follows the payload in a broadcast.
    std::size_t payload_size_;
    std::size_t receivers_;
    std::vector<Open> open_;
    std::uint64_t published_ = 0;
    std::uint64_t completed_ = 0;
    std::uint64_t delivered_ = 0;
    Errors errors_;
};

} // namespace bench
