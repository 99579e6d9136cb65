// Many WebSocket clients of one topic, read by one thread.
#pragma once

#include "many_readers.hpp"

namespace test {

/// A WebSocket client that has joined a topic.
class WsReader {
  public:
    WsReader(std::uint16_t port, const std::string& topic)
        : client_(open_socket(port)), counting_(topic) {
        client_.send_text(R"([0,1,1,")" + topic + R"(","_join",{}])");
        if (client_.receive() != "[1,1,1,0,{}]") throw std::runtime_error("not joined");
    }

    int fd() const { return client_.fd(); }
    void begin() {}
    std::size_t got() const { return counting_.got(); }
    std::string read() {
        if (!client_.fill()) return "the server ended the stream";
        std::string wrong;
        while (wrong.empty() && whole_frame(client_.rest())) {
            const auto frame = client_.read_frame();
            if (frame->is_ping())
                client_.answer_ping(*frame);
            else
                wrong = counting_.take(frame->payload);
        }
        return wrong;
    }

  private:
    static bool whole_frame(std::string_view bytes) {
        return bytes.size() >= 2 && bytes.size() >= 2U + static_cast<unsigned char>(bytes[1]);
    }

    RawClient client_;
    Counting counting_;
};

/// Clients that have joined a topic.
class Readers : public ManyReaders<WsReader> {
  public:
    Readers(std::uint16_t port, std::size_t count, const std::string& topic)
        : ManyReaders(members<WsReader>(port, count, topic)) {}
};

} // namespace test
