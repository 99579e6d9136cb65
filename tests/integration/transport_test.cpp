// A transport of the test's own: lines over a UNIX socket. No HTTP, no WebSocket.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <chain/transports/websocket.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <thread>

using namespace std::chrono_literals;
using chain::Handler, chain::Session;
namespace net = boost::asio;

namespace {

using LocalSocket = net::local::stream_protocol::socket;

/// One client's lines. The first is `new`, or `resume` and a session's id; it is answered with the
/// id. Each further line is a frame. When the session ends, the last line is `!` with code and
/// reason.
class LineConnection final : public chain::Connection,
                             public std::enable_shared_from_this<LineConnection> {
  public:
    LineConnection(LocalSocket socket, net::io_context& context, Handler handler,
                   std::chrono::milliseconds window)
        : socket_(std::move(socket)), context_(context), handler_(std::move(handler)),
          window_(window) {
        socket_.non_blocking(true);
    }

    void read() {
        net::async_read_until(
            socket_, net::dynamic_buffer(input_), '\n',
            [self = shared_from_this()](chain::error_code failed, std::size_t size) {
                failed ? self->lost() : self->line(size);
            });
    }

    chain::Framing framing() const noexcept override { return chain::Framing::lines; }
    std::size_t write(std::string_view bytes) noexcept override {
        chain::error_code failed;
        // In small pieces, so that frames are cut anywhere.
        const auto taken = socket_.write_some(
            net::buffer(bytes.data(), std::min<std::size_t>(bytes.size(), 7)), failed);
        socket_.async_wait(LocalSocket::wait_write, [self = shared_from_this()](chain::error_code) {
            if (self->session_) self->session_->writable();
        });
        return failed ? 0 : taken;
    }
    void close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept override {
        const auto last = unsent + "! " + std::to_string(code) + " " + std::string(reason) + "\n";
        chain::error_code ignored;
        net::write(socket_, net::buffer(last), ignored);
        socket_.shutdown(LocalSocket::shutdown_send, ignored);
        session_.reset();
    }

  private:
    void line(std::size_t size) {
        const auto text = input_.substr(0, size - 1);
        input_.erase(0, size);
        if (session_) {
            if (const auto failed = session_->dispatch(text)) answer("? " + failed.message());
        } else if (text.starts_with("resume ")) {
            const auto found = handler_.resume(text.substr(7));
            found ? begin(*found) : answer("gone");
        } else {
            open();
        }
        read();
    }
    void open() {
        chain::Request request;
        request.query = {{"by", "line"}};
        const auto connected = [self = shared_from_this()](const chain::ConnectResult& result) {
            result ? self->begin(*result) : self->answer("refused " + result.error().reason);
        };
        handler_.connect(context_, std::move(request), chain::Framing::lines, connected);
    }
    void begin(const Session& session) {
        answer(session.id());
        session_ = session;
        session_->attach(shared_from_this());
    }
    void answer(const std::string& text) { net::write(socket_, net::buffer(text + "\n")); }
    void lost() {
        if (!session_) return;
        session_->detach(*this);
        session_->schedule_shutdown(window_);
        session_.reset();
    }

    LocalSocket socket_;
    net::io_context& context_;
    Handler handler_;
    std::chrono::milliseconds window_;
    std::optional<Session> session_;
    std::string input_;
};

class LineTransport final : public chain::Transport {
  public:
    explicit LineTransport(net::io_context& context) : context_(context) {}
    std::string_view name() const noexcept override { return "lines"; }
    void configure(Handler& handler) override { endpoint = handler.config().endpoint; }

