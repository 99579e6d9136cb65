// Phoenix's serializers, on exact bytes.
#include "../support/phoenix.hpp"

#include <chain/detail/dialect.hpp>
#include <chain/detail/reference.hpp>
#include <chain/serializers/phoenix.hpp>

#include <stdexcept>

using namespace std::string_literals;
using namespace std::string_view_literals;
using chain::Errc, chain::Message, chain::MessageKind, chain::Serializer, chain::Status;

namespace {

const Serializer& version1 = *chain::phoenix_v1();
const Serializer& version2 = *chain::phoenix_v2();

chain::error_code read(const Serializer& serializer, std::string_view frame, Message& out,
                       bool binary = false) {
    return serializer.decode(frame, binary, 64, out);
}

chain::error_code failure(const Serializer& serializer, std::string_view frame,
                          bool binary = false) {
    Message message;
    return read(serializer, frame, message, binary);
}

std::string written(const Serializer& serializer, const Message& message) {
    std::string out;
    serializer.encode(message, out);
    return out;
}

Message message(MessageKind kind, std::string_view payload = "{}", bool binary = false) {
    Message made;
    made.kind = kind;
    made.join_ref = R"("12")";
    made.ref = kind == MessageKind::reply ? R"("123")" : "";
    made.topic = "topic";
    made.event = "event";
    made.payload = payload;
    made.binary = binary;
    return made;
}

/// The chain protocol's dialect, counting the broadcasts that it writes.
class Counting final : public Serializer {
  public:
    std::string_view name() const noexcept override { return "counting"; }
    chain::error_code decode(std::string_view frame, bool binary, unsigned max_depth,
                             Message& out) const override {
        return chain::chain_serializer()->decode(frame, binary, max_depth, out);
    }
    bool encode(const Message& message, std::string& out) const override {
        broadcasts += message.kind == MessageKind::broadcast ? 1 : 0;
        return chain::chain_serializer()->encode(message, out);
    }
    const chain::Lifecycle& lifecycle() const noexcept override {
        return chain::chain_serializer()->lifecycle();
    }

    mutable int broadcasts = 0;
};

} // namespace

TEST_CASE("a broadcast is written once for all members of a dialect") {
    const auto counting = std::make_shared<Counting>();
    auto config = test::quiet();
    config.serializer = counting;
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&) {});
    chain::testing::Kit kit{test::handler_with({room}, config)};
    std::vector<chain::testing::Client> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(kit.connect());
        test::join(clients.back(), "room:a");
    }
    auto phoenix = kit.connect(test::vsn("2.0.0"));
    phoenix.send(test::v2("1", "1", "room:a", "phx_join"));
    CHECK(phoenix.receive_all().size() == 1);
    REQUIRE_FALSE(room.broadcast("room:a", "news", {{"n", 1}}));
    kit.run();
    for (auto& client : clients)
        CHECK(client.receive_all() == test::Frames{R"([2,"room:a","news",{"n":1}])"});
    CHECK(phoenix.receive_all() == test::Frames{R"([null,null,"room:a","news",{"n":1}])"});
    CHECK(counting->broadcasts == 1);
}

TEST_CASE("the dialects in use are listed once each") {
    chain::detail::DialectsInUse dialects;
    chain::detail::DialectsInUse::Some some;
    CHECK(dialects.list(some).empty());
    const Counting fourth, fifth;
    for (const Serializer* serializer : {&version1, &version2, &version1, &version2})
        dialects.add(*serializer);
    CHECK(dialects.list(some).size() == 2);
    dialects.add(*chain::phoenix_v2_text());
    for (const auto* serializer : {&fourth, &fifth}) dialects.add(*serializer);
    const auto listed = dialects.list(some);
    CHECK(std::vector(listed.begin(), listed.end()) ==
          std::vector<const Serializer*>{&version1, &version2, chain::phoenix_v2_text().get(),
                                         &fourth});
}

