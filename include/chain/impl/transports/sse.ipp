// Definitions of <chain/transports/sse.hpp>.
#pragma once

#include <chain/detail/frame_reader.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_rules.hpp>
#include <chain/detail/json_scan.hpp>
#include <chain/detail/resume_request.hpp>
#include <chain/detail/settings.hpp>
#include <chain/detail/sse_connection.hpp>
#include <chain/detail/sse_format.hpp>
#include <chain/detail/sse_tabs.hpp>
#include <chain/detail/subprotocol.hpp>
#include <chain/detail/text.hpp>
#include <chain/detail/unclaimed.hpp>
#include <chain/transports/sse.hpp>

#include <algorithm>
#include <utility>

namespace chain {

namespace detail {

Request::Fields stream_headers() {
    return {{"Content-Type", "text/event-stream; charset=utf-8"},
            {"Cache-Control", "private, no-cache, no-store, must-revalidate, max-age=0"},
            {"X-Accel-Buffering", "no"}};
}

/// A stream that ends at once: an EventSource that is answered 503 never comes back.
HttpAnswer come_again(std::chrono::milliseconds later) {
    HttpAnswer answer;
    answer.headers = stream_headers();
    answer.body = retry_line(later);
    return answer;
}

bool valid_sid(std::string_view sid) noexcept {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '-';
    };
    return !sid.empty() && sid.size() <= 64 && std::ranges::all_of(sid, allowed);
}

std::string sid_of(const Request& request) {
    return std::string(request.param("sid").value_or("sid"));
}

/// The tab's name and what its cookie says.
struct TabShown {
    std::string sid;
    std::string cookie;
};
TabShown tab_shown(const Request& request, const CookieConfig& cookie) {
    const auto sid = sid_of(request);
    return {sid, std::string(request.cookie(cookie.name + '.' + sid).value_or(""))};
}

/// One request to an SSE endpoint.
class SseExchange : public std::enable_shared_from_this<SseExchange> {
  public:
    SseExchange(std::shared_ptr<HandlerCore> handler, SseConfig config,
                std::shared_ptr<SseTabs> tabs, Request request, HttpTransport::Respond respond)
        : handler_(std::move(handler)), config_(std::move(config)), tabs_(std::move(tabs)),
          request_(std::move(request)), respond_(std::move(respond)) {}

    void run(const Place& place) {
        wish_ = take_resume_request(request_);
        sid_ = sid_of(request_);
        if (!page_allowed(*handler_, request_, config_.cors)) return refuse_page();
        if (request_.method == "OPTIONS") return answer_preflight();
        if (!valid_sid(sid_)) return refuse(400, "sid: up to 64 of A-Z a-z 0-9 _ -");
        if (request_.method == "GET") return open_stream(place);
        if (request_.method == "POST") return take_frames();
        auto answer = refuse_request(405, "use GET or POST");
        answer.headers.emplace_back("Allow", "GET, POST, OPTIONS");
        finish(std::move(answer));
    }

  private:
    void refuse_page() {
        const auto origin = std::string(*request_.header("Origin"));
        handler_->notify([&](Observer& o) {
            o.log(LogLevel::warning, refused_page(origin, "SSE", "SseConfig"));
        });
        respond_(refuse_request(403, "origin not allowed"));
    }

    void answer_preflight() {
        HttpAnswer answer;
        answer.status = 204;
        add_preflight(answer.headers, request_, config_.cors.value_or(CorsConfig{}));
        finish(std::move(answer));
    }

    void open_stream(const Place& place) {
        if (handler_->draining()) return send_away();
        read_cookies();
        auto session = session_of_tab();
        const auto last = event_id_from(request_.header("Last-Event-ID").value_or(""));
        const bool comes_back = session && last && last->epoch == epoch_of(session->id());
        if (comes_back || (session && !wish_.wanted && !wish_.shown)) {
            // The browser itself opens the stream again, or a client that cannot resume loads anew.
            wish_ = {.known = session};
        } else if (session && wish_.wanted) {
            Session(std::exchange(session, nullptr)).close(close_gone, "loaded again");
            std::erase_if(living_, [this](const auto& tab) { return tab.first == sid_; });
        }
        if (wish_.token && last && last->epoch == epoch_of(wish_.token->session))
            wish_.received = last->number;
        if (wish_.known && comes_back) wish_.received = last->number;
        if (!session && !wish_.token) make_room();
        read_auth_header(request_, handler_->config());
        handler_->enter(place, request_, wish_, Framing::sse,
                        [self = shared_from_this()](ConnectResult result, std::uint32_t claim) {
                            self->entered(std::move(result), claim);
                        });
    }

