// The same service written on Beast's websocket::stream the way its chat examples are: one thread,
// a queue of shared strings for each session, one async_write for each message.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace {

namespace beast = boost::beast;
namespace net = boost::asio;
namespace websocket = beast::websocket;
using net::ip::tcp;
using nlohmann::json;

class Session;
using Rooms = std::unordered_map<std::string, std::unordered_set<Session*>>;

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, Rooms& rooms) : stream_{std::move(socket)}, rooms_{rooms} {}
    ~Session() {
        for (const std::string& topic : topics_) rooms_[topic].erase(this);
    }

    void run() {
        stream_.next_layer().set_option(tcp::no_delay(true));
        stream_.text(true);
        stream_.async_accept([self = shared_from_this()](beast::error_code failed) {
            if (!failed) self->read();
        });
    }

  private:
    void read() {
        stream_.async_read(
            buffer_, [self = shared_from_this()](beast::error_code failed, std::size_t) {
                if (failed) return;
                self->handle(json::parse(beast::buffers_to_string(self->buffer_.data())));
                self->buffer_.consume(self->buffer_.size());
                self->read();
            });
    }

    void handle(const json& push) {
        const auto& topic = push[3].get_ref<const std::string&>();
        const auto& event = push[4].get_ref<const std::string&>();
        if (event == "shout") {
            const auto text =
                std::make_shared<const std::string>(json{2, topic, event, push[5]}.dump());
            for (Session* session : rooms_[topic]) session->send(text);
        } else if (event == "echo") {
            reply(push, push[5]);
        } else if (event == "_join") {
            rooms_[topic].insert(this);
            topics_.push_back(topic);
            reply(push, json::object());
        } else if (event == "_leave") {
            rooms_[topic].erase(this);
            reply(push, json::object());
        }
    }

    void reply(const json& push, const json& payload) {
        send(std::make_shared<const std::string>(json{1, push[1], push[2], 0, payload}.dump()));
    }

    void send(std::shared_ptr<const std::string> text) {
        queue_.push_back(std::move(text));
        if (queue_.size() == 1) write();
    }

    void write() {
        stream_.async_write(net::buffer(*queue_.front()),
                            [self = shared_from_this()](beast::error_code failed, std::size_t) {
                                if (failed) return;
                                self->queue_.pop_front();
                                if (!self->queue_.empty()) self->write();
                            });
    }

    websocket::stream<tcp::socket> stream_;
    Rooms& rooms_;
    std::vector<std::string> topics_;
    beast::flat_buffer buffer_;
    std::deque<std::shared_ptr<const std::string>> queue_;
};

void accept(tcp::acceptor& acceptor, Rooms& rooms) {
    acceptor.async_accept([&](beast::error_code failed, tcp::socket socket) {
        if (!failed) std::make_shared<Session>(std::move(socket), rooms)->run();
        accept(acceptor, rooms);
    });
}

} // namespace

int main(int argc, char** argv) try {
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8080);
    net::io_context context{1};
    Rooms rooms;
    tcp::acceptor acceptor{context, {net::ip::address_v4::loopback(), port}};
    accept(acceptor, rooms);
    std::cout << "listening on " << port << std::endl;
    context.run();
} catch (const std::exception& error) {
    std::cerr << "beast_server: " << error.what() << '\n';
    return EXIT_FAILURE;
}