TEST_CASE("phoenix 1: version 1 is an object, and its replies have no join_ref") {
    Message in;
    REQUIRE_FALSE(
        read(version1, R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})", in));
    CHECK(in.kind == MessageKind::join);
    CHECK(in.topic == "room:a");
    CHECK(in.ref == R"("1")");
    CHECK(in.join_ref.empty());
    CHECK(written(version1, message(MessageKind::reply)) ==
          R"({"topic":"topic","event":"phx_reply",)"
          R"("payload":{"status":"ok","response":{}},"ref":"123"})");
}

TEST_CASE("phoenix 1: version 1 takes its members in any order, a join_ref too") {
    Message in;
    REQUIRE_FALSE(read(version1,
                       R"( { "ref" : 7, "join_ref":"3", "x":[1], "payload" : [ 1 ],)"
                       R"( "\u0065vent":"say", "topic":"a\/b" } )",
                       in));
    CHECK(in.kind == MessageKind::push);
    CHECK(in.ref == "7");
    CHECK(in.join_ref == R"("3")");
    CHECK(in.payload == "[1]");
    CHECK(in.event == "say");
    CHECK(in.topic == "a/b");
}

TEST_CASE("phoenix 2: version 2 is an array, and its replies echo join_ref and ref") {
    Message in;
    REQUIRE_FALSE(read(version2, R"(["1","2","room:a","phx_leave",{"a":1}])", in));
    CHECK(in.kind == MessageKind::leave);
    CHECK(in.join_ref == R"("1")");
    CHECK(in.ref == R"("2")");
    CHECK(in.topic == "room:a");
    CHECK(in.payload == R"({"a":1})");
    CHECK(written(version2, message(MessageKind::reply)) ==
          R"(["12","123","topic","phx_reply",{"status":"ok","response":{}}])");
}

TEST_CASE("phoenix 2: pushes, broadcasts, closes and errors in both versions") {
    CHECK(written(version2, message(MessageKind::push)) == R"(["12",null,"topic","event",{}])");
    auto broadcast = message(MessageKind::broadcast);
    broadcast.join_ref = {};
    CHECK(written(version2, broadcast) == R"([null,null,"topic","event",{}])");
    CHECK(written(version2, message(MessageKind::close)) ==
          R"(["12","12","topic","phx_close",{}])");
    CHECK(written(version2, message(MessageKind::error)) ==
          R"(["12","12","topic","phx_error",{"reason":"channel_crash"}])");
    CHECK(written(version1, message(MessageKind::push)) ==
          R"({"topic":"topic","event":"event","payload":{},"ref":null})");
    CHECK(written(version1, message(MessageKind::close)) ==
          R"({"topic":"topic","event":"phx_close","payload":{},"ref":"12"})");
}

TEST_CASE("phoenix 2: a join without a join_ref goes by its ref") {
    Message in;
    REQUIRE_FALSE(read(version2, R"([null,"4","room:a","phx_join",{}])", in));
    CHECK(in.join_ref == R"("4")");
    REQUIRE_FALSE(read(version2, R"([null,"4","room:a","say",{}])", in));
    CHECK(in.join_ref.empty());
}

TEST_CASE("phoenix 5: elements past the fifth are ignored") {
    Message in;
    REQUIRE_FALSE(read(version2, R"(["1","2","t","e",{},{"more":[]},7])", in));
    CHECK(in.payload == "{}");
}

