// What nodes say about forwarded requests: as it is written it is read, and nothing else is.
#include "support/catch.hpp"

#include <chain/detail/cluster_service.hpp>
#include <chain/detail/forward_end.hpp>
#include <chain/detail/forward_frame.hpp>
#include <chain/detail/node_leases.hpp>
#include <chain/detail/pubsub_core.hpp>

#include <chrono>
#include <memory>
#include <string>

using chain::Request;
using chain::detail::ForwardEnd, chain::detail::ForwardFrame, chain::detail::HttpAnswer;
using chain::detail::read_answer, chain::detail::read_forward_frame, chain::detail::read_request,
    chain::detail::write_answer, chain::detail::write_forward_frame, chain::detail::write_request;

namespace {

Request posted_request() {
    Request request;
    request.method = "POST";
    request.target = "/socket/sse?sid=a%20b";
    request.query = {{"sid", "a b"}, {"sid", ""}};
    request.headers = {{"Cookie", "chain.a=b"}, {"X", std::string("\0\xff", 2)}};
    request.body = "[0,1,1,\"a\",\"b\",null]";
    request.peer_address = "::1";
    request.peer_port = 65535;
    request.tls = true;
    return request;
}

/// An end that speaks to nobody.
ForwardEnd lone_end(bool served, std::size_t room) {
    const auto pubsub =
        std::make_shared<chain::detail::PubSubCore>("/socket", std::make_shared<chain::Observer>());
    return {std::make_shared<chain::detail::ClusterService>(pubsub, std::chrono::seconds(10)),
            {},
            served,
            room};
}

} // namespace

TEST_CASE("a frame about a forwarded request is read as it was written, and nothing else is") {
    const ForwardFrame frame{ForwardFrame::Kind::bytes, true, 0x0102030405060708U, 0xfffefdfcU,
                             "body"};
    const auto bytes = write_forward_frame(frame);
    const auto read = read_forward_frame(bytes);
    REQUIRE(read);
    CHECK(read->kind == frame.kind);
    CHECK(read->served);
    CHECK(read->id == frame.id);
    CHECK(read->number == frame.number);
    CHECK(read->body == "body");
    for (std::size_t size = 0; size < 14; ++size)
        CHECK_FALSE(read_forward_frame(bytes.substr(0, size)));
    for (const char kind : {'\0', '\x09', '\xff'})
        CHECK_FALSE(read_forward_frame(kind + bytes.substr(1)));
    CHECK_FALSE(read_forward_frame(bytes.substr(0, 1) + '\2' + bytes.substr(2)));
}

TEST_CASE("a forwarded request is read as it was written, and nothing else is") {
    const auto request = posted_request();
    const auto bytes = write_request(request);
    const auto read = read_request(bytes);
    REQUIRE(read);
    CHECK(read->method == request.method);
    CHECK(read->target == request.target);
    CHECK(read->query == request.query);
    CHECK(read->headers == request.headers);
    CHECK(read->body == request.body);
    CHECK(read->peer_address == request.peer_address);
    CHECK(read->peer_port == 65535);
    CHECK(read->tls);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(read_request(bytes.substr(0, size)));
    CHECK_FALSE(read_request(bytes + 'x'));
    CHECK_FALSE(read_request(std::string(8, '\xff')));
}

TEST_CASE("a forwarded answer is read as it was written, and nothing else is") {
    HttpAnswer answer{200, {{"Set-Cookie", "a"}, {"Set-Cookie", "b"}}, "{}", {}};
    const auto bytes = write_answer(answer);
    const auto read = read_answer(bytes);
    REQUIRE(read);
    CHECK(read->answer.status == 200);
    CHECK(read->answer.headers == answer.headers);
    CHECK(read->answer.body == "{}");
    CHECK_FALSE(read->streams);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(read_answer(bytes.substr(0, size)));
    answer.take_over = [](auto, auto) {};
    CHECK(read_answer(write_answer(answer))->streams);
    answer.status = 99;
    CHECK_FALSE(read_answer(write_answer(answer)));
}

TEST_CASE("frames about a forwarded request are taken once and in order; a gap is seen") {
    using Order = ForwardEnd::Order;
    auto in = lone_end(true, 100);
    CHECK(in.order({.number = 0}) == Order::again); // the request, with which it began
    CHECK(in.order({.number = 2}) == Order::gap);
    CHECK(in.order({.number = 1}) == Order::next);
    CHECK(in.order({.number = 1}) == Order::again);
    CHECK(in.order({.number = 2}) == Order::next);
    auto out = lone_end(false, 100);
    CHECK(out.order({.number = 0}) == Order::next);
}

TEST_CASE("a node is silent when nothing of it came for a while, though messages come through") {
    using namespace std::chrono_literals;
    using Leases = chain::detail::NodeLeases;
    const auto node = chain::detail::make_random_id();
    const Leases::Time start{1h};
    Leases leases(1s);                              // a beat is 100 ms
    CHECK_FALSE(leases.silent(node, 200ms, start)); // it may be the broker
    leases.came_through(start);
    CHECK_FALSE(leases.silent(node, 200ms, start + 299ms));
    CHECK(leases.silent(node, 200ms, start + 300ms));       // three beats
    CHECK_FALSE(leases.silent(node, 200ms, start + 301ms)); // it may be the broker
    leases.came_through(start + 250ms);
    CHECK(leases.heard(node, start + 300ms));
    leases.came_through(start + 500ms);
    CHECK_FALSE(leases.silent(node, 500ms, start + 799ms));
    leases.came_through(start + 750ms);
    CHECK(leases.silent(node, 500ms, start + 800ms));
}

TEST_CASE("bytes of a forwarded stream past their room, or room past the limit, make no sense") {
    auto end = lone_end(false, 100);
    CHECK(end.room() == 100);
    CHECK_FALSE(end.more_room("1"));
    std::string_view bytes = "1234567890";
    CHECK_FALSE(end.send_some(bytes)); // nobody takes it
    CHECK(end.room() == 90);
    for (const auto* wrong : {"", "x", "11", "-1", "4294967296"}) CHECK_FALSE(end.more_room(wrong));
    CHECK(end.more_room("10"));
    CHECK(end.room() == 100);
    CHECK(end.came(60));
    CHECK(end.came(40));
    CHECK_FALSE(end.came(1));
}
