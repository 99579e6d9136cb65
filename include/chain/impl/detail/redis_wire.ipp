// Definitions of <chain/detail/redis_wire.hpp>.
#pragma once

#include <chain/detail/cluster_frame.hpp>
#include <chain/detail/redis_wire.hpp>

#include <hiredis/hiredis.h>

#include <array>
#include <cstdlib>
#include <new>

namespace chain::detail {

/// Longest incomplete reply that is kept: a thousand small entries, or a few of the longest frames.
inline constexpr std::size_t max_redis_reply = 8 * max_cluster_frame;

void append_redis_command(std::string& out, std::span<const std::string_view> words) {
    static constexpr std::size_t few = 16;
    std::array<const char*, few> some_texts{};
    std::array<std::size_t, few> some_sizes{};
    std::unique_ptr<const char*[]> all_texts;
    std::unique_ptr<std::size_t[]> all_sizes;
    auto* texts = some_texts.data();
    auto* sizes = some_sizes.data();
    if (words.size() > few) {
        all_texts = std::make_unique<const char*[]>(words.size());
        all_sizes = std::make_unique<std::size_t[]>(words.size());
        texts = all_texts.get();
        sizes = all_sizes.get();
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        texts[i] = words[i].data();
        sizes[i] = words[i].size();
    }
    char* command = nullptr;
    const auto size =
        redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts, sizes);
    if (size < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&std::free)> owner(command, &std::free);
    out.append(command, static_cast<std::size_t>(size));
}

void RedisReplyDeleter::operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }

std::string_view text_of(const redisReply& reply) noexcept {
    const bool text = reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS ||
                      reply.type == REDIS_REPLY_ERROR;
    return text ? std::string_view(reply.str, static_cast<std::size_t>(reply.len))
                : std::string_view();
}

std::span<redisReply* const> items_of(const redisReply& reply) noexcept {
    if (reply.type != REDIS_REPLY_ARRAY) return {};
    return {reply.element, reply.elements};
}

bool is_error(const redisReply& reply) noexcept { return reply.type == REDIS_REPLY_ERROR; }

void RedisParser::Deleter::operator()(redisReader* reader) const noexcept {
    redisReaderFree(reader);
}

RedisParser::RedisParser() : reader_(redisReaderCreate()) {
    if (!reader_) throw std::bad_alloc();
}

void RedisParser::feed(std::string_view bytes) {
    if (reader_->len - reader_->pos > max_redis_reply) throw RedisRefusal("a reply has no end");
    if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
        throw RedisRefusal(reader_->errstr);
}

RedisReply RedisParser::next() {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) throw RedisRefusal(reader_->errstr);
    return RedisReply(static_cast<redisReply*>(reply));
}

} // namespace chain::detail