TEST_CASE("phoenix 6: what is no frame of version 2") {
    CHECK(failure(version2, "") == Errc::not_json);
    CHECK(failure(version2, "nonsense") == Errc::not_json);
    CHECK(failure(version2, R"(["1","2","t","e",{}]x)") == Errc::not_json);
    CHECK(failure(version2, "[\"1\",\"2\",\"\xFF\",\"e\",{}]") == Errc::not_json);
    CHECK(failure(version2, R"(["1","2","t"])") == Errc::malformed_frame);
    CHECK(failure(version2, R"(["1","2","t","e"])") == Errc::malformed_frame);
    CHECK(failure(version2, R"({"topic":"t","event":"e","payload":{},"ref":"1"})") ==
          Errc::malformed_frame);
    CHECK(failure(version2, R"(["1","2",7,"e",{}])") == Errc::malformed_frame);
    CHECK(failure(version2, R"(["1","2","t",null,{}])") == Errc::malformed_frame);
    const std::string deep(65, '[');
    CHECK(failure(version2, R"(["1","2","t","e",)" + deep + std::string(65, ']') + ']') ==
          Errc::malformed_frame);
    CHECK(failure(version2, R"([")" + std::string(256, 'r') + R"(","2","t","e",{}])") ==
          Errc::malformed_frame);
    CHECK_FALSE(failure(version2, R"([")" + std::string(255, 'r') + R"(","2","t","e",{}])"));
}

TEST_CASE("phoenix 10: a reference that is no string is no longer than one either") {
    const auto with = [](const std::string& ref) { return "[" + ref + R"(,"2","t","e",{}])"; };
    CHECK_FALSE(failure(version2, with(std::string(255, '7'))));
    CHECK(failure(version2, with(std::string(256, '7'))) == Errc::malformed_frame);
    CHECK(failure(version2, with("[" + std::string(254, '7') + "]")) == Errc::malformed_frame);
}

TEST_CASE("phoenix 7: version 1 needs topic, event, payload and ref, which may be null") {
    CHECK(failure(version1, R"({"topic":"t","event":"e","payload":{}})") == Errc::malformed_frame);
    CHECK(failure(version1, R"({"topic":"t","event":"e","ref":"1"})") == Errc::malformed_frame);
    CHECK(failure(version1, R"({"event":"e","payload":{},"ref":"1"})") == Errc::malformed_frame);
    CHECK(failure(version1, R"({"topic":"t","payload":{},"ref":"1"})") == Errc::malformed_frame);
    CHECK(failure(version1, "{}") == Errc::malformed_frame);
    CHECK(failure(version1, "[]") == Errc::malformed_frame);
    CHECK(failure(version1, "") == Errc::not_json);
    CHECK(failure(version1, R"({"topic":"t","event":"e","payload":{},"ref":"1",})") ==
          Errc::not_json);
    CHECK(failure(version1, "x", true) == Errc::binary_frame);
    Message in;
    REQUIRE_FALSE(read(version1, R"({"topic":"t","event":"e","payload":null,"ref":null})", in));
    CHECK(in.ref.empty());
    CHECK(in.payload == "null");
}

TEST_CASE("phoenix 8: a client's binary push") {
    Message in;
    const auto frame = "\0\2\3\5\5"
                       "12"
                       "123"
                       "topic"
                       "event"
                       "efg"s;
    REQUIRE_FALSE(read(version2, frame, in, true));
    CHECK(in.kind == MessageKind::push);
    CHECK(in.binary);
    CHECK(in.join_ref == R"("12")");
    CHECK(in.ref == R"("123")");
    CHECK(in.topic == "topic");
    CHECK(in.event == "event");
    CHECK(in.payload == "efg");
}

TEST_CASE("phoenix 8: empty references of a binary push are none") {
    Message in;
    REQUIRE_FALSE(read(version2, "\0\0\0\1\1te"sv, in, true));
    CHECK(in.join_ref.empty());
    CHECK(in.ref.empty());
    CHECK(in.payload.empty());
}

TEST_CASE("phoenix 9: the server's binary push, reply and broadcast") {
    CHECK(written(version2, message(MessageKind::push, "efg", true)) == "\0\2\5\5"
                                                                        "12topiceventefg"s);
    CHECK(written(version2, message(MessageKind::reply, "efg", true)) == "\1\2\3\5\2"
                                                                         "12123topicokefg"s);
    CHECK(written(version2, message(MessageKind::broadcast, "efg", true)) ==
          "\2\5\5topiceventefg"s);
    std::string out;
    CHECK(version2.encode(message(MessageKind::push, "efg", true), out));
    CHECK_FALSE(version2.encode(message(MessageKind::push), out));
}

