// A Phoenix client on a plain socket.
#pragma once

#include "raw_client.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace test {

class PhoenixClient {
  public:
    explicit PhoenixClient(std::uint16_t port, const std::string& query = "?vsn=2.0.0")
        : client_(open_socket(port, query)) {}

    void send(std::string_view text) { client_.send_text(text); }
    void send_binary(std::string_view bytes) { client_.send(ws_frame(0x82, bytes)); }
    /// The next text message.
    std::string receive() { return client_.receive(); }
    std::string ask(std::string_view text) {
        send(text);
        return receive();
    }
    /// The next message, which must be binary.
    std::string receive_binary() {
        for (;;) {
            auto frame = client_.read_frame();
            if (!frame) throw std::runtime_error("the server ended the stream");
            if (frame->first == 0x82) return std::move(frame->payload);
            if (!frame->is_ping()) throw std::runtime_error("no binary frame: " + frame->payload);
            client_.answer_ping(*frame);
        }
    }
    RawClient& raw() { return client_; }

    /// Joins with join_ref and ref "1" (version 2).
    void join(const std::string& topic) {
        const auto reply = ask(R"(["1","1",")" + topic + R"(","phx_join",{}])");
        if (reply.find(R"("status":"ok")") == std::string::npos)
            throw std::runtime_error("not joined: " + reply);
    }

  private:
    RawClient client_;
};

} // namespace test
