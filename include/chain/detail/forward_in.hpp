// ForwardIn: a request that another node has sent, at the node of its session.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/forward_end.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/lane.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

class HandlerCore;

/// A request that another node has sent, at the node of its session, until it is answered, or its
/// stream has ended. On the lane of that session; so are the members for the stream. Nothing keeps
/// it but the transport that is to answer, and then the stream.
class ForwardIn : public std::enable_shared_from_this<ForwardIn> {
  public:
    ForwardIn(std::shared_ptr<HandlerCore> handler, Ref<Lane> lane, ForwardEnd end);
    ~ForwardIn();
    ForwardIn(const ForwardIn&) = delete;
    ForwardIn& operator=(const ForwardIn&) = delete;

    const Ref<Lane>& lane() const noexcept { return lane_; }
    void start(HttpTransport& transport, Request request);
    void take(const ForwardFrame& frame);

    // As in ByteStream.
    void read_some(std::span<char> into, ByteStream::Done done);
    void write(std::string_view bytes, ByteStream::Done done);
    void finish(ByteStream::Done done);
    void cancel();
    void close() noexcept;

  private:
    struct Watch;

    void answer(HttpAnswer answer);
    void deliver();
    void send_more();
    void complete(ByteStream::Done& done, error_code failed, std::size_t count);
    void end(error_code why);
    void watch();

    std::shared_ptr<HandlerCore> handler_;
    Ref<Lane> lane_;
    ForwardEnd end_;
    bool answered_ = false;
    bool over_ = false;
    std::string in_;        ///< From the client, not read yet.
    std::span<char> into_;  ///< Where the read that waits wants it.
    ByteStream::Done read_; ///< Of the read that waits.
    std::string_view out_;  ///< For the client, not sent yet.
    std::size_t written_ = 0;
    ByteStream::Done write_; ///< Of the write that waits.
};

/// The stream of such a request, as the session's connection sees it.
class ForwardedStream final : public ByteStream {
  public:
    explicit ForwardedStream(std::shared_ptr<ForwardIn> forward) : forward_(std::move(forward)) {}
    ~ForwardedStream() override {
        if (forward_) forward_->close();
    }

    net::any_io_executor executor() override { return forward_->lane()->bare_executor(); }
    Peer peer() override { return {}; }
    bool encrypted() const noexcept override { return false; }
    bool movable() const noexcept override { return false; }
    std::shared_ptr<LooseSocket> release() override { return nullptr; }
    void move_into(PlainSocket&) override {}
    void move_into(AnySocket&) override {}
    std::unique_ptr<ByteStream> take() override {
        return std::make_unique<ForwardedStream>(std::move(forward_));
    }

    void read_some(std::span<char> into, Done done) override {
        forward_->read_some(into, std::move(done));
    }
    void write(std::string_view bytes, Done done) override {
        forward_->write(bytes, std::move(done));
    }
    void finish(Done done) override { forward_->finish(std::move(done)); }
    void drop_some(std::span<char> into, Done done) override { read_some(into, std::move(done)); }
    void cancel() noexcept override { forward_->cancel(); }
    void close() noexcept override { forward_->close(); }

  private:
    std::shared_ptr<ForwardIn> forward_;
};

} // namespace chain::detail
