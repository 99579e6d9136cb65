// Presence, kicks and questions across nodes, through NATS.
#include "support/live_nodes.hpp"
#include "support/nats_server.hpp"

TEST_CASE("through NATS, presence agrees on all nodes after joins, leaves, a restart and a death") {
    const test::NatsServer nats;
    test::agree_on_presence(test::through(test::nats_at(nats.url())));
}

TEST_CASE("through NATS, all nodes are asked, and a user is disconnected on each") {
    const test::NatsServer nats;
    test::reach_all_nodes(test::through(test::nats_at(nats.url())));
}
