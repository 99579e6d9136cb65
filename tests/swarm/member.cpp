#include "member.hpp"

#include "../integration/support/raw_client.hpp"

#include <algorithm>

namespace swarm {

using chain::Json;

Member::Member(int id, std::string room, std::uint16_t port, Tally& tally)
    : id_(id), room_(std::move(room)), port_(port), tally_(&tally), heard_(tally),
      random_(static_cast<unsigned>(id) + 1) {}

void Member::turn(Clock::time_point now) {
    if (!wire_.is_open()) {
        if (now >= retry_at_) connect(now);
        return;
    }
    const bool alive = wire_.pump(now >= resting_);
    carrier_ == Carrier::websocket ? read_socket(now) : read_stream(now);
    if (!alive && wire_.is_open()) broken(now, delay_.value_or(std::chrono::milliseconds(0)));
    if (wire_.is_open() && carrier_ == Carrier::sse && greeted_) work_post();
}

void Member::connect(Clock::time_point now) {
    carrier_ = next_;
    head_ = greeted_ = posting_ = false;
    delay_.reset();
    poster_.close();
    tally_->attempts.push_back(now);
    began_ = now;
    const auto query = token_.empty()
                           ? std::string("resume=1")
                           : "session=" + token_ + "&received=" + std::to_string(received_) +
                                 "&attempt=" + std::to_string(attempt_);
    ++attempt_;
    if (!wire_.open(port_)) return broken(now, {});
    wire_.send(carrier_ == Carrier::websocket ? upgrade("/socket/websocket?" + query)
                                              : get("/socket/sse?sid=tab&" + query));
}

/// As the browser's client: a delay that the server names, and a random part of one of its own that
/// grows with each failure.
void Member::broken(Clock::time_point now, std::chrono::milliseconds delay) {
    if (delay.count() > 0) {
        ++tally_->restarts;
        tally_->closes.push_back(now);
    }
    if (!greeted_) ++tally_->refused;
    tries_ = greeted_ ? 0 : std::min(tries_ + 1, 4U);
    wire_.close();
    poster_.close();
    greeted_ = false;
    const auto own = (100U << tries_) / 2;
    retry_at_ = now + delay + std::chrono::milliseconds(own + below(random_, own));
}

void Member::cut(Random& random) {
    if (!wire_.is_open()) return;
    ++tally_->cuts;
    if (!greeted_) ++tally_->cuts_early;
    const auto way = below(random, 4);
    if (way == 0 && carrier_ == Carrier::sse && poster_.is_open()) {
        poster_.close(true); // the answer to a POST is lost
        posting_ = false;
        return;
    }
    if (way == 1) wire_.pump(false); // what was said goes out, what comes is lost
    wire_.close(way == 2);
    poster_.close(way == 2);
    greeted_ = false;
    retry_at_ = {};
}

const char* Member::stage() const {
    if (!wire_.is_open()) return "waits to connect";
    if (!greeted_) return head_ ? "has an answer, and no session" : "has no answer";
    if (!joined_) return "has not joined";
    return "has sent what is not confirmed";
}

void Member::send(const std::string& frame) {
    kept_.push_back(frame);
    ++sent_;
    if (greeted_) transmit(frame);
}

void Member::transmit(const std::string& frame) {
    if (carrier_ == Carrier::websocket) wire_.send(test::ws_text(frame));
}

void Member::publish() {
    if (!joined_) return;
    const Json payload{{"from", id_}, {"n", published_++}};
    send("[0,1,1,\"" + room_ + "\",\"say\"," + payload.dump() + "]");
}

void Member::misbehave(unsigned kind) {
    if (!joined_) return;
    const auto side = "side:" + std::to_string(id_);
    const auto ref = std::to_string(100 + ++side_);
    send("[0," + ref + "," + ref + ",\"" + side + "\",\"_join\",{}]");
    const char* events[] = {"throw", "none", "number", "throw_other"};
    send("[0," + ref + "," + ref + ",\"" + side + "\",\"" + events[kind % 4] + "\",\"text\"]");
}

void Member::read_socket(Clock::time_point now) {
    if (!head_ && !wire_.in.empty()) {
        const int status = take_head(wire_.in);
        if (status == 0) return;
        if (status != 101) return broken(now, {});
        head_ = true;
    }
    unsigned char first = 0;
    for (std::string payload; head_ && take_frame(wire_.in, first, payload);) {
        if (first == 0x81) {
            take(payload);
        } else if (first == 0x89) {
            wire_.send(test::ws_frame(0x8A, payload));
        } else if (first == 0x88) {
            const auto named = payload.find("retry_after_ms\":");
            const auto delay =
                named == std::string::npos ? 0 : std::stol(payload.substr(named + 16));
            return broken(now, std::chrono::milliseconds(delay));
        }
    }
}

void Member::read_stream(Clock::time_point now) {
    if (!head_ && !wire_.in.empty()) {
        const int status = take_head(wire_.in);
        if (status == 0) return;
        if (status != 200) return broken(now, {});
        head_ = true;
    }
    for (std::size_t end = 0; head_ && (end = wire_.in.find("\n\n")) != std::string::npos;) {
        const auto block = wire_.in.substr(0, end);
        wire_.in.erase(0, end + 2);
        const auto data = block.find("data: ");
        if (data != std::string::npos) take(block.substr(data + 6));
    }
}

void Member::take(const std::string& text) {
    if (text.starts_with("[3,")) return confirm(static_cast<unsigned>(std::stoul(text.substr(3))));
    const auto frame = Json::parse(text);
    if (frame[0] == 0 && frame[3] == "_chain") {
        if (frame[4] == "_session") greet(frame[5]);
        if (frame[4] == "_restart") delay_ = std::chrono::milliseconds(frame[5]["retry_after_ms"]);
        return;
    }
    if (frame[0] == 1 && frame[1] == 0) return; // to a heartbeat, which does not count
    ++received_;
    acknowledge();
    if (frame[0] == 2 && frame[1] == room_) heard_.take(frame[3]["from"], frame[3]["n"]);
    if (frame[0] != 1 || frame[1] != 1) return;
    if (frame[2] == 2) joined_ = frame[3] == 0;
    if (frame[2] == 1 && frame[3] == 0) ++answered_;
}

void Member::greet(const Json& told) {
    const bool had = !token_.empty();
    token_ = told["token"];
    greeted_ = true;
    // While it rests it does not look what has come.
    tally_->slowest = std::max(tally_->slowest, Clock::now() - std::max(began_, resting_));
    tries_ = 0;
    if (told["resumed"] == true) {
        ++tally_->resumed;
        confirm(told["received"]);
        for (const auto& frame : kept_) transmit(frame);
        return;
    }
    if (had) {
        ++tally_->not_resumed;
        ++tally_->why[told.value("reason", "")];
    }
    sent_ = received_ = acknowledged_ = 0;
    kept_.clear();
    heard_.forget();
    joined_ = false;
    send("[0,1,2,\"" + room_ + "\",\"_join\",{}]");
}

void Member::confirm(unsigned count) {
    while (!kept_.empty() && sent_ - static_cast<unsigned>(kept_.size()) < count) kept_.pop_front();
}

void Member::acknowledge() {
    if (carrier_ != Carrier::websocket || received_ - acknowledged_ < 16) return;
    acknowledged_ = received_;
    wire_.send(test::ws_text("[3," + std::to_string(received_) + "]"));
}

/// One POST at a time, with all that is not confirmed.
void Member::work_post() {
    if (posting_) {
        const bool alive = poster_.pump();
        Answer answer;
        if (take_answer(poster_.in, answer)) {
            posting_ = false;
            if (answer.status == 200 || answer.status == 409)
                confirm(Json::parse(answer.body).value("received", 0U));
        } else if (!alive) {
            posting_ = false;
            poster_.close();
        }
    }
    const bool owed = received_ - acknowledged_ >= 16;
    if (posting_ || (kept_.empty() && !owed)) return;
    if (!poster_.is_open() && !poster_.open(port_)) return;
    std::string body;
    for (std::size_t i = 0; i < std::min<std::size_t>(kept_.size(), 50); ++i)
        body += (i == 0 ? "[" : ",") + kept_[i];
    body = kept_.empty() ? std::string(R"([0,0,9,"_chain","_heartbeat",null])") : body + "]";
    acknowledged_ = received_;
    const auto seq = sent_ - static_cast<unsigned>(kept_.size());
    poster_.send(post("/socket/sse?sid=tab&seq=" + std::to_string(seq) +
                          "&received=" + std::to_string(received_),
                      body, "X-Chain-Session: " + token_ + "\r\n"));
    poster_.pump(false);
    posting_ = true;
}

} // namespace swarm
