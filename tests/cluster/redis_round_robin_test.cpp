// Clients of all transports and dialects behind HAProxy and three nodes, against a real Redis.
#include "support/redis_server.hpp"
#include "support/round_robin.hpp"

TEST_CASE("clients of all kinds behind a proxy hear one another once and in order over Redis") {
    const test::RedisServer redis;
    test::talk_over(test::with(test::at(redis.address())));
}

TEST_CASE("clients of all kinds behind a proxy hear one another once and in order over streams") {
    const test::RedisServer redis({"--appendonly", "no"}); // what is tested is not the disk
    test::talk_over(test::with(test::at(redis.address(), chain::RedisMode::streams)));
}
