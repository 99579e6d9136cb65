// Definitions of <chain/testing/kit.hpp> and <chain/testing/client.hpp>.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/testing/kit.hpp>
#include <chain/testing/virtual_clock.hpp>

#include <boost/asio/io_context.hpp>

#include <deque>
#include <limits>
#include <stdexcept>
#include <utility>

namespace chain::testing {

/// The server's side of a client in memory: one frame per line.
class MemoryConnection final : public Connection {
  public:
    Framing framing() const noexcept override { return Framing::lines; }

    std::size_t write(std::string_view bytes) noexcept override {
        const auto taken = std::min(bytes.size(), reading ? at_most : 0);
        received.append(bytes.substr(0, taken));
        return taken;
    }

    void close(std::uint16_t code, std::string_view, std::string unsent) noexcept override {
        received += unsent;
        close_code = code;
    }

    std::string received;
    std::size_t at_most = std::numeric_limits<std::size_t>::max();
    bool reading = true;
    std::optional<std::uint16_t> close_code;
};

struct Kit::State {
    explicit State(Handler h) : handler(std::move(h)) {}

    Handler handler;
    std::shared_ptr<VirtualClock> clock = std::make_shared<VirtualClock>();
    net::io_context context;

    void run() {
        context.restart();
        while (context.poll() > 0) context.restart();
    }
};

struct Client::State {
    std::weak_ptr<Kit::State> kit;
    std::optional<Refusal> refusal;
    std::optional<Session> session;
    std::shared_ptr<MemoryConnection> connection;

    void send(std::string_view frame, bool binary);
    void run() const {
        if (const auto living = kit.lock()) living->run();
    }
};

Kit::Kit(Handler handler) : state_(std::make_shared<State>(std::move(handler))) {
    detail::HandlerAccess::core(state_->handler)->set_clock(state_->clock);
    state_->handler.use(state_->context);
}

Kit::~Kit() = default;

Handler& Kit::handler() noexcept { return state_->handler; }

net::io_context& Kit::context() noexcept { return state_->context; }

Client Kit::connect(Request request) {
    auto client = std::make_shared<Client::State>();
    client->kit = state_;
    state_->handler.connect(state_->context, std::move(request), Framing::lines,
                            [client](ConnectResult result) {
                                if (!result) {
                                    client->refusal = result.error();
                                    return;
                                }
                                client->session = *result;
                                client->connection = std::make_shared<MemoryConnection>();
                                client->session->attach(client->connection);
                            });
    run();
    return Client(std::move(client));
}

void Kit::run() { state_->run(); }

void Kit::advance(std::chrono::milliseconds by) {
    constexpr std::chrono::milliseconds step = detail::TimerWheel::tick;
    while (by.count() > 0) {
        const auto part = std::min(by, step);
        state_->clock->advance(part);
        by -= part;
        for (const auto& lane : detail::HandlerAccess::core(state_->handler)->lanes())
            lane->advance();
        run();
    }
}

const std::optional<Refusal>& Client::refusal() const noexcept { return state_->refusal; }

Session Client::session() const {
    if (!state_->session) throw std::logic_error("chain: the client was not let in");
    return *state_->session;
}

void Client::send(std::string_view frame) { state_->send(frame, false); }

void Client::send_binary(std::string_view bytes) { state_->send(bytes, true); }

void Client::State::send(std::string_view frame, bool binary) {
    if (!session) throw std::logic_error("chain: the client was not let in");
    const auto failed = session->dispatch(frame, binary);
    if (const auto rule = detail::broken_rule(failed))
        session->close(rule->code, std::string(rule->why));
    run();
}

std::optional<std::string> Client::receive() {
    if (!state_->connection) return std::nullopt;
    auto& received = state_->connection->received;
    const auto end = received.find('\n');
    if (end == std::string::npos) return std::nullopt;
    auto frame = received.substr(0, end);
    received.erase(0, end + 1);
    return frame;
}

std::vector<std::string> Client::receive_all() {
    std::vector<std::string> frames;
    while (auto frame = receive()) frames.push_back(std::move(*frame));
    return frames;
}

void Client::disconnect() {
    session().detach(*state_->connection);
    session().close(1001);
    state_->run();
}

void Client::lose_connection() {
    session().detach(*state_->connection);
    if (const auto kit = state_->kit.lock())
        session().schedule_shutdown(kit->handler.config().timeouts.resume_window);
    state_->run();
}

bool Client::reconnect() {
    const auto kit = state_->kit.lock();
    const auto found = kit ? kit->handler.resume(session().id()) : std::nullopt;
    if (!found) return false;
    state_->connection = std::make_shared<MemoryConnection>();
    const bool attached = !Session(*found).attach(state_->connection);
    state_->run();
    return attached;
}

void Client::reading(bool on) {
    state_->connection->reading = on;
    if (on) session().writable();
    state_->run();
}

void Client::accept_at_most(std::size_t bytes) { state_->connection->at_most = bytes; }

std::optional<std::uint16_t> Client::close_code() const noexcept {
    return state_->connection ? state_->connection->close_code : std::nullopt;
}

} // namespace chain::testing
