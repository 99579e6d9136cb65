// Definitions of support/ws_client.hpp.
#include "support/ws_client.hpp"
#include "support/raw_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <optional>
#include <stdexcept>

namespace test {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

struct WsClient::State {
    net::io_context context;
    websocket::stream<beast::tcp_stream> stream{context};
    beast::flat_buffer buffer;
    int status = 0;
    std::string body;
    std::string pong;

    /// Starts an operation and runs it to its end, but not past the deadline.
    template <class Start>
    error_code run(Start start) {
        std::optional<error_code> result;
        beast::get_lowest_layer(stream).expires_after(patience);
        start([&](error_code failed, auto&&...) { result = failed; });
        context.restart();
        while (!result && context.run_one() > 0) {
        }
        beast::get_lowest_layer(stream).expires_never();
        return result.value_or(error_code(net::error::operation_aborted));
    }
    template <class Start>
    void must(const char* what, Start start) {
        if (const auto failed = run(std::move(start)))
            throw std::runtime_error(std::string(what) + ": " + failed.message());
    }
};

WsClient::WsClient(std::uint16_t port, const std::string& target, const Headers& headers,
                   bool deflate)
    : state_(std::make_unique<State>()) {
    auto& s = *state_;
    s.stream.read_message_max(0);
    websocket::permessage_deflate compression;
    compression.client_enable = deflate;
    s.stream.set_option(compression);
    s.stream.control_callback([&s](websocket::frame_type type, beast::string_view payload) {
        if (type == websocket::frame_type::pong) s.pong.assign(payload.data(), payload.size());
    });
    s.stream.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
        for (const auto& [name, value] : headers) request.set(name, value);
    }));
    const net::ip::tcp::endpoint server(net::ip::address_v4::loopback(), port);
    s.must("connect", [&](auto done) {
        beast::get_lowest_layer(s.stream).async_connect(server, std::move(done));
    });
    beast::get_lowest_layer(s.stream).socket().set_option(net::ip::tcp::no_delay(true));
    websocket::response_type answer;
    const auto host = "localhost:" + std::to_string(port);
    const auto failed =
        s.run([&](auto done) { s.stream.async_handshake(answer, host, target, std::move(done)); });
    if (failed && failed != websocket::error::upgrade_declined)
        throw std::runtime_error("handshake: " + failed.message());
    s.status = static_cast<int>(answer.result_int());
    s.body = answer.body();
}

WsClient::WsClient(WsClient&&) noexcept = default;
WsClient& WsClient::operator=(WsClient&&) noexcept = default;
WsClient::~WsClient() = default;

int WsClient::status() const { return state_->status; }
const std::string& WsClient::body() const { return state_->body; }
const std::string& WsClient::pong() const { return state_->pong; }

void WsClient::send(std::string_view text) {
    auto& s = *state_;
    s.stream.text(true);
    s.must("send", [&](auto done) {
        s.stream.async_write(net::buffer(text.data(), text.size()), std::move(done));
    });
}

void WsClient::send_binary(std::string_view bytes) {
    auto& s = *state_;
    s.stream.binary(true);
    s.must("send", [&](auto done) {
        s.stream.async_write(net::buffer(bytes.data(), bytes.size()), std::move(done));
    });
}

void WsClient::send_in_pieces(std::string_view text, std::size_t piece) {
    auto& s = *state_;
    s.stream.text(true);
    for (std::size_t at = 0; at < text.size(); at += piece) {
        const auto part = text.substr(at, piece);
        const bool last = at + piece >= text.size();
        s.must("send a piece", [&](auto done) {
            s.stream.async_write_some(last, net::buffer(part.data(), part.size()), std::move(done));
        });
    }
}

void WsClient::ping(std::string_view payload) {
    auto& s = *state_;
    const websocket::ping_data data(payload.data(), payload.size());
    s.must("ping", [&](auto done) { s.stream.async_ping(data, std::move(done)); });
}

std::string WsClient::receive() {
    auto& s = *state_;
    s.buffer.clear();
    s.must("receive", [&](auto done) { s.stream.async_read(s.buffer, std::move(done)); });
    return beast::buffers_to_string(s.buffer.data());
}

int WsClient::close_code() {
    auto& s = *state_;
    error_code failed;
    while (!failed) {
        s.buffer.clear();
        failed = s.run([&](auto done) { s.stream.async_read(s.buffer, std::move(done)); });
    }
    if (failed != websocket::error::closed) return 1006;
    return s.stream.reason().code == 0 ? 1005 : static_cast<int>(s.stream.reason().code);
}

std::string WsClient::close_reason() const {
    const auto& reason = state_->stream.reason().reason;
    return {reason.data(), reason.size()};
}

void WsClient::close(std::uint16_t code) {
    auto& s = *state_;
    s.must("close", [&](auto done) {
        s.stream.async_close(websocket::close_reason(code), std::move(done));
    });
}

void WsClient::drop() { beast::get_lowest_layer(state_->stream).socket().close(); }

} // namespace test
