// PrometheusObserver: what it counts, and the format that it writes.
#include "../support/core.hpp"

#include <chain/detail/metrics_page.hpp>
#include <chain/prometheus.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>
#include <thread>

using chain::Errc, chain::Hook, chain::LeaveReason, chain::LogLevel, chain::PrometheusObserver;

namespace {

/// A page of metrics, taken apart: what is no text format fails the test.
struct ReadPage {
    explicit ReadPage(const std::string& text) {
        static const std::regex head(R"(# (HELP|TYPE) ([a-z_]+) (.+))");
        static const std::regex sample(
            R"rx(([a-z_]+)(?:\{([a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*)\})? (\d+))rx");
        REQUIRE(text.ends_with('\n'));
        std::istringstream lines(text);
        std::string line;
        std::string name; // of the metric whose lines these are
        while (std::getline(lines, line)) {
            INFO(line);
            std::smatch parts;
            if (std::regex_match(line, parts, head)) {
                const bool helps = parts[1] == "HELP";
                CHECK(helps == (parts[2] != name));
                name = parts[2];
                if (helps)
                    CHECK(types.emplace(name, "").second); // all of a metric's lines are together
                else
                    types[name] = parts[3];
            } else {
                REQUIRE(std::regex_match(line, parts, sample));
                CHECK(parts[1] == name);
                const auto series = line.substr(0, line.rfind(' '));
                CHECK(samples.emplace(series, std::stoull(parts[3])).second);
            }
        }
    }

    std::map<std::string, std::string> types;          ///< By the metric's name.
    std::map<std::string, unsigned long long> samples; ///< By name and labels.
};

using Samples = std::map<std::string, unsigned long long>;

/// Calls each hook, those with a count for several things once for each.
void tell_everything(chain::Observer& observer) {
    observer.log(LogLevel::warning, "a");
    observer.log(LogLevel::error, "b");
    for (int i = 0; i < 3; ++i) observer.session_opened();
    observer.session_closed();
    observer.session_resumed();
    observer.resume_failed("gap");
    observer.session_expired();
    observer.session_refused(Errc::rate_limited);
    for (int i = 0; i < 2; ++i) observer.joined("room:*");
    observer.join_refused("room:*");
    observer.left("room:*", LeaveReason::rejoin);
    observer.event_in("room:*");
    observer.broadcast("room:*");
    observer.broadcast("lobby");
    observer.handler_threw("room:*", Hook::out, "why");
    observer.rate_limited("event");
    observer.over_limit("topics_per_session");
    observer.bad_frame(Errc::not_json);
    observer.frames_dropped(7, Errc::slow_consumer);
    observer.frames_dropped(2, Errc::slow_consumer);
    observer.adapter_up("*");
    observer.adapter_down("*", Errc::adapter_down, "gone");
    observer.adapter_lost("*", 5, Errc::broker_trimmed);
    observer.adapter_lost("*", 0, Errc::adapter_down);
}

const Samples everything{
    {"chain_sessions", 2},
    {"chain_sessions_opened_total", 3},
    {"chain_sessions_closed_total", 1},
    {"chain_sessions_resumed_total", 1},
    {"chain_sessions_expired_total", 1},
    {R"(chain_sessions_refused_total{reason="rate limited"})", 1},
    {R"(chain_resumes_failed_total{reason="gap"})", 1},
    {R"(chain_sockets{pattern="room:*"})", 1},
    {R"(chain_joins_total{pattern="room:*"})", 2},
    {R"(chain_joins_refused_total{pattern="room:*"})", 1},
    {R"(chain_leaves_total{pattern="room:*",reason="rejoin"})", 1},
    {R"(chain_events_total{pattern="room:*"})", 1},
    {R"(chain_broadcasts_total{pattern="room:*"})", 1},
    {R"(chain_broadcasts_total{pattern="lobby"})", 1},
    {R"(chain_exceptions_total{pattern="room:*",hook="out"})", 1},
    {R"(chain_rate_limited_total{what="event"})", 1},
    {R"(chain_over_limit_total{limit="topics_per_session"})", 1},
    {R"(chain_bad_frames_total{reason="not JSON"})", 1},
    {R"(chain_frames_dropped_total{reason="slow consumer"})", 9},
    {R"(chain_adapter_connects_total{pattern="*"})", 1},
    {R"(chain_adapter_failures_total{pattern="*"})", 1},
    {R"(chain_adapter_losses_total{pattern="*"})", 2},
    {R"(chain_adapter_lost_messages_total{pattern="*"})", 5},
    {R"(chain_logs_total{level="warning"})", 1},
    {R"(chain_logs_total{level="error"})", 1},
};

} // namespace

TEST_CASE("each hook is counted, by pattern, and docs/metrics.md lists each metric") {
    PrometheusObserver observer{nullptr};
    tell_everything(observer);
    const ReadPage page(observer.text());
    CHECK(page.samples == everything);

    std::ifstream in(CHAIN_CLIENT_DIR "/../docs/metrics.md", std::ios::binary);
    const std::string document{std::istreambuf_iterator<char>(in), {}};
    for (const auto& [name, type] : page.types) {
        INFO(name);
        CHECK(type == (name.ends_with("_total") ? "counter" : "gauge"));
        CHECK(document.find("| `" + name + "` | " + type + " |") != std::string::npos);
    }
}