    void send_away() { finish(come_again(handler_->config().timeouts.restart)); }

    void entered(ConnectResult result, std::uint32_t claim) {
        if (!result && result.error().status == 503 && handler_->draining()) return send_away();
        if (!result) return finish(refuse_connect(result.error()));
        const auto& session = SessionAccess::core(*result);
        if (session_of_tab() != session) {
            const auto cookie =
                tabs_->add(handler_->instance(), sid_, *session, handler_->sessions());
            cookies_.push_back(
                set_cookie(config_.cookie, sid_, cookie, cookie_path(), request_.tls));
        }
        stream(session, claim);
    }

    void stream(const Ref<SessionCore>& session, std::uint32_t claim) {
        HttpAnswer answer;
        answer.headers = stream_headers();
        for (auto& cookie : cookies_) answer.headers.emplace_back("Set-Cookie", std::move(cookie));
        auto unclaimed = std::make_shared<Unclaimed>(claim == 0 ? session : nullptr);
        answer.take_over = [config = config_, session, claim,
                            unclaimed](std::unique_ptr<ByteStream> stream, std::string) {
            start_sse(std::move(stream), session, claim, unclaimed, config.retry,
                      config.keep_alive);
        };
        finish(std::move(answer));
    }

    void take_frames() {
        read_cookies();
        const auto session = session_of_post();
        if (!json_body()) return refuse(415, "send application/json");
        if (!session) return refuse(410, "no such session");
        if (!split_body())
            return refuse(400, "send one frame, or an array of at most " +
                                   std::to_string(config_.frames_per_post));
        for (const auto frame : frames_)
            if (!good(frame, session->serializer())) return;
        auto take = [self = shared_from_this(), session] {
            std::uint32_t received = 0;
            const int status = session->take_post(self->wish_, self->frames_, received);
            self->taken(status, received);
        };
        if (!on_lane(session->lane(), std::move(take))) refuse(410, "no such session");
    }

    /// Refuses the body for a frame that is too long or none.
    bool good(std::string_view frame, const Serializer& serializer) {
        const auto& limits = handler_->config().limits;
        if (frame.size() > limits.message_bytes) {
            handler_->over_limit("message_bytes");
            refuse(413, "too long");
            return false;
        }
        Message message;
        const auto wrong = serializer.decode(frame, false, limits.json_depth, message);
        if (!wrong) return true;
        handler_->bad_frame(wrong);
        refuse(400, wrong == Errc::not_json ? "not JSON" : "not a frame of the protocol");
        return false;
    }

    void taken(int status, std::uint32_t received) {
        if (status == 410) return refuse(410, "no such session");
        HttpAnswer answer;
        answer.status = status;
        answer.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
        answer.body =
            wish_.seq ? R"({"received":)" + std::to_string(received) + "}" : std::string("{}");
        finish(std::move(answer));
    }

    /// The session of a POST, by its token or by the tab's cookie.
    Ref<SessionCore> session_of_post() {
        if (!wish_.shown) return session_of_tab();
        return wish_.token ? handler_->sessions().find(wish_.token->session) : nullptr;
    }

    Ref<SessionCore> session_of_tab() {
        return tabs_->find(cookie_of(sid_), sid_, handler_->sessions());
    }

    bool json_body() const {
        auto type = request_.header("Content-Type").value_or("");
        type = trim_spaces(take_until(type, ';'));
        return equals_ignoring_case(type, "application/json") ||
               equals_ignoring_case(type, "text/plain");
    }

    /// Takes the body apart, when it is an array of frames. What is wrong with it is counted.
    bool split_body() {
        const auto depth = handler_->config().limits.json_depth + 2;
        const auto broken = [&] {
            handler_->bad_frame(why_not_a_frame(request_.body, depth));
            return false;
        };
        JsonScanner scanner(request_.body, depth);
        const bool many = scanner.consume('[') && scanner.peek() == '[';
        if (!many) {
            frames_ = {request_.body};
            return true;
        }
        do {
            const auto frame = scanner.value();
            if (!frame) return broken();
            if (frames_.size() == config_.frames_per_post) {
                handler_->over_limit("frames_per_post");
                return false;
            }
            frames_.push_back(frame->text);
        } while (scanner.consume(','));
        return (scanner.consume(']') && scanner.at_end()) || broken();
    }

    /// Lists the browser's tabs, and expires the cookies of those that are gone.
    void read_cookies() {
        const auto prefix = config_.cookie.name + '.';
        for (const auto& [name, value] : request_.cookies()) {
            if (!name.starts_with(prefix)) continue;
            const auto sid = name.substr(prefix.size());
            if (!valid_sid(sid)) continue;
            if (tabs_->find(value, sid, handler_->sessions()) || elsewhere(value))
                living_.emplace_back(sid, value);
            else if (sid != sid_)
                cookies_.push_back(
                    set_cookie(config_.cookie, sid, {}, cookie_path(), request_.tls));
        }
    }

