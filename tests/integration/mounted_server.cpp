// Definitions of support/mounted_server.hpp.
#include "support/mounted_server.hpp"
#include "support/bridge.hpp"
#include "support/certificate.hpp"

#include <chain/beast.hpp>
#include <chain/tls.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <array>
#include <filesystem>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

namespace test {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using chain::Served, net::ip::tcp, boost::system::error_code;
using Request = http::request<http::string_body>;
using Unix = net::local::stream_protocol;

namespace {

constexpr auto no_throw = net::as_tuple(net::use_awaitable);

/// What loops of all kinds share.
struct App {
    std::optional<chain::Handler> handler;
    std::array<std::size_t, 4> counts{};
    test::Signal counted;

    Served note(Served served) {
        counted.change([&] { ++counts[static_cast<std::size_t>(served)]; });
        return served;
    }
};

/// The server's own answer, as it goes over the wire: writing text is compiled much faster than
/// writing a message.
std::string own_answer(const Request& request) {
    http::response<http::string_body> response(http::status::ok, request.version());
    response.keep_alive(request.keep_alive());
    response.body() = "own " + std::string(request.target());
    response.prepare_payload();
    std::ostringstream text;
    text << response;
    return text.str();
}

/// Reads a request, or its header, as http::async_read does, which takes long to compile for each
/// kind of stream. False when the connection ends, or sends no HTTP.
template <class Stream>
net::awaitable<bool> read_http(Stream& stream, beast::flat_buffer& buffer,
                               http::basic_parser<true>& parser, bool whole) {
    parser.eager(whole);
    for (;;) {
        if (buffer.size() > 0) {
            error_code failed;
            buffer.consume(parser.put(buffer.data(), failed));
            if (failed && failed != http::error::need_more) co_return false;
            if (whole ? parser.is_done() : parser.is_header_done()) co_return true;
        }
        const auto [failed, count] =
            co_await stream.async_read_some(buffer.prepare(4096), no_throw);
        if (failed) co_return false;
        buffer.commit(count);
    }
}

template <class Stream>
net::awaitable<void> serve(App& app, Stream stream) {
    beast::flat_buffer buffer;
    for (;;) {
        http::request_parser<http::string_body> parser;
        if (!co_await read_http(stream, buffer, parser, true)) co_return;
        auto request = parser.release();
        if (app.handler->serves(request.target())) {
            const auto served = co_await chain::async_serve(*app.handler, stream, buffer,
                                                            std::move(request), net::use_awaitable);
            if (app.note(served) != Served::keep_alive) co_return;
            continue;
        }
        const auto answer = own_answer(request);
        co_await net::async_write(stream, net::buffer(answer), no_throw);
    }
}

/// Gives the header's parser away.
template <class Stream>
net::awaitable<void> serve_headers(App& app, Stream stream) {
    beast::flat_buffer buffer;
    for (;;) {
        http::request_parser<http::empty_body> parser;
        parser.body_limit(boost::none);
        if (!co_await read_http(stream, buffer, parser, false)) co_return;
        if (app.handler->serves(parser.get().target())) {
            const auto served = co_await chain::async_serve(*app.handler, stream, buffer,
                                                            std::move(parser), net::use_awaitable);
            if (app.note(served) != Served::keep_alive) co_return;
            continue;
        }
        http::request_parser<http::string_body> whole(std::move(parser));
        if (!whole.is_done() && !co_await read_http(stream, buffer, whole, true)) co_return;
        const auto answer = own_answer(whole.get());
        co_await net::async_write(stream, net::buffer(answer), no_throw);
    }
}

template <class Stream>
net::awaitable<void> serve_tls(App& app, std::shared_ptr<net::ssl::context>, Stream stream,
                               net::awaitable<void> (*loop)(App&, Stream)) {
    const auto [failed] = co_await stream.async_handshake(net::ssl::stream_base::server, no_throw);
    if (!failed) co_await loop(app, std::move(stream));
}

/// A connection of a server with callbacks.
class Callbacks : public std::enable_shared_from_this<Callbacks> {
  public:
    Callbacks(App& app, tcp::socket socket) : app_(app), stream_(std::move(socket)) {}

