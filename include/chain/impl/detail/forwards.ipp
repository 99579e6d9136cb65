// Definitions of <chain/detail/forwards.hpp>.
#pragma once

#include <chain/detail/forward_in.hpp>
#include <chain/detail/forward_out.hpp>
#include <chain/detail/forwards.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_handler.hpp>
#include <chain/detail/lane_service.hpp>

#include <boost/asio/post.hpp>

#include <string>
#include <utility>
#include <vector>

namespace chain::detail {

void Forwards::set_up(HandlerCore& handler) {
    auto part = std::unique_ptr<Forwards>(new Forwards(handler));
    auto& forwards = *part;
    handler.set_http(std::move(part));
    forwards.listens_ = handler.cluster().on(
        std::string(ForwardEnd::kind_name),
        [weak = handler.weak_from_this()](const RandomId& from, std::string_view bytes) {
            const auto self = weak.lock();
            return !self || of(*self).came(from, bytes);
        });
}

Forwards& Forwards::of(HandlerCore& handler) noexcept {
    return static_cast<Forwards&>(*handler.http());
}

bool Forwards::forward(const Place& place, HttpTransport& transport, Request& request,
                       HttpTransport::Respond& respond) {
    auto& cluster = handler_.cluster();
    if (!cluster.linked()) return false;
    const auto owner = transport.owner(request);
    if (!owner || *owner == cluster.node_id()) return false;
    auto& context = net::query(place.executor, net::execution::context);
    std::shared_ptr<ForwardOut> out;
    {
        const std::lock_guard lock(mutex_);
        if (outs_.size() < handler_.config().limits.forwards) {
            const auto id = ++last_;
            out = std::make_shared<ForwardOut>(handler_.shared_from_this(), place, transport,
                                               std::move(request), std::move(respond),
                                               end_of({*owner, id}, false));
            outs_.emplace(id, Out{out, net::use_service<LaneService>(context).visitors()});
        }
    }
    if (out)
        out->start();
    else
        respond(too_many(transport, request));
    return true;
}

/// Calls `task` on the executor of a request that came in here. The last reference goes there, too.
template <class Task>
void Forwards::to_out(const Out& out, Task task) {
    out.visitors->while_alive([&] {
        auto to = out.out.lock();
        if (!to) return;
        const auto executor = to->executor();
        net::post(executor, [to = std::move(to), task = std::move(task)]() mutable { task(*to); });
    });
}

bool Forwards::came(const RandomId& from, std::string_view bytes) {
    const auto frame = read_forward_frame(bytes);
    if (!frame) return false;
    const ForwardKey key{from, frame->id};
    auto copy = [kept = std::string(frame->body), frame = *frame]() mutable {
        frame.body = kept;
        return frame;
    };
    std::unique_lock lock(mutex_);
    if (frame->served) {
        const auto found = outs_.find(frame->id);
        if (found == outs_.end()) return true;
        const auto out = found->second;
        lock.unlock();
        to_out(out, [from, copy](ForwardOut& to) mutable {
            if (to.node() == from) to.take(copy());
        });
        return true;
    }
    const auto found = ins_.find(key);
    auto in = found == ins_.end() ? nullptr : found->second.lock();
    lock.unlock();
    if (!in) return frame->kind != ForwardFrame::Kind::request || begin(key, *frame);
    const auto lane = in->lane();
    lane->post([in = std::move(in), copy]() mutable { in->take(copy()); });
    return true;
}

/// Another node wants a request to be served.
bool Forwards::begin(const ForwardKey& key, const ForwardFrame& frame) {
    auto request = read_request(frame.body);
    if (!request || frame.number != 0) return false;
    auto* transport = transport_for(handler_, request->path());
    auto end = end_of(key, true);
    if (!transport) {
        end.send(ForwardFrame::Kind::unknown);
    } else if (request->body.size() > handler_.config().limits.body_bytes) {
        end.send(ForwardFrame::Kind::answer,
                 write_answer(refuse_body(handler_, *transport, *request)));
    } else {
        serve(std::move(end), *transport, std::move(*request));
    }
    return true;
}

void Forwards::serve(ForwardEnd end, HttpTransport& transport, Request request) {
    const auto lane = transport.home(request);
    std::shared_ptr<ForwardIn> in;
    {
        const std::lock_guard lock(mutex_);
        if (lane && ins_.size() < handler_.config().limits.forwards) {
            in = std::make_shared<ForwardIn>(handler_.shared_from_this(), lane, end);
            ins_.emplace(end.key(), in);
        }
    }
    if (lane && !in) {
        end.send(ForwardFrame::Kind::answer, write_answer(too_many(transport, request)));
        return;
    }
    auto start = [in, &transport, request = std::move(request)]() mutable {
        in->start(transport, std::move(request));
    };
    if (lane && lane->post(std::move(start))) return;
    end.send(ForwardFrame::Kind::unknown);
}

HttpAnswer Forwards::too_many(const HttpTransport& transport, const Request& request) const {
    handler_.over_limit("forwards");
    return transport.put_off(request, "too many forwarded requests", handler_.retry_seconds());
}

ForwardEnd Forwards::end_of(const ForwardKey& key, bool served) const {
    return {handler_.shared_cluster(), key, served, handler_.config().limits.forward_bytes};
}

void Forwards::drain() {
    std::vector<Out> outs;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, out] : outs_) outs.push_back(out);
    }
    for (const auto& out : outs) to_out(out, [](ForwardOut& to) { to.drain(); });
}

Forwards::UnderWay Forwards::under_way() const {
    const std::lock_guard lock(mutex_);
    return {outs_.size(), ins_.size()};
}

void Forwards::remove_out(std::uint64_t id) noexcept {
    const std::lock_guard lock(mutex_);
    outs_.erase(id);
}

void Forwards::remove_in(const ForwardKey& key) noexcept {
    const std::lock_guard lock(mutex_);
    ins_.erase(key);
}

} // namespace chain::detail
