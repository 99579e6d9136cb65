// Fuzzes an endpoint as HTTP clients reach it: whatever they send is answered once, over each
// transport, and what follows an upgrade ends in an orderly way.
//
// Input: HTTP requests, one after the other; what follows an upgrade is the new connection's. A
// line "CUT" breaks all connections that are streams, "WAIT" lets time pass. In a request's head,
// the cookie and the token that the endpoint gave last stand in the place of "@cookie" and
// "@token".
#include <chain/chain.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/impl/client_files.ipp>
#include <chain/impl/detail/forward_end.ipp>
#include <chain/impl/detail/forward_frame.ipp>
#include <chain/impl/detail/forward_in.ipp>
#include <chain/impl/detail/forward_out.ipp>
#include <chain/impl/detail/forwards.ipp>
#include <chain/impl/detail/http_handler.ipp>
#include <chain/impl/detail/http_message.ipp>
#include <chain/testing/virtual_clock.hpp>
#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/parser.hpp>

#include "support.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

namespace http = boost::beast::http;
namespace net = chain::net;
using fuzz::require;
using namespace std::chrono_literals;

/// What a client has of a connection that became a stream.
struct Wire {
    explicit Wire(net::io_context& where) : context(where) {}

    /// Completes what the server waits for.
    void complete(chain::error_code how) {
        if (waiting)
            net::post(context, [how, done = std::exchange(waiting, nullptr)] { done(how, 0); });
    }

    net::io_context& context;
    std::string written;
    chain::detail::ByteStream::Done waiting;
    bool cut = false;
};

/// A stream whose client has said all that it is going to say, and reads everything.
class Stream final : public chain::detail::ByteStream {
  public:
    explicit Stream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

    net::any_io_executor executor() override { return wire_->context.get_executor(); }
    chain::detail::Peer peer() override { return {"192.0.2.1", 1}; }
    bool encrypted() const noexcept override { return true; }
    bool movable() const noexcept override { return false; }
    std::shared_ptr<chain::detail::LooseSocket> release() override { return nullptr; }
    void move_into(chain::detail::PlainSocket&) override {}
    void move_into(chain::detail::AnySocket&) override {}
    std::unique_ptr<ByteStream> take() override { return std::make_unique<Stream>(wire_); }
    void read_some(std::span<char>, Done done) override {
        wire_->waiting = std::move(done);
        if (wire_->cut) wire_->complete(net::error::eof);
    }
    void drop_some(std::span<char> into, Done done) override { read_some(into, std::move(done)); }
    void write(std::string_view bytes, Done done) override {
        wire_->written += bytes;
        net::post(wire_->context, [done = std::move(done), n = bytes.size()] { done({}, n); });
    }
    void finish(Done done) override {
        net::post(wire_->context, [done = std::move(done)] { done({}, 0); });
    }
    void cancel() noexcept override { wire_->complete(net::error::operation_aborted); }
    void close() noexcept override { cancel(); }

  private:
    std::shared_ptr<Wire> wire_;
};

chain::Handler make_handler() {
    chain::HandlerConfig config{.endpoint = "/socket"};
    config.observer = std::make_shared<chain::Observer>();
    config.compression.enabled = true;
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket& socket, const chain::Payload& params) {
        socket.broadcast("joined", params);
        return chain::Reply::ok(params);
    });
    room.on("say", [](chain::Socket& socket, const chain::Payload& text) {
        socket.broadcast("say", text);
    });
    room.on("ask", [](chain::Socket&, const chain::Json& what) { return chain::Reply::ok(what); });
    room.on("fail", [](chain::Socket&, const chain::Json&) { throw std::runtime_error("fails"); });
    chain::Handler handler{std::move(config)};
    handler.add(std::move(room));
    handler.on_refresh([](chain::Session& session, const chain::Json& payload) {
        session.expires_at(
            std::chrono::system_clock::time_point(payload.get<std::chrono::seconds::rep>() * 1s));
    });
    return handler;
}

/// An endpoint in memory, and what its client knows.
class Endpoint {
  public:
    Endpoint() {
        chain::detail::HandlerAccess::core(handler_)->set_clock(clock_);
        handler_.use(context_);
    }

    /// Serves what comes first of the input, and takes it away. @return false when it makes no
    /// sense
    bool serve(std::string& input) {
        if (input.starts_with(cut_line)) {
            input.erase(0, cut_line.size());
            cut();
        } else if (input.starts_with(wait_line)) {
            input.erase(0, wait_line.size());
            advance(10s);
        } else {
            return serve_request(input);
        }
        return true;
    }