TEST_CASE("phoenix 9: bytes are base64 where there is no binary frame") {
    const auto push = message(MessageKind::push, "\1\2\3\4"sv, true);
    CHECK(written(*chain::phoenix_v2_text(), push) ==
          R"(["12",null,"topic","event",{"$binary":"AQIDBA=="}])");
    CHECK(written(version1, push) ==
          R"({"topic":"topic","event":"event","payload":{"$binary":"AQIDBA=="},"ref":null})");
    auto reply = push;
    reply.kind = MessageKind::reply;
    CHECK(written(*chain::phoenix_v2_text(), reply) ==
          R"(["12",null,"topic","phx_reply",{"status":"ok","response":{"$binary":"AQIDBA=="}}])");
}

TEST_CASE("phoenix 10: a field of a binary frame has 255 bytes at most") {
    const std::string longest(255, 'x');
    const std::string longer(256, 'x');
    const auto longest_ref = '"' + longest + '"';
    const auto longer_ref = '"' + longer + '"';
    auto fits = message(MessageKind::reply, "efg", true);
    fits.topic = fits.event = longest;
    fits.join_ref = fits.ref = longest_ref;
    CHECK(written(version2, fits).starts_with("\1\xFF\xFF\xFF\2"s));
    const auto refusal = [&](auto change) -> std::string {
        auto wrong = message(MessageKind::push, "efg", true);
        change(wrong);
        try {
            written(version2, wrong);
        } catch (const std::length_error& error) {
            return error.what();
        }
        return "written";
    };
    CHECK(refusal([&](Message& m) { m.topic = longer; }).find("topic") != std::string::npos);
    CHECK(refusal([&](Message& m) { m.event = longer; }).find("event") != std::string::npos);
    CHECK(refusal([&](Message& m) { m.join_ref = longer_ref; }).find("join_ref") !=
          std::string::npos);
    CHECK(refusal([&](Message& m) {
              m.kind = MessageKind::reply;
              m.ref = longer_ref;
          }).find("the ref ") != std::string::npos);
}

TEST_CASE("phoenix 11: lengths in binary frames are those of the UTF-8 bytes") {
    auto push = message(MessageKind::push, "efg", true);
    push.topic = "\xC3\xA9";
    push.event = "\xE2\x82\xAC";
    CHECK(written(version2, push) == "\0\2\2\3"
                                     "12\xC3\xA9\xE2\x82\xAC"
                                     "efg"s);
    Message in;
    REQUIRE_FALSE(read(version2, "\0\0\0\2\3\xC3\xA9\xE2\x82\xAC!"sv, in, true));
    CHECK(in.topic == push.topic);
    CHECK(in.event == push.event);
}

TEST_CASE("phoenix 12: binary frames of another kind, cut short, or not UTF-8") {
    const auto whole = "\0\1\1\1\1"
                       "12te"s;
    REQUIRE_FALSE(failure(version2, whole, true));
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(failure(version2, whole.substr(0, size), true) == Errc::malformed_frame);
    CHECK(failure(version2, "\1" + whole.substr(1), true) == Errc::malformed_frame);
    CHECK(failure(version2, "\2" + whole.substr(1), true) == Errc::malformed_frame);
    CHECK(failure(version2, "\0\0\0\1\1\xFF"s + "e", true) == Errc::malformed_frame);
}

