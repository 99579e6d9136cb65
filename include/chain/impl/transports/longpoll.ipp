// Definitions of <chain/transports/longpoll.hpp>.
#pragma once

#include <chain/detail/base64.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_rules.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/poll_connection.hpp>
#include <chain/detail/poll_table.hpp>
#include <chain/detail/resume_request.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/settings.hpp>
#include <chain/detail/subprotocol.hpp>
#include <chain/detail/text.hpp>
#include <chain/detail/way_back.hpp>
#include <chain/transports/longpoll.hpp>

#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace chain {

namespace detail {

/// An answer that no cache keeps, and that pages of every origin may read: without a token it says
/// nothing.
HttpAnswer poll_answer(int status, std::string body) {
    HttpAnswer answer;
    answer.status = status;
    answer.headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"Access-Control-Allow-Origin", "*"}};
    answer.body = std::move(body);
    return answer;
}

HttpAnswer poll_status(int status) {
    return poll_answer(200, R"({"status":)" + std::to_string(status) + '}');
}

HttpAnswer refuse_poll(int http, int status, std::string_view reason) {
    auto body = R"({"status":)" + std::to_string(status) + R"(,"reason":)";
    append_json_string(body, reason);
    return poll_answer(http, body += '}');
}

/// Clients of phoenix.js stop for ever on a status that they do not know: 500 makes them come back
/// after a while.
HttpAnswer put_off_poll(std::string_view reason, std::string_view seconds) {
    auto answer = refuse_poll(503, 500, reason);
    answer.headers.emplace_back("Retry-After", seconds);
    return answer;
}

/// Takes the client's token out of its request. A parameter of that name may also be the
/// application's own.
std::optional<PollToken> take_poll_token(Request& request) {
    std::optional<PollToken> found;
    std::erase_if(request.query, [&](const auto& field) {
        const auto token = field.first == "token" ? poll_token_from(field.second) : std::nullopt;
        if (token) found = token;
        return token.has_value();
    });
    const auto header = request.header("X-Phoenix-Longpoll-Token");
    return header ? poll_token_from(*header) : found;
}

std::optional<PollToken> read_poll_token(const Request& request) {
    auto head = head_of(request);
    return take_poll_token(head);
}

/// One request to a long-poll endpoint, on the executor where it came in, which need not be that of
/// its session.
class PollExchange : public std::enable_shared_from_this<PollExchange> {
  public:
    PollExchange(std::shared_ptr<HandlerCore> handler, std::shared_ptr<const LongPollConfig> config,
                 std::shared_ptr<PollTable> table, const Place& place, Request request,
                 HttpTransport::Respond respond)
        : handler_(std::move(handler)), config_(std::move(config)), table_(std::move(table)),
          place_(place), request_(std::move(request)), respond_(std::move(respond)),
          limit_(place.executor) {}

    void run() {
        if (!page_allowed(*handler_, request_, config_->cors)) return refuse_page();
        if (request_.method == "OPTIONS") return answer_preflight();
        token_ = take_poll_token(request_);
        if (request_.method == "GET") return poll();
        if (request_.method == "POST") return take_frames();
        finish(refuse_poll(400, 400, "use GET or POST"));
    }

  private:
    /// The way back to an exchange that still waits, from any thread.
    template <class Result>
    std::function<void(Result)> back(void (PollExchange::*then)(Result), Result otherwise) {
        auto waiting = [weak = weak_from_this(), then](Result result) {
            const auto self = weak.lock();
            if (self && self->respond_) (*self.*then)(std::move(result));
        };
        return way_back<Result>(place_.executor, std::move(waiting), std::move(otherwise));
    }

    void refuse_page() {
        const auto origin = std::string(*request_.header("Origin"));
        handler_->notify([&](Observer& o) {
            o.log(LogLevel::warning, refused_page(origin, "long-poll", "LongPollConfig"));
        });
        finish(refuse_poll(200, 403, "origin not allowed"));
    }