    /// All clients go, and time-outs pass.
    void end() {
        cut();
        for (int i = 0; i < 4; ++i) advance(30s);
        require(handler_.sessions() == 0, "what has no connection ends");
    }

  private:
    static constexpr std::string_view cut_line = "CUT\r\n", wait_line = "WAIT\r\n";

    bool serve_request(std::string& input) {
        fill_in(input);
        http::request_parser<http::string_body> parser;
        parser.header_limit(16 * 1024);
        parser.body_limit(64 * 1024);
        parser.eager(true);
        chain::error_code failed;
        input.erase(0, parser.put(net::buffer(input), failed));
        if (failed || !parser.is_done()) return false;
        auto message = parser.release();
        auto request = chain::detail::request_from(message);
        request.peer_address = "192.0.2.1";
        request.body = std::move(message.body());
        if (handler_.serves(request.target)) answer(std::move(request), input);
        return true;
    }

    /// Puts cookie and token into a request's head.
    void fill_in(std::string& input) const {
        for (const auto& [name, value] : {std::pair("@cookie", &cookie_), {"@token", &token_}}) {
            const auto found = input.find(name);
            if (found < input.find("\r\n\r\n"))
                input.replace(found, std::string_view(name).size(), *value);
        }
    }

    void answer(chain::Request request, std::string& input) {
        std::optional<chain::detail::HttpAnswer> answer;
        chain::detail::serve_request(*chain::detail::HandlerAccess::core(handler_),
                                     {context_.get_executor(), false}, std::move(request),
                                     [&](chain::detail::HttpAnswer given) {
                                         require(!answer, "a request is answered once");
                                         answer = std::move(given);
                                     });
        run();
        if (!answer) advance(40s); // a poll is answered when it has waited long enough
        require(answer.has_value(), "a request is answered");
        remember(*answer);
        const auto take_over = std::move(answer->take_over);
        const auto status = answer->status;
        require(status == 101 || (status >= 200 && status <= 599), "by a status of HTTP");
        const auto bytes = chain::detail::bytes_of(*answer, {});
        require(bytes.starts_with("HTTP/1.1 "), "in the form of HTTP");
        if (take_over) stream(take_over, status == 101 ? take_upgraded(input) : std::string());
    }

    /// What the input holds for a connection that was upgraded.
    static std::string take_upgraded(std::string& input) {
        const auto end = std::min(input.find(cut_line), input.size());
        auto bytes = input.substr(0, end);
        input.erase(0, end);
        return bytes;
    }

    template <class TakeOver>
    void stream(const TakeOver& take_over, std::string received) {
        wires_.push_back(std::make_shared<Wire>(context_));
        const auto wire = wires_.back();
        take_over(std::make_unique<Stream>(wire), std::move(received));
        run();
        const auto found = wire->written.rfind(R"("token":")");
        if (found != std::string::npos) token_ = wire->written.substr(found + 9, 96);
    }

    void cut() {
        for (const auto& wire : std::exchange(wires_, {})) {
            wire->cut = true;
            wire->complete(net::error::eof);
        }
        run();
    }

    void run() {
        context_.restart();
        while (context_.poll() > 0) context_.restart();
    }

    void advance(std::chrono::milliseconds by) {
        clock_->advance(by);
        for (const auto& lane : chain::detail::HandlerAccess::core(handler_)->lanes())
            lane->advance();
        run();
    }

    void remember(const chain::detail::HttpAnswer& answer) {
        for (const auto& [name, value] : answer.headers)
            if (name == "Set-Cookie") cookie_ = value.substr(0, value.find(';'));
        const auto found = answer.body.find(R"("token":")");
        if (found != std::string::npos)
            token_ = answer.body.substr(found + 9, answer.body.find('"', found + 9) - found - 9);
    }

    std::shared_ptr<chain::testing::VirtualClock> clock_ =
        std::make_shared<chain::testing::VirtualClock>();
    net::io_context context_{1};
    std::vector<std::shared_ptr<Wire>> wires_;
    std::string cookie_ = "chain.sid=none", token_ = "none";
    chain::Handler handler_ = make_handler();
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto input = fuzz::text_of(data, size);
    Endpoint endpoint;
    for (int steps = 0; steps < 12 && !input.empty() && endpoint.serve(input);) ++steps;
    endpoint.end();
    return 0;
}
