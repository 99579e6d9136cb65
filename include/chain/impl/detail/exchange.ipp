// Definitions of <chain/detail/exchange.hpp>.
#pragma once

#include <chain/detail/exchange.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_handler.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace chain::detail {

/// It keeps the handler's inside but no handle, so that it does not keep the endpoint from ending.
Exchange::Exchange(const Handler& handler, std::unique_ptr<ByteStream> stream, ReadAhead read_ahead,
                   Done done)
    : handler_(HandlerAccess::core(handler)->shared_from_this()), stream_(std::move(stream)),
      executor_(net::prefer(stream_->executor(), net::execution::outstanding_work.tracked)),
      read_ahead_(std::move(read_ahead)), done_(std::move(done)) {}

void Exchange::serve(Request request, HttpForm form) {
    form_ = form;
    add_peer(request, *stream_);
    const Place place{stream_->executor(), stream_->movable()};
    auto respond = [self = shared_from_this()](HttpAnswer answer) {
        net::dispatch(self->executor_, [self, answer = std::move(answer)]() mutable {
            self->answer(std::move(answer));
        });
    };
    net::dispatch(executor_, [self = shared_from_this(), place, request = std::move(request),
                              respond = std::move(respond)]() mutable {
        serve_request(*self->handler_, place, std::move(request), std::move(respond));
    });
}

void Exchange::serve(std::shared_ptr<Parser> parser) {
    parser_ = std::move(parser);
    net::dispatch(executor_, [self = shared_from_this()] { self->read_body(); });
}

void Exchange::read_body() {
    const auto limit = handler_->config().limits.body_bytes;
    parser_->body_limit(limit);
    const auto length = parser_->content_length();
    if (length && *length > limit) return refuse(413, "too long");
    if (parser_->is_done()) return have_body({});
    const auto ahead = read_ahead_.take();
    // What follows the body has to fit the application's buffer; and a chunk's header is not
    // counted by the body's limit.
    constexpr std::size_t least = 16 * 1024, more = 8 * 1024;
    buffer_.max_size(std::min(read_ahead_.room, std::max(least, ahead.size() + more)));
    std::memcpy(buffer_.prepare(ahead.size()).data(), ahead.data(), ahead.size());
    buffer_.commit(ahead.size());
    start_timer();
    auto done = [self = shared_from_this()](error_code failed, std::size_t) {
        self->timer_.reset();
        self->have_body(failed);
    };
    reader_.emplace(*stream_);
    http::async_read(*reader_, buffer_, *parser_, std::move(done));
}

void Exchange::have_body(error_code failed) {
    const auto rest = buffer_.data();
    if (failed == http::error::body_limit || failed == http::error::buffer_overflow)
        return refuse(413, "too long");
    if (failed && failed.category() == make_error_code(http::error::bad_chunk).category() &&
        failed != http::error::partial_message)
        return refuse(400, "bad request");
    if (failed) return done_(Served::closed);
    if (rest.size() > 0) read_ahead_.give({static_cast<const char*>(rest.data()), rest.size()});
    auto message = parser_->release();
    auto request = request_from(message);
    request.body = std::move(message.body());
    serve(std::move(request),
          {message.version(), message.keep_alive(), message.method() == http::verb::head});
}

/// A transport says it in its own way: a page of another origin is not to take it for a broken
/// connection.
void Exchange::refuse(int status, std::string_view why) {
    auto request = request_from(parser_->get());
    add_peer(request, *stream_);
    complete(*handler_, request);
    ensure_transports(*handler_);
    const auto* transport = transport_for(*handler_, request.path());
    form_.keep_alive = false;
    linger_ = true;
    answer(transport ? transport->refuse(request, status, why)
                     : plain_text(status, std::string(why) + '\n'));
}

void Exchange::answer(HttpAnswer answer) {
    answer_ = std::move(answer);
    form_.keep_alive = form_.keep_alive && !answer_.take_over;
    auto copy = answer_;
    bytes_ = bytes_of(std::move(copy), form_);
    stream_->write(bytes_, [self = shared_from_this()](error_code failed, std::size_t) {
        self->written(failed);
    });
}

void Exchange::written(error_code failed) {
    if (answer_.take_over)
        hand_over(failed);
    else if (linger_ && !failed)
        linger();
    else
        done_(form_.keep_alive && !failed ? Served::keep_alive : Served::closed);
}

/// A stream on which the answer could not be written is not handed over: the session, if it is a
/// new one, ends by itself.
void Exchange::hand_over(error_code failed) {
    auto take_over = std::exchange(answer_.take_over, nullptr);
    if (failed) return done_(Served::closed);
    take_over(stream_->take(), read_ahead_.take());
    done_(answer_.status == 101 ? Served::upgraded : Served::streaming);
}

/// What the client still sends is read for a while and dropped: closing at once would reset the
/// connection, and the client might lose the answer.
void Exchange::linger() {
    start_timer();
    const auto self = shared_from_this();
    if (stream_->encrypted()) // whose good-bye waits for the client's
        return stream_->finish([self](error_code, std::size_t) { self->end(); });
    stream_->finish([self](error_code, std::size_t) { self->drop(); });
}

void Exchange::drop() {
    bytes_.resize(4096);
    auto read = [self = shared_from_this()](error_code failed, std::size_t) {
        failed ? self->end() : self->drop();
    };
    stream_->read_some(std::span(bytes_), std::move(read));
}

void Exchange::end() {
    timer_.reset();
    done_(Served::closed);
}

void Exchange::start_timer() {
    timer_.emplace(executor_, handler_->config().timeouts.request);
    timer_->async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled && self->timer_) self->stream_->cancel();
    });
}

} // namespace chain::detail
