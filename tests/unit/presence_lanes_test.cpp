// Presence: several threads, io_contexts that go, and stores that other nodes join.
#include "../support/presence.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

using chain::Json;
using test::frame, test::Frames;
using namespace std::chrono_literals;

namespace {

/// A connection that keeps what it is sent, one frame per line. Thread-safe.
class Lines final : public chain::Connection {
  public:
    chain::Framing framing() const noexcept override { return chain::Framing::lines; }
    std::size_t write(std::string_view bytes) noexcept override {
        const std::lock_guard lock(mutex_);
        text_ += bytes;
        changed_.notify_all();
        return bytes.size();
    }
    void close(std::uint16_t, std::string_view, std::string) noexcept override {}

    /// All frames, once `text` is among what came.
    Frames until(std::string_view text) {
        std::unique_lock lock(mutex_);
        const bool came =
            changed_.wait_for(lock, 60s, [&] { return text_.find(text) != std::string::npos; });
        REQUIRE(came);
        return frames();
    }
    Frames all() {
        const std::lock_guard lock(mutex_);
        return frames();
    }

  private:
    Frames frames() const {
        Frames found;
        for (std::size_t at = 0, end = 0; (end = text_.find('\n', at)) != std::string::npos;
             at = end + 1)
            found.push_back(text_.substr(at, end - at));
        return found;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
};

/// A client on an io_context that runs, in "room:a".
struct Guest {
    Guest(chain::Handler& handler, chain::net::io_context& context,
          const std::string& params = "{}") {
        chain::net::post(context, [this, &handler, &context, params] {
            handler.connect(context, {}, chain::Framing::lines, [&](chain::ConnectResult result) {
                session = *result;
                session->attach(lines);
            });
            session->dispatch(frame(1, 1, "room:a", "_join", params));
        });
    }
    void say(int ref, std::string_view event, std::string_view payload = "{}") const {
        chain::Session(*session).dispatch(frame(1, ref, "room:a", event, payload));
    }
    Json roll_until(std::string_view text) const {
        test::Roll roll;
        test::follow(roll, lines->until(text));
        return roll.list();
    }

    std::shared_ptr<Lines> lines = std::make_shared<Lines>();
    std::optional<chain::Session> session;
};

/// A handler with its presence on two threads.
struct TwoThreads {
    explicit TwoThreads(chain::PresenceConfig config = {})
        : handler(test::quiet()), presence(handler, std::move(config)),
          room(test::presence_room(presence)) {
        handler.add(room);
        for (auto& context : contexts) handler.use(context);
    }
    ~TwoThreads() {
        for (auto& context : contexts) context.stop();
        for (auto& thread : threads) thread.join();
    }
    void start() {
        for (auto& context : contexts)
            threads.emplace_back([&context] {
                const auto work = chain::net::make_work_guard(context);
                context.run();
            });
    }

    std::array<chain::net::io_context, 2> contexts;
    chain::Handler handler;
    chain::Presence presence;
    chain::Channel room;
    std::vector<std::thread> threads;
};

void track_at_random(chain::Presence& presence, unsigned seed) {
    std::mt19937 random(seed);
    const chain::PresenceOwner owner{"room:a", "thread " + std::to_string(seed)};
    for (int i = 0; i < 400; ++i) {
        const std::string key(1, static_cast<char>('a' + random() % 4));
        const auto what = random() % 4;
        if (what < 2)
            static_cast<void>(presence.track(owner, key));
        else if (what == 2)
            static_cast<void>(presence.update(owner, key, Json{{"n", i}}));
        else
            presence.untrack(owner, key);
    }
}

void check_that_all_agree(chain::PresenceConfig config) {
    const bool gathers = config.window.count() > 0;
    TwoThreads server(std::move(config));
    server.start();
    std::vector<std::unique_ptr<Guest>> guests;
    for (std::size_t i = 0; i < 6; ++i) {
        guests.push_back(std::make_unique<Guest>(server.handler, server.contexts[i % 2]));
        guests.back()->lines->until("presence_state");
    }
    std::vector<std::thread> threads;
    for (unsigned seed = 1; seed <= 2; ++seed)
        threads.emplace_back([&, seed] { track_at_random(server.presence, seed); });
    for (int i = 0; i < 300; ++i)
        for (std::size_t g = 0; g < guests.size(); ++g)
            guests[g]->say(2,
                           i % 3 == 2   ? "untrack_all"
                           : i % 7 == 3 ? "state"
                                        : "track",
                           R"({"key":"k)" + std::to_string((i + static_cast<int>(g)) % 5) + "\"}");
    for (auto& thread : threads) thread.join();
    for (const auto& guest : guests) guest->say(99, "untrack", R"({"key":"x"})");
    for (const auto& guest : guests) guest->lines->until("[1,1,99,");
    // Whoever tracked has done so by now, and a window that is open ends before the fence.
    if (gathers) {
        server.presence.track({"room:a", "last"}, "last");
        for (const auto& guest : guests) guest->lines->until("\"last\"");
    }
    static_cast<void>(server.room.broadcast("room:a", "fence"));
    for (const auto& guest : guests)
        CHECK(guest->roll_until("\"fence\"") == server.presence.list("room:a"));
}

/// A store whose test plays the other nodes.
class OpenStore final : public chain::MemoryPresenceStore {
  public:
    void start(const chain::PresenceNode& self, Merge merge) override {
        node = self;
        merge_ = std::move(merge);
    }
    void apply(const chain::PresenceChange& change) override {
        MemoryPresenceStore::apply(change);
        if (*change.node == node) queued_.push_back(change);
    }
    void flush() override {
        for (auto& change : std::exchange(queued_, {})) sent.push_back(std::move(change));
    }
    void merge(const chain::PresenceChange& change) { merge_(change); }

