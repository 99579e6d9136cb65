// Clients of all transports and dialects behind HAProxy and three nodes, against a real NATS.
#include "support/nats_server.hpp"
#include "support/round_robin.hpp"

TEST_CASE("clients of all kinds behind a proxy hear one another once and in order over NATS") {
    const test::NatsServer nats;
    auto config = test::nats_at(nats.url());
    config.ping = chain::NatsConfig{}.ping; // so many clients may keep the broker from the CPU
    test::talk_over(test::through(config));
}
