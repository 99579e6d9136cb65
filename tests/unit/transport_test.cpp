// A transport and the handler that owns it.
#include "../support/catch.hpp"

#include <chain/chain.hpp>

#include <memory>
#include <optional>

namespace {

/// Keeps the handler that it was configured with, as a transport has to.
class KeepingTransport final : public chain::Transport {
  public:
    std::string_view name() const noexcept override { return "keeping"; }
    void configure(chain::Handler& handler) override { handler_ = handler; }
    const chain::Handler& handler() const { return *handler_; }

  private:
    std::optional<chain::Handler> handler_;
};

} // namespace

TEST_CASE("a transport may keep its handler, and goes with it") {
    auto transport = std::make_shared<KeepingTransport>();
    const std::weak_ptr<KeepingTransport> watched = transport;
    {
        chain::Handler handler{{.endpoint = "/kept"}};
        handler.add(std::move(transport));
        REQUIRE(watched.lock());
        CHECK(watched.lock()->handler() == handler);
        CHECK(watched.lock()->handler().config().endpoint == "/kept");
    }
    CHECK(watched.expired());
}