    void answer_preflight() {
        auto cors = config_->cors.value_or(CorsConfig{});
        cors.allow_methods = {"get, post, options"};
        cors.allow_headers = {
            std::string(request_.header("Access-Control-Request-Headers").value_or(""))};
        HttpAnswer answer;
        answer.headers = {{"Access-Control-Allow-Origin", "*"}};
        add_preflight(answer.headers, request_, cors);
        finish(std::move(answer));
    }

    void poll() {
        const auto connection = token_ ? table_->find(*token_) : nullptr;
        if (!connection) return poll_ended();
        // Longer than a poll waits: only a lane that hangs has not answered by then.
        give_up_after(config_->window * 3 / 2,
                      R"({"status":204,"token":")" + to_text(*token_) + R"(","messages":[]})");
        auto reply = back(&PollExchange::polled, std::optional<std::string>());
        on_lane(connection->lane(), [connection, seen = token_->answer, reply = std::move(reply)] {
            connection->poll(seen, reply);
        });
    }

    void polled(std::optional<std::string> body) {
        if (!body) return poll_ended();
        finish(poll_answer(200, std::move(*body)));
    }

    /// There is no such session (any more).
    void poll_ended() {
        auto rest =
            token_ ? table_->last_words(*token_, handler_->clock().now(), config_->answer_bytes)
                   : std::nullopt;
        if (rest) return finish(poll_answer(200, std::move(*rest)));
        limit_.cancel();
        read_auth_header(request_, handler_->config());
        auto request = std::exchange(request_, {});
        take_resume_request(request); // polls have a way of their own to lose nothing
        auto connected = [handler = handler_, config = config_, table = table_,
                          respond = std::exchange(respond_, nullptr)](ConnectResult result,
                                                                      std::uint32_t) {
            if (!result) return respond(refuse_client(result.error(), *handler));
            const auto connection =
                std::make_shared<PollConnection>(SessionAccess::core(*result), *config, table);
            respond(poll_answer(200, connection->start()));
        };
        handler_->enter(place_, std::move(request), {}, Framing::lines, std::move(connected));
    }

    static HttpAnswer refuse_client(const Refusal& refusal, const HandlerCore& handler) {
        const auto reason = refusal.reason.empty() ? "refused" : refusal.reason;
        const bool later = refusal.status == 429 || (refusal.status >= 500 && refusal.status < 600);
        auto answer =
            later ? refuse_poll(refusal.status, 500, reason) : refuse_poll(200, 403, reason);
        for (const auto& [name, value] : refusal.headers) add_field(answer.headers, name, value);
        if (refusal.status == 503)
            add_field(answer.headers, "Retry-After", handler.retry_seconds());
        return answer;
    }

    /// Unless there is one of this name: what is about the answer's own body stays.
    static void add_field(Request::Fields& fields, const std::string& name, std::string value) {
        if (!has_header(fields, name)) fields.emplace_back(name, std::move(value));
    }

    void take_frames() {
        const auto connection = token_ ? table_->find(*token_) : nullptr;
        if (!connection) return finish(poll_status(410));
        const auto posted = std::make_shared<PostedFrames>();
        if (!read_body(*posted)) {
            handler_->bad_frame(make_error_code(Errc::malformed_frame));
            return finish(refuse_poll(400, 400, "not base64"));
        }
        give_up_after(config_->window, R"({"status":408})", posted);
        auto done = back(&PollExchange::taken, PostTaken{410});
        on_lane(connection->lane(),
                [connection, posted, done = std::move(done)] { done(connection->take(*posted)); });
    }

    void taken(PostTaken taken) {
        finish(taken.reason.empty() ? poll_status(taken.status)
                                    : refuse_poll(taken.status, taken.status, taken.reason));
    }

