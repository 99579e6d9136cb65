// SseTransport: clients over Server-Sent Events, with POST for what they say.
#pragma once

#include <chain/cookie.hpp>
#include <chain/cors.hpp>
#include <chain/detail/http_transport.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace chain {

namespace detail {
class SseTabs;
}

/// Settings of an SseTransport.
struct SseConfig {
    std::optional<CorsConfig> cors = {}; ///< Empty: pages of the endpoint's own origin only.
    CookieConfig cookie = {};            ///< By which a browser tab is known again.
    std::chrono::milliseconds retry{
        3'000}; ///< After which a browser whose stream broke comes back.
    std::chrono::milliseconds keep_alive{
        15'000};           ///< A comment is sent after so long without traffic; more than 0.
    std::size_t tabs = 16; ///< Living sessions of one browser; one more ends the oldest.
    std::size_t frames_per_post = 100; ///< Frames in one body; more is answered 400.
};

/// Clients over Server-Sent Events at `GET {endpoint}/sse`, with `POST {endpoint}/sse` for what
/// they say: what deployed copies of the Go package's `chain.js` speak. A session outlives its
/// stream by `Timeouts::resume_window`; a new stream of the same tab takes it over.
class SseTransport final : public detail::HttpTransport {
  public:
    /// For one handler; see `Handler::add`.
    /// @throws std::invalid_argument when `keep_alive` is none
    explicit SseTransport(SseConfig config = {});
    ~SseTransport() override;

    /// "sse".
    std::string_view name() const noexcept override { return "sse"; }
    /// Called by `Handler::add`.
    void configure(Handler& handler) override;
    /// Answers a request; called by servers.
    void serve(const detail::Place& place, Request request, Respond respond) override;
    /// The answer to a request that cannot be served now: one after which every client comes again.
    detail::HttpAnswer put_off(const Request& request, std::string_view reason,
                               std::string_view seconds) const override;
    /// The answer to a request that the server itself refuses, with CORS headers where they belong.
    detail::HttpAnswer refuse(const Request& request, int status,
                              std::string_view reason) const override;
    /// The node that gave the client's token, or else the tab's cookie.
    std::optional<detail::RandomId> owner(const Request& request) const override;
    /// The lane of the client's session.
    detail::Ref<detail::Lane> home(const Request& request) const override;

  private:
    void let_read(detail::HttpAnswer& answer, const Request& request) const;

    SseConfig config_;
    std::weak_ptr<detail::HandlerCore> handler_;
    std::shared_ptr<detail::SseTabs> tabs_;
};

} // namespace chain