    void read() {
        request_ = {};
        http::async_read(stream_, buffer_, request_,
                         [self = shared_from_this()](error_code failed, std::size_t) {
                             if (!failed) self->serve();
                         });
    }

  private:
    void serve() {
        if (app_.handler->serves(request_.target())) {
            chain::async_serve(*app_.handler, stream_, buffer_, std::move(request_),
                               [self = shared_from_this()](Served served) {
                                   if (self->app_.note(served) == Served::keep_alive) self->read();
                               });
            return;
        }
        answer_ = own_answer(request_);
        net::async_write(stream_, net::buffer(answer_),
                         [self = shared_from_this()](error_code failed, std::size_t) {
                             if (!failed) self->read();
                         });
    }

    App& app_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    Request request_;
    std::string answer_;
};

/// A connection of a server with a thread for each.
void serve_blocking(App& app, tcp::socket socket) {
    beast::flat_buffer buffer;
    for (;;) {
        Request request;
        error_code failed;
        http::read(socket, buffer, request, failed);
        if (failed) return;
        if (app.handler->serves(request.target())) {
            auto served = chain::async_serve(*app.handler, socket, buffer, std::move(request),
                                             net::use_future);
            if (app.note(served.get()) != Served::keep_alive) return;
            continue;
        }
        net::write(socket, net::buffer(own_answer(request)), failed);
    }
}

/// Threads that end with their clients.
class BlockingThreads {
  public:
    template <class F>
    void begin(F run) {
        const std::lock_guard lock(mutex_);
        if (!ended_) threads_.emplace_back(std::move(run));
    }
    /// Waits for them; who comes later gets none.
    void end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        for (auto& thread : threads_) thread.join();
    }

  private:
    std::mutex mutex_;
    bool ended_ = false;
    std::vector<std::thread> threads_;
};

} // namespace

struct MountedServer::State {
    State(Mount m, chain::HandlerConfig config) : mount(m) {
        app.handler.emplace(std::move(config));
        if (mount != Mount::declared) return;
        for (auto& lane : lanes) app.handler->use(lane.emplace());
    }

    Mount mount;
    App app;
    std::optional<net::io_context> context{std::in_place};
    std::array<std::optional<net::io_context>, 2> lanes;
    std::vector<net::executor_work_guard<net::io_context::executor_type>> work;
    std::vector<std::thread> threads;
    BlockingThreads blocking;
    std::optional<Certificate> certificate;
    std::shared_ptr<chain::Tls> tls;
    std::string path;
    std::uint16_t port = 0;
    std::optional<Bridge> bridge;

