// What holds for nodes behind any broker.
#pragma once

#include "node.hpp"
#include "proxy.hpp"

#include <chain/pubsub.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace test {

/// Three nodes hear one another once, in order per publisher.
inline void hear_one_another(const Node::MakeAdapter& make) {
    Cluster cluster(3, make);
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    CHECK(cluster.exchange("room:a", 500, 3));
    for (int i = 0; i < 3; ++i) {
        CHECK(cluster[i].watch->lost == 0);
        CHECK(cluster[i].watch->lost_reports == 0);
    }
}

/// What is said in a topic without members on `far`, whose bytes go through the proxy, costs that
/// node nothing. `joined` says whether the broker knows what it has members of: "room:b".
inline void send_no_bytes(const Node::MakeAdapter& near_way, const Node::MakeAdapter& far_way,
                          const Proxy& proxy, const std::function<bool()>& joined) {
    Node near(near_way);
    Node far(far_way);
    REQUIRE(near.ready());
    REQUIRE(far.ready());
    near.member("room:a");
    far.member("room:b");
    REQUIRE(eventually(joined));

    const auto before = proxy.bytes_to_client();
    const std::string big(1000, 'x');
    for (int i = 0; i < 200; ++i)
        REQUIRE_FALSE(near.handler->pubsub().broadcast("room:a", "n", big));
    REQUIRE_FALSE(near.handler->pubsub().broadcast("room:b", "n", big));
    CHECK(far.await(1).size() == 1);
    CHECK(proxy.bytes_to_client() - before < 2500);
}

/// Writes down what plain subscribers get: "name topic payload".
class Notes {
  public:
    chain::PubSubCallback note(const std::string& name) {
        return [this, name](std::string_view topic, const chain::Payload& payload) {
            signal.change([&] {
                seen.push_back(name + " " + std::string(topic) + " " + std::string(payload.raw()));
            });
        };
    }
    Frames all() const { return signal.copy(seen); }

    Signal signal;
    Frames seen; ///< Guarded by the signal.
};

/// An adapter may outlive its io_context, and end before it.
inline void end_in_either_order(const Node::MakeAdapter& make) {
    for (const bool context_first : {true, false}) {
        auto context = std::make_unique<chain::net::io_context>();
        std::optional<chain::Handler> handler(std::in_place, quiet());
        handler->pubsub().attach(make(context->get_executor()));
        const auto subscription =
            handler->pubsub().subscribe("news", [](std::string_view, const chain::Payload&) {});
        REQUIRE(eventually([&] {
            context->poll();
            return handler->pubsub().ready();
        }));
        CHECK_FALSE(handler->pubsub().publish("news", 1));
        if (context_first) {
            context.reset();
            CHECK(handler->pubsub().publish("news", 1));
            CHECK_FALSE(handler->pubsub().ready());
        }
        handler.reset();
    }
}

/// A certificate for localhost that nobody else has signed.
class BrokerCertificate {
  public:
    BrokerCertificate() {
        output_of("cd " + folder_.path() +
                  " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out "
                  "cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>&1");
    }
    std::string file() const { return folder_.file("cert.pem"); }
    std::string key() const { return folder_.file("key.pem"); }

  private:
    TemporaryFolder folder_;
};

/// A broker that speaks TLS is reached by nodes that know its certificate, and by no others.
template <class Config>
void reach_over_tls(Config config, const BrokerCertificate& certificate,
                    const std::function<Node::MakeAdapter(const Config&)>& way) {
    config.tls.enabled = true;
    {
        const Node node(way(config));
        CHECK(node.watch->signal.wait([&] { return node.watch->downs > 0; }));
        CHECK_FALSE(node.handler->pubsub().ready());
    }
    config.tls.ca_file = certificate.file();
    config.tls.server_name = "localhost";
    Cluster cluster(2, way(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    CHECK(cluster.exchange("room:a", 500, 1));
}

/// A broker that was away is back: nodes hear one another again, and nothing that was missed comes.
inline void take_up_again(Cluster& cluster) {
    CHECK(cluster.ready());
    REQUIRE(cluster.hear_all("room:a"));
    for (int i = 0; i < cluster.size(); ++i) cluster[i].numbers.clear();
    CHECK(cluster.exchange("room:a", 100, 1));
}

} // namespace test