    std::string endpoint;
    std::chrono::milliseconds window{60'000};

    /// The client's end of a new connection.
    LocalSocket connect(Handler handler, net::io_context& client_context) {
        LocalSocket ours(context_);
        LocalSocket theirs(client_context);
        net::local::connect_pair(ours, theirs);
        auto connection =
            std::make_shared<LineConnection>(std::move(ours), context_, std::move(handler), window);
        net::post(context_, [connection] { connection->read(); });
        return theirs;
    }

  private:
    net::io_context& context_;
};

/// The client's side.
class LineClient {
  public:
    explicit LineClient(LocalSocket socket) : socket_(std::move(socket)) {
        const timeval limit{test::patience.count(), 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void send(const std::string& line) { net::write(socket_, net::buffer(line + "\n")); }
    /// The next line; nothing at the end.
    std::string receive() {
        chain::error_code failed;
        const auto size = net::read_until(socket_, net::dynamic_buffer(input_), '\n', failed);
        if (failed) return "";
        auto line = input_.substr(0, size - 1);
        input_.erase(0, size);
        return line;
    }
    void close() { socket_.close(); }

  private:
    LocalSocket socket_;
    std::string input_;
};

/// A handler served by lines alone, on a thread of its own.
struct Lines {
    explicit Lines(chain::Channel channel) {
        handler.add(std::move(channel)).use(context).add(transport);
        thread = std::thread([this] { context.run(); });
    }
    ~Lines() {
        work.reset();
        context.stop();
        thread.join();
    }
    LineClient connect() { return LineClient(transport->connect(handler, clients)); }

    net::io_context clients;
    net::io_context context{1};
    net::executor_work_guard<net::io_context::executor_type> work{context.get_executor()};
    std::shared_ptr<test::Watch> watch = std::make_shared<test::Watch>();
    std::shared_ptr<LineTransport> transport = std::make_shared<LineTransport>(context);
    chain::HandlerConfig config{.observer = watch};
    Handler handler{config};
    std::thread thread;
};

} // namespace

TEST_CASE("a transport that is not HTTP carries a session end to end") {
    Lines lines(test::room_channel());
    CHECK(lines.transport->endpoint == "/socket");
    auto ann = lines.connect();
    auto bob = lines.connect();
    for (auto* client : {&ann, &bob}) {
        client->send("new");
        CHECK(client->receive().size() == 32);
        client->send(R"([0,1,1,"room:a","_join",{}])");
        CHECK(client->receive() == "[1,1,1,0,{}]");
    }

    ann.send(R"([0,1,2,"room:a","say","a line that is longer than seven bytes"])");
    CHECK(ann.receive() == R"([2,"room:a","say","a line that is longer than seven bytes"])");
    CHECK(bob.receive() == R"([2,"room:a","say","a line that is longer than seven bytes"])");
    bob.send("not a frame");
    CHECK(bob.receive().starts_with("? "));
    bob.send(R"([0,1,3,"room:a","echo","as before"])");
    CHECK(bob.receive() == R"([1,1,3,0,"as before"])");
    bob.send(R"([0,1,4,"room:a","_leave",{}])");
    CHECK(bob.receive() == "[1,1,4,0,{}]");
    CHECK(lines.handler.sessions() == 2);
}

TEST_CASE("a session survives its connection and is resumed with all it was sent meanwhile") {
    Lines lines(test::room_channel());
    auto first = lines.connect();
    first.send("new");
    const auto id = first.receive();
    first.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(first.receive() == "[1,1,1,0,{}]");
    auto other = lines.connect();
    other.send("new");
    other.receive();
    other.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(other.receive() == "[1,1,1,0,{}]");

    SECTION("pitfall 17: what is sent between two connections is not lost") {
        first.close();
        for (int i = 0; i < 100; ++i) {
            other.send("[0,1,2,\"room:a\",\"say\"," + std::to_string(i) + "]");
            REQUIRE(other.receive() == "[2,\"room:a\",\"say\"," + std::to_string(i) + "]");
        }
        auto second = lines.connect();
        second.send("resume " + id);
        CHECK(second.receive() == id);
        for (int i = 0; i < 100; ++i)
            REQUIRE(second.receive() == "[2,\"room:a\",\"say\"," + std::to_string(i) + "]");
        second.send(R"([0,1,3,"room:a","echo","same membership"])");
        CHECK(second.receive() == R"([1,1,3,0,"same membership"])");
    }
    SECTION("pitfall 15: a late end of the old connection does not touch the new one") {
        lines.transport->window = 1ms;
        auto second = lines.connect();
        second.send("resume " + id);
        CHECK(second.receive() == id);
        CHECK(first.receive() == "! 4001 replaced");
        first.close();
        for (int i = 0; i < 5; ++i) {
            second.send(R"([0,1,4,"room:a","echo",4])");
            CHECK(second.receive() == "[1,1,4,0,4]");
        }
        CHECK(lines.watch->left_count == 0);
    }
    SECTION("the membership's handlers have not run again") {
        first.close();
        auto second = lines.connect();
        second.send("resume " + id);
        CHECK(second.receive() == id);
        CHECK(lines.watch->joined_count == 2);
        CHECK(lines.watch->left_count == 0);
    }
    CHECK(lines.handler.sessions() == 2);
}

TEST_CASE("a session that is not resumed in time ends, and cannot be resumed") {
    auto room = test::room_channel();
    room.on_leave([](chain::Socket& socket, chain::LeaveReason reason) {
        socket.broadcast("left", reason == chain::LeaveReason::close);
    });
    Lines lines(room);
    auto other = lines.connect();
    other.send("new");
    other.receive();
    other.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(other.receive() == "[1,1,1,0,{}]");
    lines.transport->window = 50ms;
    auto first = lines.connect();
    first.send("new");
    const auto id = first.receive();
    first.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(first.receive() == "[1,1,1,0,{}]");

    first.close();
    CHECK(other.receive() == R"([2,"room:a","left",true])");
    CHECK(lines.watch->signal.wait([&] { return lines.watch->closed == 1; }));
    auto second = lines.connect();
    second.send("resume " + id);
    CHECK(second.receive() == "gone");
}

TEST_CASE("the end of a session tells the transport code and reason, after what is pending") {
    auto room = test::room_channel();
    room.on("quit", [](chain::Socket& socket, const chain::Json&) {
        socket.session().close(1000, "as you wish");
        return chain::Reply::ok("bye");
    });
    Lines lines(room);
    auto client = lines.connect();
    client.send("new");
    REQUIRE(client.receive().size() == 32);
    client.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(client.receive() == "[1,1,1,0,{}]");

    client.send(R"([0,1,2,"room:a","quit",{}])");
    CHECK(client.receive() == R"([1,1,2,0,"bye"])");
    CHECK(client.receive() == "! 1000 as you wish");
    CHECK(client.receive().empty());
}

TEST_CASE("a refusal of the connect handler reaches a transport of one's own") {
    Lines lines(test::room_channel());
    lines.handler.on_connect([](Session&, const chain::Request& request) {
        return std::optional(chain::Refusal{403, "by " + std::string(*request.param("by"))});
    });
    auto client = lines.connect();
    client.send("new");
    CHECK(client.receive() == "refused by line");
    CHECK(lines.handler.sessions() == 0);
}

TEST_CASE("one topic has members over WebSocket and over lines") {
    test::TestServer server(test::room_channel());
    net::io_context context{1};
    net::io_context clients;
    const auto work = net::make_work_guard(context);
    auto transport = std::make_shared<LineTransport>(context);
    server.handler.add(transport).add(std::make_shared<chain::WebSocketTransport>());
    server.start();
    server.handler.use(context);
    std::thread thread([&] { context.run(); });
    {
        LineClient line(transport->connect(server.handler, clients));
        line.send("new");
        REQUIRE(line.receive().size() == 32);
        line.send(R"([0,1,1,"room:a","_join",{}])");
        REQUIRE(line.receive() == "[1,1,1,0,{}]");
        auto web = server.member("room:a");

        web.send_text(R"([0,1,2,"room:a","say","from the web"])");
        CHECK(web.receive() == R"([2,"room:a","say","from the web"])");
        CHECK(line.receive() == R"([2,"room:a","say","from the web"])");
        line.send(R"([0,1,2,"room:a","say","from a line"])");
        CHECK(web.receive() == R"([2,"room:a","say","from a line"])");
        CHECK(line.receive() == R"([2,"room:a","say","from a line"])");
    }
    context.stop();
    thread.join();
}
