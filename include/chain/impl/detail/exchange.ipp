// Definitions of <chain/detail/exchange.hpp>.
#pragma once

#include <chain/detail/exchange.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_handler.hpp>
#include <chain/detail/linger.hpp>
#include <chain/detail/way_back.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

std::shared_ptr<HandlerCore> shared_core(const Handler& handler) {
    return HandlerAccess::core(handler)->shared_from_this();
}

Exchange::Exchange(std::shared_ptr<HandlerCore> handler, std::unique_ptr<ByteStream> stream,
                   ReadAhead read_ahead, Done done)
    : handler_(std::move(handler)), stream_(std::move(stream)),
      executor_(net::prefer(stream_->executor(), net::execution::outstanding_work.tracked)),
      read_ahead_(std::move(read_ahead)), done_(std::move(done)), deadline_(*stream_) {}

void Exchange::serve(Request request, HttpForm form) {
    form_ = form;
    add_peer(request, stream_->peer(), stream_->encrypted());
    const Place place{stream_->executor(), stream_->movable()};
    net::dispatch(
        executor_, [self = shared_from_this(), place, request = std::move(request)]() mutable {
            auto respond = way_back<HttpAnswer>(
                place.executor, [self](HttpAnswer answer) { self->answer(std::move(answer)); },
                refuse_request(503, "closed"));
            serve_request(*self->handler_, place, std::move(request), std::move(respond));
        });
}

void Exchange::serve(std::shared_ptr<Parser> parser) {
    parser_ = std::move(parser);
    net::dispatch(executor_, [self = shared_from_this()] { self->take_body(); });
}

void Exchange::take_body() {
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
    net::buffer_copy(buffer_.prepare(ahead.size()), net::buffer(ahead));
    buffer_.commit(ahead.size());
    deadline_.start(handler_->config().timeouts.request);
    if (!ahead.empty() || !awaits_continue(parser_->get())) return read_body();
    stream_->write(continue_line, [self = shared_from_this()](error_code failed, std::size_t) {
        failed ? self->have_body(failed) : self->read_body();
    });
}

void Exchange::read_body() {
    auto done = [self = shared_from_this()](error_code failed, std::size_t) {
        self->have_body(failed);
    };
    reader_.emplace(*stream_);
    http::async_read(*reader_, buffer_, *parser_, std::move(done));
}

void Exchange::have_body(error_code failed) {
    deadline_.stop();
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

void Exchange::refuse(int status, std::string_view why) {
    auto request = request_from(parser_->get());
    add_peer(request, stream_->peer(), stream_->encrypted());
    form_.keep_alive = false;
    linger_ = true;
    answer(refuse_unread(*handler_, std::move(request), status, why));
}

void Exchange::answer(HttpAnswer answer) {
    answer_ = std::move(answer);
    form_.keep_alive = form_.keep_alive && !answer_.take_over;
    bytes_ = bytes_of(answer_, form_);
    deadline_.start(handler_->config().timeouts.request);
    stream_->write(bytes_, [self = shared_from_this()](error_code failed, std::size_t) {
        self->written(failed);
    });
}

void Exchange::written(error_code failed) {
    deadline_.stop();
    if (answer_.take_over)
        hand_over(failed);
    else if (linger_ && !failed)
        linger(*stream_, handler_->config().timeouts.request,
               [self = shared_from_this()] { self->done_(Served::closed); });
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

} // namespace chain::detail