TEST_CASE("what is counted goes on to the next observer") {
    const auto next = std::make_shared<test::RecordingObserver>();
    PrometheusObserver observer{next};
    tell_everything(observer);
    test::RecordingObserver alone;
    tell_everything(alone);
    CHECK(next->lines == alone.lines);
    CHECK(next->count("threw room:* out why") == 1);

    class Others final : public chain::Observer {
      public:
        void session_resumed() override { ++told; }
        void resume_failed(std::string_view why) override { told += why == "gap"; }
        void session_expired() override { ++told; }
        void rate_limited(std::string_view what) override { told += what == "event"; }
        int told = 0;
    };
    const auto others = std::make_shared<Others>();
    PrometheusObserver second{others};
    tell_everything(second);
    CHECK(others->told == 4);
}

TEST_CASE("what the next observer throws costs no count") {
    class Throwing final : public chain::Observer {
      public:
        void session_opened() override { throw std::runtime_error("x"); }
    };
    PrometheusObserver observer{std::make_shared<Throwing>()};
    CHECK_THROWS(observer.session_opened());
    CHECK(ReadPage(observer.text()).samples.at("chain_sessions_opened_total") == 1);
}

TEST_CASE("before anything was counted there are the metrics without labels, each with help") {
    CHECK(PrometheusObserver{nullptr}.text() ==
          "# HELP chain_sessions Sessions that live now.\n"
          "# TYPE chain_sessions gauge\n"
          "chain_sessions 0\n"
          "# HELP chain_sessions_opened_total Sessions of clients that were let in.\n"
          "# TYPE chain_sessions_opened_total counter\n"
          "chain_sessions_opened_total 0\n"
          "# HELP chain_sessions_closed_total Sessions that have ended.\n"
          "# TYPE chain_sessions_closed_total counter\n"
          "chain_sessions_closed_total 0\n"
          "# HELP chain_sessions_resumed_total How often a client came back to its session.\n"
          "# TYPE chain_sessions_resumed_total counter\n"
          "chain_sessions_resumed_total 0\n"
          "# HELP chain_sessions_expired_total Sessions whose client showed no new token in time.\n"
          "# TYPE chain_sessions_expired_total counter\n"
          "chain_sessions_expired_total 0\n");
}

TEST_CASE("values of labels are escaped in the metrics' text") {
    chain::detail::MetricsPage page;
    page.begin("x_total", "counter", "Help.");
    page.add({{"a", "back\\slash"}, {"b", "\"quoted\"\n{é}"}}, 18'446'744'073'709'551'615U);
    CHECK(page.text() == "# HELP x_total Help.\n"
                         "# TYPE x_total counter\n"
                         R"(x_total{a="back\\slash",b="\"quoted\"\n{é}"} 18446744073709551615)"
                         "\n");

    PrometheusObserver observer{nullptr};
    observer.joined("a\"b\\c\nd:*");
    CHECK(ReadPage(observer.text()).samples.at(R"(chain_joins_total{pattern="a\"b\\c\nd:*"})") ==
          1);
}

TEST_CASE(
    "codes that are not the library's are counted as one series, and each of its own has one") {
    PrometheusObserver observer{nullptr};
    observer.bad_frame(boost::system::errc::make_error_code(boost::system::errc::not_connected));
    observer.bad_frame({1'000'000, chain::error_category()});
    observer.bad_frame({-1, chain::error_category()});
    const auto last = static_cast<int>(Errc::text_only);
    for (int value = 1; value <= last; ++value) observer.bad_frame(static_cast<Errc>(value));
    const ReadPage page(observer.text());
    CHECK(page.samples.at(R"(chain_bad_frames_total{reason="other"})") == 3);
    const auto reasons = std::ranges::count_if(page.samples, [](const auto& sample) {
        return sample.first.starts_with("chain_bad_frames_total{");
    });
    CHECK(reasons == last + 1);
}

TEST_CASE("metrics have no topics: all topics of a pattern are one series") {
    const auto observer = std::make_shared<PrometheusObserver>(nullptr);
    chain::HandlerConfig config;
    config.observer = observer;
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&) {});
    room.on("say", [](chain::Socket& socket) { socket.broadcast("said", 1); });
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    for (int i = 1; i <= 50; ++i) {
        const auto topic = "room:" + std::to_string(i);
        client.send(test::frame(i, i, topic, "_join"));
        client.send(test::frame(i, i, topic, "say"));
    }
    client.receive_all();
    const auto text = observer->text();
    CHECK(text.find("room:1") == std::string::npos);
    const ReadPage page(text);
    CHECK(page.samples.at(R"(chain_sockets{pattern="room:*"})") == 50);
    CHECK(page.samples.at(R"(chain_events_total{pattern="room:*"})") == 50);
    CHECK(page.samples.at(R"(chain_broadcasts_total{pattern="room:*"})") == 50);
    client.send("[");
    kit.run();
    const ReadPage after(observer->text());
    CHECK(after.samples.at("chain_sessions") == 0);
    CHECK(after.samples.at(R"(chain_sockets{pattern="room:*"})") == 0);
    CHECK(after.samples.at(R"(chain_leaves_total{pattern="room:*",reason="close"})") == 50);
}

TEST_CASE("several threads count without loss, also where a series begins") {
    PrometheusObserver observer{nullptr};
    constexpr int each = 200;
    const auto count = [&] {
        for (int i = 0; i < each; ++i) {
            observer.event_in("room:" + std::to_string(i) + ":*");
            observer.broadcast("lobby");
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(count);
    static_cast<void>(observer.text()); // while they count
    for (auto& thread : threads) thread.join();
    const ReadPage page(observer.text());
    CHECK(page.samples.at(R"(chain_broadcasts_total{pattern="lobby"})") == 4 * each);
    for (int i = 0; i < each; ++i)
        CHECK(page.samples.at("chain_events_total{pattern=\"room:" + std::to_string(i) + ":*\"}") ==
              4);
}