    chain::PresenceNode node;
    std::vector<chain::PresenceChange> sent;

  private:
    Merge merge_;
    std::vector<chain::PresenceChange> queued_;
};

} // namespace

TEST_CASE(
    "sockets on two threads and threads of the application track at once, and all clients agree") {
    check_that_all_agree({});
}

TEST_CASE("the same within windows") { check_that_all_agree({.window = 50ms}); }

TEST_CASE("when an io_context goes, those on the others hear that its sockets' presences went") {
    for (const auto window : {0ms, 3'600'000ms}) {
        int seen = 0;
        chain::PresenceConfig config;
        config.window = window;
        config.on_change = [&](std::string_view, const Json&, const Json&) { ++seen; };
        chain::Handler handler{test::quiet()};
        chain::Presence presence{handler, config};
        handler.add(test::presence_room(presence));
        auto going = std::make_unique<chain::net::io_context>();
        chain::net::io_context staying;
        handler.use(*going), handler.use(staying);
        Guest ann(handler, *going, R"({"key":"ann"})");
        while (going->poll() > 0) {
        }
        Guest bob(handler, staying, R"({"key":"bob"})");
        while (staying.poll() > 0) {
        }
        CHECK(presence.list("room:a").size() == 2);

        const auto before = seen;
        ann.session.reset();
        going.reset();
        CHECK(seen == before); // no code of the application ran
        CHECK(presence.list("room:a").size() == 1);
        staying.restart();
        while (staying.poll() > 0) {
        }
        CHECK(bob.roll_until("presence_state") == presence.list("room:a"));
        CHECK(seen > before);
        bob.session.reset();
    }
}

TEST_CASE("when the last io_context goes, presences go with it") {
    chain::Handler handler{test::quiet()};
    chain::Presence presence{handler, {.window = 1s}};
    handler.add(test::presence_room(presence));
    {
        chain::net::io_context context;
        handler.use(context);
        Guest ann(handler, context, R"({"key":"ann"})");
        while (context.poll() > 0) {
        }
        CHECK(presence.list("room:a").size() == 1);
    }
    CHECK(presence.list("room:a") == Json::object());
}

TEST_CASE("pitfall P13: entries of other nodes come in through the store, and go all at once with "
          "their node") {
    const auto store = std::make_shared<OpenStore>();
    test::PresenceKit kit{{.node = "here", .store = store}};
    CHECK(store->node.name == "here");
    CHECK(store->node.epoch > 1'700'000'000'000);
    auto ann = kit.member("ann", "{}");
    test::Roll roll;
    test::follow(roll, ann.receive_all());
    REQUIRE(store->sent.size() == 1);
    CHECK(store->sent[0].topic == "room:a");
    CHECK(store->sent[0].joins.at(0)->key == "ann");
    CHECK(*store->sent[0].node == store->node);

    const auto there = std::make_shared<const chain::PresenceNode>(chain::PresenceNode{"there", 1});
    const auto entry = [](std::string key, std::string ref) {
        const auto meta = R"({"phx_ref":")" + ref + "\"}";
        return std::make_shared<const chain::PresenceEntry>(
            chain::PresenceEntry{std::move(key), ref, meta});
    };
    const chain::PresenceEntries theirs{entry("ann", "there0000000000a"),
                                        entry("zoe", "there0000000000z")};
    store->merge({there, "room:a", theirs, {}});
    kit.kit->run();
    test::follow(roll, ann.receive_all());
    CHECK(roll.list() == kit.presence.list("room:a"));
    CHECK(kit.presence.get_by_key("room:a", "ann").at("metas").size() == 2);
    CHECK(store->sent.size() == 1); // what came from others is not sent on

    store->merge({there, "room:a", {}, theirs});
    kit.kit->run();
    const auto frames = ann.receive_all();
    CHECK(test::payloads(frames, "presence_diff").size() == 1);
    test::follow(roll, frames);
    CHECK(roll.list() == kit.presence.list("room:a"));
    CHECK(roll.list().size() == 1);
    store->merge({there, "room:a", {}, {}}); // nothing follows from it
    kit.kit->run();
    CHECK(ann.receive_all().empty());
}
