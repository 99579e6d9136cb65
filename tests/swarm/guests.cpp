#include "guests.hpp"

#include "../integration/support/raw_client.hpp"

namespace swarm {

using chain::Json;

void PhoenixGuest::turn(Clock::time_point now) {
    if (!wire_.is_open()) {
        if (now < retry_at_) return;
        retry_at_ = now + std::chrono::milliseconds(50 + below(random_, 200));
        if (wire_.open(port_)) connect();
        return;
    }
    const bool alive = wire_.pump();
    polls_ ? work_poll() : read_socket();
    if (!alive) wire_.close();
}

void PhoenixGuest::connect() {
    head_ = posting_ = false;
    if (!polls_) {
        heard_.forget();
        wire_.send(upgrade("/socket/websocket?vsn=2.0.0"));
        wire_.send(test::ws_text(join()));
    } else {
        work_poll();
    }
}

void PhoenixGuest::read_socket() {
    if (!head_ && !wire_.in.empty()) {
        const int status = take_head(wire_.in);
        if (status == 0) return;
        head_ = status == 101;
    }
    unsigned char first = 0;
    for (std::string payload; head_ && take_frame(wire_.in, first, payload);) {
        if (first == 0x81) take(Json::parse(payload));
        if (first == 0x89) wire_.send(test::ws_frame(0x8A, payload));
    }
}

/// One request at a time. An answer that was lost is asked for again, with the token before it.
void PhoenixGuest::work_poll() {
    Answer answer;
    if (head_ && !take_answer(wire_.in, answer)) return;
    const auto body = head_ ? Json::parse(answer.body, nullptr, false) : Json();
    const bool posted = std::exchange(posting_, false);
    if (head_ && body.is_object() && !posted) {
        const auto status = body.value("status", 0);
        if (status == 410) begin_anew();
        if (status >= 400 && status != 410) token_.clear();
        if (body.contains("token")) token_ = body["token"];
        if (body.contains("messages"))
            for (const auto& message : body["messages"])
                take(message.is_string() ? Json::parse(std::string(message)) : message);
    }
    const auto target = "/socket/longpoll?vsn=2.0.0" + (token_.empty() ? "" : "&token=" + token_);
    posting_ = to_join_ && !token_.empty();
    wire_.send(posting_ ? post(target, join(), {}) : get(target));
    if (posting_) to_join_ = false;
    if (token_.empty()) to_join_ = true;
    head_ = true;
}

/// The session was new.
void PhoenixGuest::begin_anew() {
    heard_.forget();
    to_join_ = true;
}

void PhoenixGuest::take(const Json& frame) {
    if (frame[3] == "say" && frame[2] == room_) heard_.take(frame[4]["from"], frame[4]["n"]);
}

void PhoenixGuest::cut(Random& random) {
    wire_.close(below(random, 2) == 0);
    retry_at_ = {};
}

void LazyGuest::turn(Clock::time_point now) {
    if (now < until_) {
        if (wire_.is_open()) wire_.pump(false);
        return;
    }
    until_ = now + std::chrono::milliseconds(500 + below(random_, 3000));
    if (!wire_.open(port_, 4096)) return;
    wire_.send(upgrade("/socket/websocket"));
    wire_.send(test::ws_text("[0,1,1,\"" + room_ + "\",\"_join\",{}]"));
}

void Vandal::turn(Clock::time_point now) {
    if (wire_.is_open() && !wire_.pump()) wire_.close();
    if (now < until_) return;
    until_ = now + std::chrono::milliseconds(20 + below(random_, 200));
    if (!wire_.is_open() && !wire_.open(port_)) return;
    wire_.send(nonsense());
}

std::string Vandal::nonsense() {
    std::string noise;
    for (auto left = below(random_, 200); left > 0; --left)
        noise += static_cast<char>(below(random_, 256));
    switch (below(random_, 8)) {
    case 0: return noise;
    case 1: return upgrade("/socket/websocket?" + std::string(below(random_, 500), 'a'));
    case 2: return upgrade("/socket/websocket") + test::ws_text("[0,1,1,\"x\",\"_join\"");
    case 3: return test::ws_text(R"([0,1,1,"side:v","_join",{}])") + test::ws_text(noise);
    case 4: return upgrade("/socket/websocket?resume=1") + test::ws_frame(0x01, "[0") + noise;
    case 5: return post("/socket/sse?sid=x&seq=9", "[[[" + noise, "X-Chain-Session: none\r\n");
    case 6: return post("/socket/longpoll?token=none", noise, "Content-Type: text/plain\r\n");
    default: return get("/socket/sse?session=" + std::string(96, 'a') + "&received=7");
    }
}

} // namespace swarm
