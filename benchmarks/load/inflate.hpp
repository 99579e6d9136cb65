// permessage-deflate without context takeover: each message stands alone (RFC 7692, 7.2.2).
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// Inflates messages; the same one again, as to the next subscriber, is remembered.
class Inflater {
  public:
    Inflater() { inflateInit2(&stream_, -15); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream_); }

    std::string_view operator()(std::string_view payload) {
        if (payload == last_ && !text_.empty()) return text_;
        last_ = payload;
        std::string input = last_ + std::string("\0\0\xff\xff", 4);
        text_.resize(1 << 20);
        inflateReset(&stream_);
        stream_.next_in = reinterpret_cast<Bytef*>(input.data());
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = reinterpret_cast<Bytef*>(text_.data());
        stream_.avail_out = static_cast<uInt>(text_.size());
        if (inflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_out == 0)
            throw std::runtime_error{"a message cannot be inflated"};
        text_.resize(text_.size() - stream_.avail_out);
        return text_;
    }

  private:
    z_stream stream_{};
    std::string last_, text_;
};

} // namespace bench
