// Definitions of <chain/detail/redis_writer.hpp>.
#pragma once

#include <chain/detail/redis_core.hpp>
#include <chain/detail/redis_writer.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

/// The longest batch whose room is used again.
inline constexpr std::size_t spare_room = 256 * 1024;

RedisWriter::RedisWriter(RedisCore& core)
    : RedisConnection(core), epoch_(make_random_id()),
      length_(std::to_string(config().stream_length)) {
    if (!keeps()) return;
    for (std::size_t i = 0; i < keys_.size(); ++i) keys_[i] = redis_stream_key(config().prefix, i);
}

bool RedisWriter::keeps() const noexcept { return config().mode == RedisMode::streams; }

void RedisWriter::append(std::string_view topic, std::string_view frame) {
    using Words = std::initializer_list<std::string_view>;
    if (!keeps()) {
        channel_.assign(config().prefix).append(topic);
        append_redis_command(open_.bytes, Words{"PUBLISH", channel_, frame});
        return;
    }
    const auto shard = redis_shard(topic);
    const auto stamp = write_stamp({epoch_, ++numbers_[shard]});
    append_redis_command(open_.bytes, Words{"XADD", keys_[shard], "MAXLEN", "~", length_, "*", "w",
                                            std::string_view(stamp.data(), stamp.size()), "k",
                                            topic, "f", frame});
}

error_code RedisWriter::publish(std::string_view topic, std::string_view frame) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return make_error_code(Errc::closed);
        if (!keeps() && !up_) return make_error_code(Errc::adapter_down);
        if (backlog_ + topic.size() + frame.size() > config().backlog_bytes)
            return make_error_code(Errc::adapter_full);
        const auto before = open_.bytes.size();
        append(topic, frame);
        backlog_ += open_.bytes.size() - before;
        ++open_.commands;
        if (std::exchange(scheduled_, true)) return {};
    }
    const bool alive = core().post([this] {
        take_open();
        if (connected()) flush();
    });
    return alive ? error_code() : make_error_code(Errc::closed);
}

void RedisWriter::shut() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

/// What was published since the last turn becomes a batch.
void RedisWriter::take_open() {
    Batch batch;
    {
        const std::lock_guard lock(mutex_);
        scheduled_ = false;
        if (open_.commands == 0) return;
        batch = std::exchange(open_, Batch{std::exchange(spare_, {})});
    }
    batch.size = batch.bytes.size();
    batch.waiting = batch.commands;
    if (connected()) send_batch(batch);
    sent_.push_back(std::move(batch));
}

void RedisWriter::send_batch(Batch& batch) {
    batch.waiting = batch.commands;
    auto& out = outgoing();
    if (keeps() && !batch.answered)
        out += batch.bytes;
    else if (out.empty())
        out.swap(batch.bytes);
    else
        out += std::exchange(batch.bytes, {});
}

void RedisWriter::command(std::initializer_list<std::string_view> words, Answered answered) {
    if (!connected()) return;
    Batch batch;
    append_redis_command(batch.bytes, words);
    batch.commands = 1;
    batch.answered = std::move(answered);
    send_batch(batch);
    sent_.push_back(std::move(batch));
    flush();
}

void RedisWriter::on_quiet() {
    command({"PING"}, [](const redisReply&) {});
}

void RedisWriter::on_up() {
    for (auto& batch : sent_) send_batch(batch);
    const std::lock_guard lock(mutex_);
    up_ = true;
}

/// Kept batches are sent again whole; those who read them drop what they have seen.
void RedisWriter::on_down() {
    {
        const std::lock_guard lock(mutex_);
        up_ = false;
    }
    take_open();
    std::size_t lost = 0;
    for (auto& batch : std::exchange(sent_, {})) {
        if (batch.answered) continue;
        if (keeps()) {
            sent_.push_back(std::move(batch));
            continue;
        }
        lost += batch.waiting;
        finish(batch);
    }
    if (lost > 0) core().lost(lost, make_error_code(Errc::adapter_down));
}

void RedisWriter::finish(Batch& batch) {
    batch.bytes.clear();
    const std::lock_guard lock(mutex_);
    backlog_ -= batch.size;
    if (batch.bytes.capacity() > spare_.capacity() && batch.bytes.capacity() <= spare_room)
        spare_.swap(batch.bytes);
}

void RedisWriter::on_reply(const redisReply& reply) {
    if (sent_.empty()) return fail(Errc::broker_refused, "it answered what was not asked");
    auto& batch = sent_.front();
    if (batch.answered) {
        const auto answered = std::move(batch.answered);
        sent_.pop_front();
        return answered(reply);
    }
    if (is_error(reply)) {
        if (keeps()) return fail(Errc::broker_refused, text_of(reply)); // and try again
        core().lost(1, make_error_code(Errc::broker_refused));
    }
    if (--batch.waiting > 0) return;
    finish(batch);
    sent_.pop_front();
}

} // namespace chain::detail
