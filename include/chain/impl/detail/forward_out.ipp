// Definitions of <chain/detail/forward_out.hpp>.
#pragma once

#include <chain/detail/forward_out.hpp>
#include <chain/detail/forwards.hpp>
#include <chain/detail/handler_core.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

ForwardOut::ForwardOut(std::shared_ptr<HandlerCore> handler, const Place& place,
                       HttpTransport& transport, Request request, HttpTransport::Respond respond,
                       ForwardEnd end)
    : handler_(std::move(handler)), place_(place), transport_(transport),
      request_(std::move(request)), respond_(std::move(respond)), end_(std::move(end)),
      timer_(place.executor) {}

ForwardOut::~ForwardOut() {
    if (state_ != State::over && state_ != State::parting) end_.send(ForwardFrame::Kind::end);
    Forwards::of(*handler_).remove_out(end_.key().id);
}

void ForwardOut::start() {
    if (node_silent()) return serve_here();
    if (!end_.send(ForwardFrame::Kind::request, write_request(request_))) return put_off();
    watch();
}

void ForwardOut::take(const ForwardFrame& frame) {
    using Kind = ForwardFrame::Kind;
    if (state_ == State::over || state_ == State::parting) return;
    const auto order = end_.order(frame);
    if (order == ForwardEnd::Order::again) return;
    if (order == ForwardEnd::Order::gap) return fail();
    const bool stream = !respond_;
    if (frame.kind == Kind::taken && state_ == State::sent) {
        state_ = State::served;
        watch();
    } else if (frame.kind == Kind::answer && !stream) {
        answer(frame.body);
    } else if (frame.kind == Kind::bytes && stream && end_.came(frame.body.size())) {
        out_.append(frame.body);
        write();
    } else if (frame.kind == Kind::room && stream && end_.more_room(frame.body)) {
        read();
    } else if (frame.kind == Kind::end && stream) {
        ending_ = true;
        write();
    } else if (frame.kind == Kind::unknown && !stream) {
        serve_here();
    } else if (frame.kind != Kind::alive) {
        fail();
    }
}

void ForwardOut::answer(std::string_view body) {
    auto read = read_answer(body);
    if (!read) return fail();
    if (read->streams) {
        state_ = State::answered;
        watch();
        read->answer.take_over = [self = shared_from_this()](std::unique_ptr<ByteStream> stream,
                                                             std::string received) {
            self->carry(std::move(stream), std::move(received));
        };
    } else {
        finish();
    }
    request_ = {};
    std::exchange(respond_, nullptr)(std::move(read->answer));
}

bool ForwardOut::node_silent() const {
    return handler_->cluster().silent(node(), handler_->config().timeouts.forward);
}

/// The other node has no such session, or is dead: this one says so in its transport's way.
void ForwardOut::serve_here() {
    finish();
    transport_.serve(place_, std::move(request_), std::exchange(respond_, nullptr));
}

/// The session may live, but cannot be reached.
void ForwardOut::put_off() {
    finish();
    std::exchange(respond_, nullptr)(transport_.put_off(
        request_, "the session cannot be reached now", handler_->retry_seconds()));
}

// -------------------------------------------------------------------------------------------------
// The stream

void ForwardOut::carry(std::unique_ptr<ByteStream> stream, std::string received) {
    stream_ = std::move(stream);
    if (state_ != State::answered) return stream_->close(); // given up meanwhile
    state_ = State::streaming;
    in_.resize(4096);
    ahead_ = std::move(received);
    watch();
    read();
    write();
}

/// Reads no more than the other node has room for.
void ForwardOut::read() {
    if (state_ != State::streaming || reading_) return;
    std::string_view ahead = ahead_;
    if (!end_.send_some(ahead)) return fail();
    ahead_.erase(0, ahead_.size() - ahead.size());
    if (!ahead_.empty() || end_.room() == 0) return;
    reading_ = true;
    const auto size = std::min(in_.size(), end_.room());
    stream_->read_some(std::span(in_).first(size),
                       [self = shared_from_this()](error_code failed, std::size_t count) {
                           self->have_read(failed, count);
                       });
}

void ForwardOut::have_read(error_code failed, std::size_t count) {
    reading_ = false;
    if (state_ == State::over) return;
    if (state_ == State::parting) {
        if (!gone_) return say_goodbye();
        return failed ? finish() : linger();
    }
    auto bytes = std::string_view(in_).substr(0, count);
    if (!end_.send_some(bytes) || failed) return fail();
    read();
}

void ForwardOut::write() {
    if (state_ != State::streaming || !writing_.empty()) return;
    if (out_.empty()) return ending_ ? part() : static_cast<void>(0);
    writing_ = std::exchange(out_, {});
    stream_->write(writing_, [self = shared_from_this()](error_code failed, std::size_t count) {
        self->wrote(failed, count);
    });
}

void ForwardOut::wrote(error_code failed, std::size_t count) {
    if (state_ != State::streaming) return;
    writing_.clear();
    if (failed || !end_.passed_on(count)) return fail();
    write();
}

/// The client gets a while to read what was written: closing at once might take that from it.
void ForwardOut::part() {
    state_ = State::parting;
    watch();
    if (reading_) // Asio's TLS cannot shut down while it reads
        stream_->cancel();
    else
        say_goodbye();
}

void ForwardOut::say_goodbye() {
    gone_ = true;
    stream_->finish([self = shared_from_this()](error_code failed, std::size_t) {
        if (self->state_ == State::over) return;
        failed || self->stream_->encrypted() ? self->finish() : self->linger();
    });
}

void ForwardOut::linger() {
    stream_->drop_some(in_, [self = shared_from_this()](error_code failed, std::size_t count) {
        self->have_read(failed, count);
    });
}

void ForwardOut::drain() {
    if (state_ == State::streaming) fail();
}

// -------------------------------------------------------------------------------------------------
// Its end

void ForwardOut::fail() {
    end_.send(ForwardFrame::Kind::end);
    if (!respond_) return finish();
    node_silent() ? serve_here() : put_off();
}

void ForwardOut::finish() noexcept {
    state_ = State::over;
    Forwards::of(*handler_).remove_out(end_.key().id);
    timer_.cancel();
    if (stream_) stream_->close();
}

/// While nobody has taken the stream of an answer, the timer does not keep this: where the answer
/// cannot be written it ends with that.
void ForwardOut::watch() {
    const auto& times = handler_->config().timeouts;
    timer_.expires_after(state_ == State::sent      ? times.forward
                         : state_ == State::parting ? times.close
                                                    : times.forward_silence / ForwardEnd::patience);
    timer_.async_wait(
        [weak = weak_from_this(),
         kept = state_ == State::answered ? nullptr : shared_from_this()](error_code cancelled) {
            const auto self = cancelled ? nullptr : weak.lock();
            if (self) self->tick();
        });
}

void ForwardOut::tick() {
    if (state_ == State::over) return;
    if (state_ == State::parting) return finish();
    if (state_ == State::sent) return wait_on();
    if (!end_.tick()) return fail();
    watch();
}

/// The other node has not said a word of the request. If others hear it, it is only busy, and its
/// session must not be taken for ended.
void ForwardOut::wait_on() {
    const auto& times = handler_->config().timeouts;
    waited_ += times.forward;
    if (waited_ >= times.forward_silence || node_silent()) return fail();
    watch();
}

} // namespace chain::detail