    /// Is it another node's to say what became of this tab?
    bool elsewhere(std::string_view cookie) const {
        const auto node = handler_->cluster().linked() ? SseTabs::node_of(cookie) : std::nullopt;
        return node && *node != handler_->instance();
    }

    std::string_view cookie_of(std::string_view sid) const noexcept {
        const auto same = [&](const auto& tab) { return tab.first == sid; };
        const auto found = std::ranges::find_if(living_, same);
        return found == living_.end() ? std::string_view() : found->second;
    }

    /// Ends the oldest of a browser's sessions when a new one would be too many. Browsers send the
    /// oldest cookie first.
    void make_room() {
        const auto most = std::max<std::size_t>(config_.tabs, 1);
        for (std::size_t i = 0; i + most <= living_.size(); ++i) {
            const auto& [sid, cookie] = living_[i];
            if (const auto session = tabs_->find(cookie, sid, handler_->sessions()))
                Session(session).close(1001, "too many tabs");
            handler_->over_limit("tabs");
            cookies_.push_back(set_cookie(config_.cookie, sid, {}, cookie_path(), request_.tls));
        }
    }

    std::string cookie_path() const { return std::string(request_.path()); }
    void refuse(int status, std::string_view reason) { finish(refuse_request(status, reason)); }
    void finish(HttpAnswer answer) {
        add_cors(answer.headers, request_, config_.cors);
        respond_(std::move(answer));
    }

    std::shared_ptr<HandlerCore> handler_;
    SseConfig config_;
    std::shared_ptr<SseTabs> tabs_;
    Request request_;
    HttpTransport::Respond respond_;
    ResumeRequest wish_; ///< What the request says about its session.
    std::string sid_;
    std::vector<std::pair<std::string, std::string>>
        living_;                           ///< The browser's tabs: sid and cookie.
    std::vector<std::string> cookies_;     ///< Set-Cookie headers of the answer.
    std::vector<std::string_view> frames_; ///< Of the body.
};

} // namespace detail

SseTransport::SseTransport(SseConfig config)
    : config_(std::move(config)), tabs_(std::make_shared<detail::SseTabs>()) {
    detail::require_time("SseConfig::keep_alive", config_.keep_alive);
}
SseTransport::~SseTransport() = default;

void SseTransport::configure(Handler& handler) {
    handler_ = detail::HandlerAccess::core(handler)->weak_from_this();
}

detail::HttpAnswer SseTransport::refuse(const Request& request, int status,
                                        std::string_view reason) const {
    auto answer = detail::refuse_request(status, reason);
    let_read(answer, request);
    return answer;
}

detail::HttpAnswer SseTransport::put_off(const Request& request, std::string_view reason,
                                         std::string_view seconds) const {
    const auto handler = handler_.lock();
    if (!handler || request.method != "GET")
        return HttpTransport::put_off(request, reason, seconds);
    auto answer = detail::come_again(handler->config().timeouts.restart);
    let_read(answer, request);
    return answer;
}

/// Pages that may connect may read the answer.
void SseTransport::let_read(detail::HttpAnswer& answer, const Request& request) const {
    const auto handler = handler_.lock();
    if (handler && detail::page_allowed(*handler, request, config_.cors))
        detail::add_cors(answer.headers, request, config_.cors);
}

std::optional<detail::RandomId> SseTransport::owner(const Request& request) const {
    const auto wish = detail::read_resume_request(request);
    if (wish.shown) return detail::node_of(wish);
    return detail::SseTabs::node_of(detail::tab_shown(request, config_.cookie).cookie);
}

detail::Ref<detail::Lane> SseTransport::home(const Request& request) const {
    const auto handler = handler_.lock();
    if (!handler) return nullptr;
    const auto wish = detail::read_resume_request(request);
    if (wish.shown) return handler->home_of(wish.token);
    const auto [sid, cookie] = detail::tab_shown(request, config_.cookie);
    const auto session = tabs_->find(cookie, sid, handler->sessions());
    return session ? detail::Ref<detail::Lane>(&session->lane()) : nullptr;
}

void SseTransport::serve(const detail::Place& place, Request request, Respond respond) {
    auto handler = handler_.lock();
    if (!handler) return respond(detail::refuse_request(503, "closed"));
    std::make_shared<detail::SseExchange>(std::move(handler), config_, tabs_, std::move(request),
                                          std::move(respond))
        ->run(place);
}

} // namespace chain
