// What a turn's batch sends, against a naive model: frames of many topics, to sessions in some of
// them, over several flushes, also to those that read slowly.
#include "../support/core.hpp"
#include "../support/rounds.hpp"

#include <chain/detail/slice.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <random>
#include <set>

using chain::Payload, chain::Reply, chain::Socket;
using test::frame, test::Frames;

namespace {

chain::Channel busy_room() {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("say", [](Socket& socket, const Payload& p) { socket.broadcast("said", p); });
    room.on("others", [](Socket& socket, const Payload& p) { socket.broadcast_from("said", p); });
    room.on("echo", [](Socket&, const Payload& p) { return Reply::ok(p); });
    return room;
}

/// Clients, and what each of them has to receive.
class Model {
  public:
    static constexpr std::size_t clients = 300; // more than a flush sends to at once
    static constexpr unsigned topics = 6;

    /// A part of what waits is sent after so many steps, about.
    explicit Model(unsigned seed, bool slow = false, std::size_t turn = 4)
        : random_(seed), slow_(slow), turn_(turn) {
        for (std::size_t i = 0; i < clients; ++i) clients_.push_back({kit_.connect(), {}, {}});
    }

    void step() {
        const auto i = pick(clients);
        const auto topic = static_cast<unsigned>(pick(topics));
        if (!clients_[i].joined.contains(topic))
            join(i, topic);
        else if (const auto choice = pick(8); choice == 0)
            leave(i, topic);
        else
            push(i, topic, std::array{"say", "others", "echo"}[choice % 3]);
        if (pick(turn_) == 0) flush_some();
        if (slow_ && pick(16) == 0) disturb();
    }

    void check() {
        kit_.run();
        for (auto& client : clients_) client.handle.reading(true);
        for (auto& client : clients_) CHECK(client.handle.receive_all() == client.expected);
    }

  private:
    struct OneClient {
        chain::testing::Client handle;
        std::set<unsigned> joined;
        Frames expected;
    };

    std::size_t pick(std::size_t count) { return random_() % count; }
    static std::string name(unsigned topic) { return "room:" + std::to_string(topic); }

    void join(std::size_t i, unsigned topic) {
        dispatch(i, frame(1, 1, name(topic), "_join"));
        clients_[i].joined.insert(topic);
        clients_[i].expected.push_back("[1,1,1,0,{}]");
    }

    void leave(std::size_t i, unsigned topic) {
        dispatch(i, frame(1, 3, name(topic), "_leave"));
        clients_[i].joined.erase(topic);
        clients_[i].expected.push_back("[1,1,3,0,{}]");
    }

    void push(std::size_t i, unsigned topic, const std::string& event) {
        const auto number = std::to_string(++count_);
        dispatch(i, frame(1, 2, name(topic), event, number));
        if (event == "echo") {
            clients_[i].expected.push_back("[1,1,2,0," + number + "]");
            return;
        }
        for (auto& client : clients_)
            if (client.joined.contains(topic) && (event == "say" || &client != &clients_[i]))
                client.expected.push_back("[2,\"" + name(topic) + "\",\"said\"," + number + "]");
    }

    void dispatch(std::size_t i, const std::string& text) {
        REQUIRE(!clients_[i].handle.session().dispatch(text));
    }

    /// Sends a part of what waits, so that new frames come while a turn is being sent.
    void flush_some() {
        kit_.context().restart();
        kit_.context().poll_one();
    }

    /// A client stops reading, takes little at a time, or reads again.
    void disturb() {
        auto& client = clients_[pick(clients)].handle;
        switch (pick(3)) {
        case 0: client.reading(false); break;
        case 1: client.accept_at_most(1 + pick(40)); break;
        default: client.reading(true);
        }
    }

    chain::testing::Kit kit_{test::handler_with({busy_room()})};
    std::vector<OneClient> clients_;
    std::mt19937 random_;
    bool slow_;
    std::size_t turn_;
    unsigned count_ = 0;
};

} // namespace

TEST_CASE("sessions in some of many topics receive what a naive model says, in order") {
    for (const unsigned seed : {1U, 2U, 3U}) {
        Model model{seed};
        for (unsigned step = 0; step < test::rounds(4000); ++step) model.step();
        model.check();
    }
}

