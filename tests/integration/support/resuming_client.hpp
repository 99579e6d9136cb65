// A client that resumes: the client's half of protocol section 5 on plain sockets, over WebSocket
// and over server-sent events, which can be made to fail at any frame.
#pragma once

#include "raw_client.hpp"

#include <chain/json.hpp>

#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

enum class Carrier { websocket, sse };

/// What goes wrong at one frame.
enum class Fault {
    cut,        ///< The connection is closed before the frame is sent or read.
    reset,      ///< It is reset.
    half_sent,  ///< It ends when half of the frame's bytes are sent.
    unanswered, ///< It ends right after the frame was sent.
    half_open,  ///< It stays there, and what was sent over it arrives after the takeover.
    twice,      ///< The frame is posted twice, the second time after a takeover.
};

class ResumingClient {
  public:
    ResumingClient(std::uint16_t port, Carrier first, Carrier then)
        : port_(port), first_(first), then_(then) {
        connect();
    }

    /// The fault that comes with the frame of this number, counted in both directions from 1.
    void fail_at(int frame, Fault fault) {
        fail_at_ = frame;
        fault_ = fault;
    }

    void send(const std::string& frame) {
        kept_.push_back(frame);
        ++sent_;
        if (due()) return fail_sending(frame);
        transmit(frame);
    }
    /// The next frame that counts.
    std::string receive() {
        if (due()) reconnect(fault_ == Fault::reset);
        auto frame = next();
        ++received_;
        if (received_ % 5 == 0 && carrier_ == Carrier::websocket)
            socket_->send_text("[3," + std::to_string(received_) + "]");
        return frame;
    }

    /// The connection breaks, and another one takes over.
    void reconnect(bool with_reset = false) {
        if (fault_ != Fault::half_open && fault_ != Fault::twice) {
            with_reset ? socket_->reset() : socket_->close();
        } else {
            old_ = std::move(socket_);
        }
        connect();
    }
    /// The next connection is of the other kind.
    void change_carrier() { then_ = carrier_ == Carrier::sse ? Carrier::websocket : Carrier::sse; }
    int frames() const { return io_; }
    int resumes() const { return resumes_; }
    const std::string& reason() const { return reason_; }
    const std::string& token() const { return token_; }
    unsigned received() const { return received_; }
    std::optional<RawClient>& socket() { return socket_; }

  private:
    bool due() { return ++io_ == fail_at_; }

    void connect() {
        carrier_ = attempt_ == 0 ? first_ : then_;
        rest_.clear();
        socket_.emplace(port_);
        const auto query = token_.empty()
                               ? std::string("resume=1")
                               : "session=" + token_ + "&received=" + std::to_string(received_) +
                                     "&attempt=" + std::to_string(attempt_);
        ++attempt_;
        if (carrier_ == Carrier::websocket) {
            const auto reply = socket_->upgrade("/socket/websocket?" + query);
            if (reply.status != 101)
                throw std::runtime_error("no upgrade: " + std::to_string(reply.status));
        } else {
            const auto reply = socket_->get("/socket/sse?sid=tab&" + query);
            if (reply.status != 200)
                throw std::runtime_error("no stream: " + std::to_string(reply.status));
        }
        greet(chain::Json::parse(raw_next()));
    }

    void greet(const chain::Json& frame) {
        if (frame.at(4) != "_session") throw std::runtime_error("no _session: " + frame.dump());
        const auto& told = frame.at(5);
        token_ = told.at("token");
        reason_ = told.value("reason", "");
        if (!told.at("resumed").get<bool>()) {
            sent_ = received_ = 0;
            kept_.clear();
            return;
        }
        ++resumes_;
        confirm(told.at("received"));
        const auto unheard = kept_;
        const auto late = std::exchange(late_, {});
        if (!late.empty()) old_->send(late);
        for (std::size_t i = 0; i < unheard.size(); ++i)
            transmit(unheard[i], sent_ - static_cast<unsigned>(unheard.size() - i));
        if (!late.empty()) old_->send(late);
    }