TEST_CASE("phoenix 13: no white space, no escaped slash, raw UTF-8") {
    Message in;
    REQUIRE_FALSE(read(
        version2,
        "[ \"1\" , \"2\" , \"a\\/b\" , \"\\u00e9\" , { \"x\" : \"a b\\/\" , \"y\":[1, 2] } ]", in));
    in.kind = MessageKind::push;
    CHECK(written(version2, in) ==
          "[\"1\",\"2\",\"a/b\",\"\xC3\xA9\",{\"x\":\"a b\\/\",\"y\":[1,2]}]");
    const auto payload = chain::Payload::from_json({{"path", "/a/\xC3\xA9"}});
    REQUIRE(payload.has_value());
    CHECK(payload->raw() == "{\"path\":\"/a/\xC3\xA9\"}");
}

TEST_CASE("phoenix 13: a null payload is written as an object, another that is none within one") {
    CHECK(written(version2, message(MessageKind::push, "null")) ==
          R"(["12",null,"topic","event",{}])");
    CHECK(written(version2, message(MessageKind::broadcast, "[1]")) ==
          R"(["12",null,"topic","event",{"value":[1]}])");
    CHECK(written(version1, message(MessageKind::push, "7")) ==
          R"({"topic":"topic","event":"event","payload":{"value":7},"ref":null})");
}

TEST_CASE("phoenix 15: references keep their JSON type, and strings are compared unescaped") {
    const auto token = [](const std::string& written) {
        const auto frame = '[' + written + ',' + written + R"(,"t","e",{}])";
        Message in;
        REQUIRE_FALSE(read(version2, frame, in));
        CHECK(in.join_ref == in.ref);
        return std::string(in.ref);
    };
    CHECK(token("7") == "7");
    CHECK(token("7.50") == "7.50");
    CHECK(token(R"("7")") == R"("7")");
    CHECK(token(R"("\u0037")") == R"("7")");
    CHECK(token(R"({"a": 1})") == R"({"a":1})");
    CHECK(token("true") == "true");
    CHECK(token("null").empty());
    CHECK(token(R"("")") == R"("")");
}

TEST_CASE("phoenix 15: a reference is kept as it came") {
    for (const std::string token :
         {"", "7", "\"7\"", "0", "\"0\"", "\"07\"", "07", "\"\"", "\"", "999999999999999999",
          "\"999999999999999999\"", "9999999999999999999", "\"9999999999999999999\"", "{\"a\":1}",
          "\"12", "12\"", "\"seven\""}) {
        const chain::detail::Reference reference(token);
        CHECK(reference.text() == token);
        CHECK(reference == token);
        CHECK(reference.empty() == token.empty());
    }
    CHECK_FALSE(chain::detail::Reference("7") == "\"7\"");
}

TEST_CASE("phoenix 16: a reply's response is any JSON; null reads as an empty object") {
    CHECK(written(version2, message(MessageKind::reply, "[1,\"a\"]")) ==
          R"(["12","123","topic","phx_reply",{"status":"ok","response":[1,"a"]}])");
    CHECK(written(version2, message(MessageKind::reply, "null")) ==
          R"(["12","123","topic","phx_reply",{"status":"ok","response":{}}])");
}

TEST_CASE("a reply is written with references of any length") {
    const std::string number(70, '7');
    auto reply = message(MessageKind::reply);
    reply.ref = number;
    CHECK(written(*chain::chain_serializer(), reply) == R"([1,"12",)" + number + ",0,{}]");
}

TEST_CASE("phoenix 54: a status of any name is passed through") {
    auto reply = message(MessageKind::reply);
    reply.status = Status::error;
    reply.status_name = "tea\"pot";
    CHECK(written(version2, reply) ==
          R"(["12","123","topic","phx_reply",{"status":"tea\"pot","response":{}}])");
    CHECK(written(*chain::chain_serializer(), reply) == R"([1,"12","123",1,{}])");
    reply.binary = true;
    reply.payload = "x";
    reply.status_name = "later";
    CHECK(written(version2, reply) == "\1\2\3\5\5"
                                      "12123topiclaterx"s);
}
