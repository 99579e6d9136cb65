// LongPollTransport: clients that poll over HTTP, as phoenix.js falls back to.
#pragma once

#include <chain/cors.hpp>
#include <chain/detail/http_transport.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace chain {

namespace detail {
class PollTable;
}

/// Settings of a LongPollTransport.
struct LongPollConfig {
    /// Pages of other origins that may poll, besides `HandlerConfig::allowed_origins`; its
    /// methods and headers are not looked at. Empty: pages of the endpoint's own origin only.
    std::optional<CorsConfig> cors = {};
    /// For how long a poll waits for something to send, more than 0. A session that is not polled
    /// for one and a half windows ends.
    std::chrono::milliseconds window{10'000};
    /// Frames in one body; more are ignored.
    std::size_t lines_per_post = 100;
    /// Bytes of frames in one answer, of which there is at least one; more come with the next poll.
    std::size_t answer_bytes = 64 * 1024;
};

/// Clients that poll: `GET {endpoint}/longpoll` waits for what the server has to say, `POST
/// {endpoint}/longpoll` says something; as phoenix.js and other Phoenix clients do. Frames of an
/// answer are kept until a later poll shows that it has arrived. `Server` adds one to handlers
/// without any transport.
class LongPollTransport final : public detail::HttpTransport {
  public:
    /// For one handler; see `Handler::add`.
    /// @throws std::invalid_argument when the window is none
    explicit LongPollTransport(LongPollConfig config = {});
    ~LongPollTransport() override;

    /// Bytes that wait for clients whose sessions have ended, for one and a half windows at the
    /// most. Thread-safe.
    std::size_t unread() const;

    /// "longpoll".
    std::string_view name() const noexcept override { return "longpoll"; }
    /// Called by `Handler::add`.
    void configure(Handler& handler) override;
    /// Answers a request; called by servers.
    void serve(const detail::Place& place, Request request, Respond respond) override;
    /// The answer to a request that cannot be served now: one after which every client comes again.
    detail::HttpAnswer put_off(const Request& request, std::string_view reason,
                               std::string_view seconds) const override;
    /// The answer to a request that the server itself refuses, which every page may read.
    detail::HttpAnswer refuse(const Request& request, int status,
                              std::string_view reason) const override;
    /// The node that gave the client's token.
    std::optional<detail::RandomId> owner(const Request& request) const override;
    /// The lane of the client's session.
    detail::Ref<detail::Lane> home(const Request& request) const override;

  private:
    std::shared_ptr<const LongPollConfig> config_;
    std::weak_ptr<detail::HandlerCore> handler_;
    std::shared_ptr<detail::PollTable> table_;
};

} // namespace chain