TEST_CASE("sessions that read slowly, or a few bytes at a time, receive what a naive model says") {
    Model model{4, true};
    for (int step = 0; step < 4000; ++step) model.step();
    model.check();
}

TEST_CASE("sessions in some of many topics receive what a naive model says of long turns") {
    Model model{5, true, 250};
    for (unsigned step = 0; step < test::rounds(4000); ++step) model.step();
    model.check();
}

TEST_CASE("neighbours in the same topics receive the same frames, in order") {
    chain::testing::Kit kit{test::handler_with({busy_room()})};
    std::vector<chain::testing::Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(kit.connect());
        test::join(clients.back(), "room:a");
        test::join(clients.back(), "room:b");
    }
    auto session = clients[1].session();
    session.dispatch(frame(1, 2, "room:a", "say", "1"));
    session.dispatch(frame(1, 2, "room:b", "others", "2"));
    session.dispatch(frame(1, 2, "room:a", "say", "3"));
    kit.run();
    const Frames all{R"([2,"room:a","said",1])", R"([2,"room:b","said",2])",
                     R"([2,"room:a","said",3])"};
    CHECK(clients[0].receive_all() == all);
    CHECK(clients[1].receive_all() == Frames{all[0], all[2]});
    CHECK(clients[2].receive_all() == all);
}

TEST_CASE("a text that is written into a slice is framed as one that is copied there") {
    using chain::Framing, chain::detail::Slice;
    Slice written;
    Slice copied;
    for (int round = 0; round < 2; ++round) { // the second finds room that was used
        written.clear();
        copied.clear();
        for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 9U, 65535U, 65536U, 2U}) {
            const std::string text(size, static_cast<char>('a' + size % 26));
            const bool binary = size % 2 == 0;
            written.begin_websocket().append(text);
            written.end_websocket(binary, true);
            copied.append(Framing::websocket, {text, binary}, true);
            const auto last = copied.count() - 1;
            REQUIRE(written.bytes_of(last) == copied.bytes_of(last));
        }
        REQUIRE(written.bytes() == copied.bytes());
        REQUIRE(written.numbered() == copied.count());
    }
}

TEST_CASE("a slice takes frames of all sizes from others") {
    using chain::detail::Slice;
    Slice from;
    for (std::size_t size = 1; size < 1200; size += 1 + size / 16)
        from.append_framed(std::string(size, static_cast<char>('a' + size % 26)), true);
    from.pad();
    const auto take = [&from](Slice& to, std::size_t index) {
        const auto plain = from.plain(index);
        REQUIRE(plain.empty() == (from.bytes_of(index).size() > 512));
        plain.empty() ? to.put(from, index) : to.put_plain(plain);
    };
    Slice to;
    for (int round = 0; round < 3; ++round) {
        to.clear();
        for (std::size_t i = 0; i < from.count(); ++i) {
            take(to, i);
            take(to, from.count() - 1 - i);
            to.put(from, i);
        }
        for (std::size_t i = 0; i < from.count(); ++i) {
            REQUIRE(to.bytes_of(3 * i) == from.bytes_of(i));
            REQUIRE(to.bytes_of(3 * i + 1) == from.bytes_of(from.count() - 1 - i));
            REQUIRE(to.bytes_of(3 * i + 2) == from.bytes_of(i));
        }
        REQUIRE(to.numbered() == 3 * from.count());
        REQUIRE(to.bytes().size() == 3 * from.bytes().size());
    }
}

TEST_CASE(
    "frames that do not count or need not arrive, and the last before the end, are not plain") {
    using chain::detail::Slice;
    Slice slice;
    slice.append_framed("a control frame", false);
    slice.append_framed("one that may be dropped", true);
    slice.may_drop(std::make_shared<const chain::detail::Fate>());
    slice.append_framed("the last", true);
    CHECK(slice.plain(2).empty());
    slice.pad();
    CHECK(slice.plain(0).empty());
    CHECK(slice.plain(1).empty());
    CHECK(slice.plain(2) == "the last");
    CHECK(slice.plain(3).empty());
    Slice to;
    for (std::size_t i = 0; i < 3; ++i) to.put(slice, i);
    CHECK(to.bytes() == slice.bytes());
    CHECK(to.numbered() == 2);
    CHECK(!to.fate(0));
    CHECK(*to.fate(1) == *slice.fate(1));
    CHECK(!to.fate(2));
}
