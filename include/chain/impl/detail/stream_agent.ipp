// Definitions of <chain/detail/stream_agent.hpp>.
#pragma once

#include <chain/detail/lane_service.hpp>
#include <chain/detail/stream_agent.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

StreamAgent::StreamAgent(std::unique_ptr<ByteStream> stream, Ref<Lane> lane)
    : stream_(std::move(stream)), executor_(stream_->executor()), lane_(std::move(lane)) {
    if (lane_->runs_on(executor_)) return;
    auto& context = net::query(executor_, net::execution::context);
    visitors_ = net::use_service<LaneService>(context).visitors();
    visitors_->add(*this);
}

/// May come on any thread, but not while an operation is pending.
StreamAgent::~StreamAgent() {
    if (!visitors_) return;
    visitors_->remove(*this);
    if (!stream_) return;
    // The stream goes on its own executor.
    visitors_->while_alive([this] {
        net::post(executor_, [stream = std::shared_ptr<ByteStream>(std::move(stream_))] {});
    });
}

std::shared_ptr<void> StreamAgent::context_gone() noexcept {
    executor_ = nullptr;
    lane_->post([owner = owner_] {
        if (const auto living = owner.lock()) living->agent_read(net::error::eof, {});
    });
    return std::shared_ptr<ByteStream>(std::move(stream_));
}

void StreamAgent::on_stream(std::function<void(ByteStream&)> f) {
    if (!visitors_) return f(*stream_);
    visitors_->while_alive([&] {
        net::post(executor_, [self = shared_from_this(), f = std::move(f)] {
            if (self->stream_) f(*self->stream_);
        });
    });
}

void StreamAgent::on_lane(std::function<void()> f) {
    if (visitors_)
        lane_->post(std::move(f));
    else
        f();
}

void StreamAgent::read(Owner owner) {
    on_stream([self = shared_from_this(), owner = std::move(owner)](ByteStream& stream) {
        if (self->parting_) return;
        self->owner_ = owner;
        self->reading_ = true;
        stream.read_some(self->in_, [self, owner](error_code failed, std::size_t count) {
            self->reading_ = false;
            if (self->parting_) return self->say_goodbye(owner);
            self->on_lane([self, owner, failed, count] {
                owner->agent_read(failed, std::span(self->in_).first(count));
            });
        });
    });
}

std::size_t StreamAgent::write(std::string_view bytes, Owner owner) {
    if (writing() || bytes.empty()) return 0;
    out_ = bytes.substr(0, most);
    on_stream([self = shared_from_this(), owner = std::move(owner)](ByteStream& stream) {
        stream.write(self->out_, [self, owner](error_code failed, std::size_t) {
            self->on_lane([self, owner, failed] {
                self->out_.clear();
                if (self->out_.capacity() > most / 4) self->out_.shrink_to_fit();
                owner->agent_wrote(failed);
            });
        });
    });
    return std::min(bytes.size(), most);
}

void StreamAgent::part(Owner owner) {
    on_stream([self = shared_from_this(), owner = std::move(owner)](ByteStream& stream) {
        self->parting_ = true;
        // Asio's TLS cannot shut down while it reads.
        if (self->reading_)
            stream.cancel();
        else
            self->say_goodbye(owner);
    });
}

void StreamAgent::say_goodbye(Owner owner) {
    stream_->finish([self = shared_from_this(), owner = std::move(owner)](error_code, std::size_t) {
        self->on_lane([owner] { owner->agent_parted(); });
    });
}

void StreamAgent::close() noexcept {
    on_stream([](ByteStream& stream) { stream.close(); });
}

} // namespace chain::detail
