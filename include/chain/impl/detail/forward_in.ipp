// Definitions of <chain/detail/forward_in.hpp>.
#pragma once

#include <chain/detail/forward_in.hpp>
#include <chain/detail/forwards.hpp>
#include <chain/detail/handler_core.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

ForwardIn::ForwardIn(std::shared_ptr<HandlerCore> handler, Ref<Lane> lane, ForwardEnd end)
    : handler_(std::move(handler)), lane_(std::move(lane)), end_(std::move(end)) {}

ForwardIn::~ForwardIn() {
    if (!over_) end_.send(ForwardFrame::Kind::end);
    Forwards::of(*handler_).remove_in(end_.key());
}

void ForwardIn::start(HttpTransport& transport, Request request) {
    if (over_ || lane_->closed()) return;
    if (!end_.send(ForwardFrame::Kind::taken)) return end(net::error::broken_pipe);
    watch();
    auto respond = [self = shared_from_this()](HttpAnswer answer) {
        on_lane(*self->lane_,
                [self, answer = std::move(answer)] { self->answer(std::move(answer)); });
    };
    transport.serve({lane_->bare_executor(), false}, std::move(request), std::move(respond));
}

void ForwardIn::answer(HttpAnswer answer) {
    if (over_) return;
    answered_ = true;
    if (!answer.take_over) end({});
    if (!end_.send(ForwardFrame::Kind::answer, write_answer(answer)))
        end(net::error::broken_pipe);
    else if (answer.take_over)
        answer.take_over(std::make_unique<ForwardedStream>(shared_from_this()), {});
}

void ForwardIn::take(const ForwardFrame& frame) {
    using Kind = ForwardFrame::Kind;
    if (over_) return;
    const auto order = end_.order(frame);
    if (order == ForwardEnd::Order::again) return;
    if (order == ForwardEnd::Order::gap) return close();
    if (frame.kind == Kind::end) {
        end(net::error::eof);
    } else if (frame.kind == Kind::bytes && answered_ && end_.came(frame.body.size())) {
        in_.append(frame.body);
        deliver();
    } else if (frame.kind == Kind::room && answered_ && end_.more_room(frame.body)) {
        send_more();
    } else if (frame.kind != Kind::alive && frame.kind != Kind::request) {
        close();
    }
}

// -------------------------------------------------------------------------------------------------
// The stream

void ForwardIn::read_some(std::span<char> into, ByteStream::Done done) {
    into_ = into;
    read_ = std::move(done);
    if (over_ && in_.empty())
        complete(read_, net::error::eof, 0);
    else
        deliver();
}

void ForwardIn::deliver() {
    if (!read_ || in_.empty()) return;
    const auto size = std::min(in_.size(), into_.size());
    std::copy_n(in_.begin(), size, into_.begin());
    in_.erase(0, size);
    if (!over_ && !end_.passed_on(size)) end(net::error::broken_pipe);
    complete(read_, {}, size);
}

void ForwardIn::write(std::string_view bytes, ByteStream::Done done) {
    out_ = bytes;
    written_ = bytes.size();
    write_ = std::move(done);
    if (over_)
        complete(write_, net::error::broken_pipe, 0);
    else
        send_more();
}

void ForwardIn::send_more() {
    if (!write_) return;
    if (!end_.send_some(out_)) return close();
    if (out_.empty()) complete(write_, {}, written_);
}

void ForwardIn::finish(ByteStream::Done done) {
    close();
    complete(done, {}, 0);
}

void ForwardIn::cancel() {
    complete(read_, net::error::operation_aborted, 0);
    complete(write_, net::error::operation_aborted, 0);
}

void ForwardIn::close() noexcept {
    if (over_) return;
    end_.send(ForwardFrame::Kind::end);
    end(net::error::eof);
}

/// Operations complete later, as those of sockets do. A lane that is gone completes none.
void ForwardIn::complete(ByteStream::Done& done, error_code failed, std::size_t count) {
    if (!done) return;
    lane_->post([done = std::exchange(done, nullptr), failed, count] { done(failed, count); });
}

// -------------------------------------------------------------------------------------------------
// Its end

void ForwardIn::end(error_code why) {
    over_ = true;
    Forwards::of(*handler_).remove_in(end_.key());
    if (in_.empty()) complete(read_, why, 0);
    complete(write_, net::error::broken_pipe, 0);
}

/// Looks after it from time to time, and learns when the lane goes: an operation that waits would
/// keep itself then.
struct ForwardIn::Watch {
    explicit Watch(std::weak_ptr<ForwardIn> watched) : forward(std::move(watched)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() {
        const auto living = forward.lock();
        if (living && living->lane_->closed()) living->close();
    }
    void tick() const {
        const auto living = forward.lock();
        if (!living || living->over_) return;
        living->end_.tick() ? living->watch() : living->close();
    }

    std::weak_ptr<ForwardIn> forward;
};

void ForwardIn::watch() {
    const auto silence = handler_->config().timeouts.forward_silence;
    lane_->after(silence / ForwardEnd::patience,
                 [watch = std::make_shared<Watch>(weak_from_this())] { watch->tick(); });
}

} // namespace chain::detail
