// Definitions of <chain/detail/redis_stream_reader.hpp>.
#pragma once

#include <chain/detail/redis_core.hpp>
#include <chain/detail/redis_stream_reader.hpp>

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace chain::detail {

RedisStreamReader::RedisStreamReader(RedisCore& core, const RandomId& epoch)
    : RedisReader(core), epoch_(epoch) {
    for (std::size_t i = 0; i < shards_.size(); ++i)
        shards_[i].key = redis_stream_key(config().prefix, i);
}

bool RedisStreamReader::matches(std::string_view topic) const {
    const auto fits = [&](const std::string& prefix) { return topic.starts_with(prefix); };
    return topics_.contains(topic) || std::ranges::any_of(prefixes_, fits);
}

void RedisStreamReader::want(const std::string& topic) {
    if (topic.ends_with('*'))
        prefixes_.insert(topic.substr(0, topic.size() - 1));
    else if (topics_.insert(topic).second)
        ++shards_[redis_shard(topic)].topics;
    if (!connected()) return;
    if (questions_.empty())
        ask_next();
    else
        hurry();
    flush();
}

void RedisStreamReader::drop(const std::string& topic) {
    if (topic.ends_with('*'))
        prefixes_.erase(topic.substr(0, topic.size() - 1));
    else if (topics_.erase(topic) > 0)
        --shards_[redis_shard(topic)].topics;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if (!shards_[i].placed || wanted(shards_[i])) continue;
        shards_[i].placed = false;
        seen_.forget(i);
    }
}

void RedisStreamReader::ask(Asked what, std::initializer_list<std::string_view> words,
                            std::size_t shard) {
    send(words);
    questions_.push_back({what, shard});
}

void RedisStreamReader::on_up() {
    ask(Asked::id, {"CLIENT", "ID"});
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if (!shards_[i].placed) continue;
        ask(Asked::oldest_left, {"XRANGE", shards_[i].key, "-", "+", "COUNT", "1"}, i);
        ask(Asked::newest_left, {"XREVRANGE", shards_[i].key, "+", "-", "COUNT", "1"}, i);
    }
}

void RedisStreamReader::on_down() {
    questions_.clear();
    id_.clear();
}

void RedisStreamReader::on_quiet() {
    if (questions_.empty()) ask(Asked::sign_of_life, {"PING"});
}

/// When all is answered: from where to read, else what is new.
void RedisStreamReader::ask_next() {
    if (!ask_for_places()) ask_for_news();
}

bool RedisStreamReader::ask_for_places() {
    bool asked = false;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if (shards_[i].placed || !wanted(shards_[i])) continue;
        ask(Asked::newest, {"XREVRANGE", shards_[i].key, "+", "-", "COUNT", "1"}, i);
        asked = true;
    }
    return asked;
}

void RedisStreamReader::ask_for_news() {
    const auto patience = std::to_string(std::max<long long>(config().ping.count(), 1));
    std::vector<std::string_view> words{"XREAD", "COUNT", "1000", "BLOCK", patience, "STREAMS"};
    std::vector<std::string> ids;
    ids.reserve(shards_.size());
    for (const auto& shard : shards_) {
        if (!shard.placed) continue;
        words.push_back(shard.key);
        ids.push_back(write_stream_id(shard.last));
    }
    if (ids.empty()) return;
    words.insert(words.end(), ids.begin(), ids.end());
    append_redis_command(outgoing(), words);
    questions_.push_back({Asked::news});
}

/// A stream that is not read yet is wanted while the server waits for news of the others: has it
/// answer now. When it has not begun to wait, it is asked again.
void RedisStreamReader::hurry() {
    const auto unplaced = [&](const Shard& shard) { return !shard.placed && wanted(shard); };
    if (questions_.size() != 1 || questions_.front().what != Asked::news || id_.empty()) return;
    if (std::ranges::none_of(shards_, unplaced)) return;
    core().writer().command({"CLIENT", "UNBLOCK", id_}, [this](const redisReply& reply) {
        if (reply.type == REDIS_REPLY_INTEGER && reply.integer == 0) hurry();
    });
}

void RedisStreamReader::on_reply(const redisReply& reply) {
    if (is_error(reply)) return fail(Errc::broker_refused, text_of(reply));
    if (questions_.empty()) return fail(Errc::broker_refused, "it answered what was not asked");
    const auto question = questions_.front();
    questions_.pop_front();
    answered(question, reply);
    if (questions_.empty()) ask_next();
}

void RedisStreamReader::answered(const Question& question, const redisReply& reply) {
    auto& shard = shards_[question.shard];
    switch (question.what) {
    case Asked::id: id_ = std::to_string(reply.integer); break;
    case Asked::newest: place(question.shard, reply); break;
    case Asked::oldest_left: check_oldest(shard, reply); break;
    case Asked::newest_left: check_newest(shard, reply); break;
    case Asked::news:
        for (const auto* stream : items_of(reply)) take_stream(*stream);
        break;
    case Asked::sign_of_life: break;
    }
}

/// The id of the only entry of an answer; 0-0 when there is none.
RedisStreamId only_entry(const redisReply& reply) {
    const auto entries = items_of(reply);
    const auto parts = entries.empty() ? entries : items_of(*entries[0]);
    const auto id = parts.empty() ? std::nullopt : read_stream_id(text_of(*parts[0]));
    return id.value_or(RedisStreamId{});
}

void RedisStreamReader::place(std::size_t shard, const redisReply& reply) {
    if (!wanted(shards_[shard])) return;
    shards_[shard].last = only_entry(reply);
    shards_[shard].placed = true;
}

/// After an outage: were entries trimmed that had not been read?
void RedisStreamReader::check_oldest(const Shard& shard, const redisReply& reply) {
    const auto oldest = only_entry(reply);
    if (shard.last != RedisStreamId{} && oldest > shard.last)
        core().lost(0, make_error_code(Errc::broker_trimmed));
}

/// After an outage: has the server less than what had been read?
void RedisStreamReader::check_newest(Shard& shard, const redisReply& reply) {
    const auto newest = only_entry(reply);
    if (newest >= shard.last) return;
    core().lost(0, make_error_code(Errc::broker_trimmed));
    shard.last = newest;
}

void RedisStreamReader::take_stream(const redisReply& stream) {
    const auto parts = items_of(stream);
    if (parts.size() != 2) return;
    const auto key = text_of(*parts[0]);
    const auto found = std::ranges::find(shards_, key, &Shard::key);
    if (found == shards_.end()) return;
    for (const auto* entry : items_of(*parts[1])) {
        const auto halves = items_of(*entry);
        const auto id = halves.size() == 2 ? read_stream_id(text_of(*halves[0])) : std::nullopt;
        if (!id) continue;
        found->last = *id;
        take_entry(static_cast<std::size_t>(found - shards_.begin()), *halves[1]);
    }
}

void RedisStreamReader::take_entry(std::size_t shard, const redisReply& fields) {
    std::string_view topic;
    std::string_view frame;
    std::string_view stamp;
    const auto items = items_of(fields);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        const auto name = text_of(*items[i]);
        auto& value = name == "k" ? topic : name == "f" ? frame : stamp;
        if (name == "k" || name == "f" || name == "w") value = text_of(*items[i + 1]);
    }
    const auto written = read_stamp(stamp);
    if (written && written->epoch != epoch_) {
        const auto verdict = seen_.look(shard, *written);
        if (verdict.missing > 0)
            core().lost(verdict.missing, make_error_code(Errc::broker_trimmed));
        if (verdict.again) return;
    }
    if (topic.empty() || matches(topic)) core().receive(topic, frame);
}

} // namespace chain::detail