    void confirm(unsigned count) {
        while (sent_ - static_cast<unsigned>(kept_.size()) < count && !kept_.empty())
            kept_.pop_front();
    }

    void transmit(const std::string& frame) { transmit(frame, sent_ - 1); }
    void transmit(const std::string& frame, unsigned seq) {
        if (carrier_ == Carrier::websocket) {
            socket_->send_text(frame);
            return;
        }
        auto reply = RawClient(port_).request(post(frame, seq));
        while (reply.status == 503) reply = RawClient(port_).request(post(frame, seq));
        if (reply.status != 200)
            throw std::runtime_error("post: " + std::to_string(reply.status) + reply.body);
        confirm(chain::Json::parse(reply.body).at("received"));
    }

    std::string bytes(const std::string& frame) const {
        return carrier_ == Carrier::websocket ? ws_text(frame) : post(frame, sent_ - 1);
    }
    std::string post(const std::string& frame, unsigned seq) const {
        return "POST /socket/sse?sid=tab&seq=" + std::to_string(seq) +
               "&received=" + std::to_string(received_) +
               " HTTP/1.1\r\nHost: test\r\nX-Chain-Session: " + token_ +
               "\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(frame.size()) + "\r\n\r\n" + frame;
    }

    /// What the fault is to the sender: some, all or none of the bytes go out.
    void fail_sending(const std::string& frame) {
        auto all = bytes(frame);
        std::optional<RawClient> poster;
        if (carrier_ == Carrier::sse) poster.emplace(port_);
        auto& way = poster ? *poster : *socket_;
        if (fault_ == Fault::half_sent) way.send(all.substr(0, all.size() / 2));
        if (fault_ == Fault::unanswered || fault_ == Fault::twice) way.send(all);
        if (fault_ == Fault::half_open || fault_ == Fault::twice) late_ = all;
        if (poster && late_.empty()) poster->close();
        if (!poster || late_.empty()) return reconnect(fault_ == Fault::reset);
        if (fault_ == Fault::twice) poster->read_http();
        reconnect();
        // `late_` went out over the old stream, which nobody reads; now over a POST's own.
        old_ = std::move(poster);
        old_->send(all);
        old_->read_http();
    }

    std::string next() {
        for (;;) {
            auto frame = raw_next();
            if (frame.starts_with("[3,"))
                confirm(static_cast<unsigned>(std::stoul(frame.substr(3))));
            else
                return frame;
        }
    }

    std::string raw_next() {
        if (carrier_ == Carrier::websocket) return socket_->receive();
        for (;;) {
            const auto block = sse_block();
            const auto data = block.find("data: ");
            if (data == std::string::npos) continue;
            if (block.starts_with("id: ")) {
                const auto number = std::stoul(block.substr(block.find('-') + 1));
                if (number != received_ + 1)
                    throw std::runtime_error("id " + std::to_string(number) + " after " +
                                             std::to_string(received_));
            }
            return block.substr(data + 6);
        }
    }

    std::string sse_block() {
        for (;;) {
            rest_ += socket_->take_rest();
            const auto end = rest_.find("\n\n");
            if (end != std::string::npos) {
                auto block = rest_.substr(0, end);
                rest_.erase(0, end + 2);
                return block;
            }
            if (!socket_->fill()) throw std::runtime_error("the server ended the stream");
        }
    }

    std::uint16_t port_;
    Carrier first_, then_, carrier_ = first_;
    std::optional<RawClient> socket_, old_;
    std::string rest_, token_, reason_, late_;
    std::deque<std::string> kept_; ///< Sent and not confirmed.
    unsigned sent_ = 0, received_ = 0, attempt_ = 0;
    int io_ = 0, fail_at_ = 0, resumes_ = 0;
    Fault fault_ = Fault::cut;
};

} // namespace test