    net::any_io_executor next_executor() {
        if (mount == Mount::one_thread || mount == Mount::not_serial)
            return context->get_executor();
        return net::make_strand(*context);
    }
    void start(tcp::socket socket) {
        const auto executor = socket.get_executor();
        auto spawn = [&](auto loop) { net::co_spawn(executor, std::move(loop), net::detached); };
        if (mount == Mount::tls || mount == Mount::tls_header) {
            auto tls_context = tls->context();
            using Tls = net::ssl::stream<tcp::socket>;
            Tls stream(std::move(socket), *tls_context);
            const auto loop = mount == Mount::tls ? serve<Tls> : serve_headers<Tls>;
            spawn(serve_tls(app, std::move(tls_context), std::move(stream), loop));
        } else if (mount == Mount::beast_tls) {
            auto tls_context = tls->context();
            using Tls = beast::ssl_stream<beast::tcp_stream>;
            Tls stream(beast::tcp_stream(std::move(socket)), *tls_context);
            spawn(serve_tls(app, std::move(tls_context), std::move(stream), serve<Tls>));
        } else if (mount == Mount::tcp_stream) {
            beast::tcp_stream stream(std::move(socket));
            stream.expires_after(std::chrono::hours(1));
            spawn(serve(app, std::move(stream)));
        } else if (mount == Mount::header) {
            spawn(serve_headers(app, std::move(socket)));
        } else if (mount == Mount::callback) {
            std::make_shared<Callbacks>(app, std::move(socket))->read();
        } else if (mount == Mount::future) {
            blocking.begin([this, moved = std::move(socket)]() mutable {
                serve_blocking(app, std::move(moved));
            });
        } else {
            spawn(serve(app, std::move(socket)));
        }
    }
    net::awaitable<void> listen(tcp::acceptor acceptor) {
        for (;;) {
            auto [failed, socket] = co_await acceptor.async_accept(next_executor(), no_throw);
            if (failed) co_return;
            start(std::move(socket));
        }
    }
    net::awaitable<void> listen(Unix::acceptor acceptor) {
        for (;;) {
            auto [failed, socket] = co_await acceptor.async_accept(next_executor(), no_throw);
            if (failed) co_return;
            net::co_spawn(socket.get_executor(), serve(app, std::move(socket)), net::detached);
        }
    }
    void open() {
        if (mount == Mount::unix_socket) {
            certificate.emplace(); // for its folder
            path = certificate->chain() + ".socket";
            net::co_spawn(*context, listen(Unix::acceptor(*context, Unix::endpoint(path))),
                          net::detached);
            bridge.emplace(Bridge::to_unix(path));
            return;
        }
        tcp::acceptor acceptor(*context, {net::ip::address_v4::loopback(), 0});
        port = acceptor.local_endpoint().port();
        net::co_spawn(*context, listen(std::move(acceptor)), net::detached);
        if (mount != Mount::tls && mount != Mount::tls_header && mount != Mount::beast_tls) return;
        certificate.emplace();
        tls = std::make_shared<chain::Tls>(
            chain::TlsConfig{certificate->chain(), certificate->key()});
        bridge.emplace(Bridge::to_tls(port));
    }
    void run(net::io_context& one) {
        work.push_back(net::make_work_guard(one));
        threads.emplace_back([&one] { one.run(); });
    }
    void run_all() {
        for (int i = mount == Mount::one_thread ? 1 : 3; i > 0; --i) run(*context);
        for (auto& lane : lanes)
            if (lane) run(*lane);
    }
    void destroy_contexts() {
        if (!context) return;
        blocking.end();
        context->stop();
        for (auto& lane : lanes)
            if (lane) lane->stop();
        for (auto& thread : threads) thread.join();
        work.clear();
        context.reset();
        for (auto& lane : lanes) lane.reset();
    }
};

MountedServer::MountedServer(Mount mount, chain::Channel channel, chain::HandlerConfig config)
    : watch(std::make_shared<Watch>()) {
    config.observer = watch;
    state_ = std::make_unique<State>(mount, std::move(config));
    state_->app.handler->add(std::move(channel));
    state_->open();
    state_->run_all();
}
MountedServer::~MountedServer() { state_->destroy_contexts(); }

chain::Handler& MountedServer::handler() { return *state_->app.handler; }

std::uint16_t MountedServer::port() const {
    return state_->bridge ? state_->bridge->port() : state_->port;
}

RawClient MountedServer::member(const std::string& topic) const {
    auto client = open_socket(port());
    client.send_text(R"([0,1,1,")" + topic + R"(","_join",{}])");
    const auto reply = client.receive();
    if (!reply.starts_with("[1,1,1,0,")) throw std::runtime_error("not joined: " + reply);
    return client;
}

bool MountedServer::served(Served what, std::size_t times) const {
    const auto& count = state_->app.counts[static_cast<std::size_t>(what)];
    return state_->app.counted.wait([&] { return count == times; });
}

void MountedServer::destroy_contexts() { state_->destroy_contexts(); }

void MountedServer::destroy_handler() { state_->app.handler.reset(); }

std::string to_string(Mount mount) {
    static constexpr std::array names{"one thread", "strand",     "tcp_stream",  "callback",
                                      "header",     "future",     "declared",    "tls",
                                      "beast tls",  "tls header", "unix socket", "not serial"};
    return names[static_cast<std::size_t>(mount)];
}

} // namespace test