    /// @return false when a line is wrong.
    bool read_body(PostedFrames& posted) {
        auto type = request_.header("Content-Type").value_or("");
        type = trim_spaces(take_until(type, ';'));
        if (!equals_ignoring_case(type, "application/x-ndjson")) {
            posted.frames.push_back({std::move(request_.body)});
            return true;
        }
        std::string_view rest = request_.body;
        while (!rest.empty()) {
            auto line = take_until(rest, '\n');
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (line.empty()) continue;
            if (posted.frames.size() == config_->lines_per_post) {
                handler_->over_limit("lines_per_post");
                return true;
            }
            const bool text = line.front() == '[' || line.front() == '{';
            auto frame = text ? std::string(line) : base64_decode(line);
            if (!frame) return false;
            posted.frames.push_back({std::move(*frame), !text});
        }
        return true;
    }

    /// Stays alive, and answers this after a while. Nothing else keeps an exchange that waits for
    /// another lane, so that it goes with its own.
    void give_up_after(std::chrono::milliseconds time, std::string body,
                       std::shared_ptr<PostedFrames> posted = nullptr) {
        limit_.expires_after(time);
        limit_.async_wait([self = shared_from_this(), body = std::move(body),
                           posted = std::move(posted)](error_code cancelled) {
            if (cancelled || !self->respond_) return;
            if (posted) posted->given_up = true;
            self->finish(poll_answer(200, body));
        });
    }

    void finish(HttpAnswer answer) {
        limit_.cancel();
        std::exchange(respond_, nullptr)(std::move(answer));
    }

    std::shared_ptr<HandlerCore> handler_;
    std::shared_ptr<const LongPollConfig> config_;
    std::shared_ptr<PollTable> table_;
    Place place_;
    Request request_;
    HttpTransport::Respond respond_; ///< Until it is answered.
    net::steady_timer limit_;
    std::optional<PollToken> token_;
};

} // namespace detail

LongPollTransport::LongPollTransport(LongPollConfig config)
    : config_(std::make_shared<const LongPollConfig>(std::move(config))),
      table_(std::make_shared<detail::PollTable>()) {
    detail::require_time("LongPollConfig::window", config_->window);
}
LongPollTransport::~LongPollTransport() = default;

std::size_t LongPollTransport::unread() const { return table_->waiting(); }

void LongPollTransport::configure(Handler& handler) {
    handler_ = detail::HandlerAccess::core(handler)->weak_from_this();
}

detail::HttpAnswer LongPollTransport::refuse(const Request&, int status,
                                             std::string_view reason) const {
    return detail::refuse_poll(status, status, reason);
}

detail::HttpAnswer LongPollTransport::put_off(const Request&, std::string_view reason,
                                              std::string_view seconds) const {
    return detail::put_off_poll(reason, seconds);
}

std::optional<detail::RandomId> LongPollTransport::owner(const Request& request) const {
    const auto token = detail::read_poll_token(request);
    return token ? std::optional(token->node) : std::nullopt;
}

/// A session that has ended may have left an answer, which any lane can give.
detail::Ref<detail::Lane> LongPollTransport::home(const Request& request) const {
    const auto handler = handler_.lock();
    const auto token = detail::read_poll_token(request);
    if (!handler || !token) return nullptr;
    if (const auto connection = table_->find(*token))
        return detail::Ref<detail::Lane>(&connection->lane());
    const auto lanes = table_->left_something(*token) ? handler->lanes()
                                                      : std::vector<detail::Ref<detail::Lane>>();
    return lanes.empty() ? nullptr : lanes.front();
}

void LongPollTransport::serve(const detail::Place& place, Request request, Respond respond) {
    auto handler = handler_.lock();
    if (!handler) return respond(detail::refuse_poll(503, 500, "closed"));
    std::make_shared<detail::PollExchange>(std::move(handler), config_, table_, place,
                                           std::move(request), std::move(respond))
        ->run();
}

} // namespace chain
