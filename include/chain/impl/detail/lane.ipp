// Definitions of <chain/detail/lane.hpp>: threads, time and life.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/lane_timer.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/session_core.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

thread_local Lane* current_lane = nullptr;

Lane::Lane(std::shared_ptr<HandlerCore> handler, net::io_context& context)
    : handler_(std::move(handler)), context_(context), executor_(context.get_executor()),
      batch_(handler_->config().compression), wheel_(handler_->clock().now()) {
    if (handler_->clock().runs()) timer_ = std::make_unique<LaneTimer>(*this);
}

Lane::~Lane() = default;

Lane* Lane::current() noexcept { return current_lane; }

Lane::Scope::Scope(Lane& lane) noexcept : lane_(&lane) {
    const auto self = std::this_thread::get_id();
    if (lane.depth_++ == 0)
        lane.thread_.store(self, std::memory_order_relaxed);
    else if (lane.thread_.load(std::memory_order_relaxed) != self)
        lane.handler().notify([](Observer& o) {
            o.log(LogLevel::error, make_error_code(Errc::executor_not_serial).message());
        });
    outer_ = std::exchange(current_lane, &lane);
}

Lane::Scope::~Scope() {
    if (lane_->depth_ == 1) lane_->leave_scope();
    --lane_->depth_;
    current_lane = outer_;
}

bool Lane::here() const noexcept {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void Lane::leave_scope() noexcept {
    run_later();
    if (batch_.pending()) schedule_flush();
    if (timer_) timer_->set(wheel_.next());
}

void Lane::run_later() {
    if (in_handler() || std::exchange(running_later_, true)) return;
    while (!later_.empty()) {
        const auto task = std::move(later_.front());
        later_.pop_front();
        task();
    }
    running_later_ = false;
}

void Lane::schedule_flush() {
    if (std::exchange(flush_scheduled_, true)) return;
    net::post(executor_, [self = Ref<Lane>(this)] { self->flush(); });
}

void Lane::flush() {
    const Scope scope(*this);
    flush_scheduled_ = false;
    batch_.flush(flush_budget);
}

void Lane::wake() {
    net::post(executor_, [self = Ref<Lane>(this)] { self->run_mailbox(); });
}

bool Lane::post(std::function<void()> task) {
    return mailbox_.put(std::move(task), [this] { wake(); });
}

bool Lane::post(Ref<Broadcast> broadcast) {
    return mailbox_.put(Mailbox::Data(std::move(broadcast)), [this] { wake(); });
}

bool Lane::post(Errand errand) {
    return mailbox_.put(Mailbox::Data(std::move(errand)), [this] { wake(); });
}

void Lane::run_mailbox() {
    const Scope scope(*this);
    auto tasks = mailbox_.take_tasks();
    apply_mailbox();
    for (auto& task : tasks) task();
}

void Lane::apply_mailbox() {
    for (auto& item : mailbox_.take_data()) {
        if (const auto* shared = std::get_if<Ref<Broadcast>>(&item))
            apply(*shared);
        else
            run(std::get<Errand>(item));
    }
}

void Lane::run(const Errand& errand) {
    switch (errand.kind) {
    case Errand::Kind::push:
        errand.membership->push(errand.name, errand.payload, errand.binary);
        break;
    case Errand::Kind::reply:
        errand.membership->reply_later(
            errand.name, {errand.status, errand.payload, errand.binary, errand.status_name});
        break;
    case Errand::Kind::frame:
        if (errand.membership)
            errand.membership->send(errand.payload);
        else
            errand.session->send_text(errand.payload);
    }
}

void Lane::arm(TimerNode& timer, std::chrono::milliseconds after) {
    wheel_.arm(timer, handler_->clock().now(), after);
}

void Lane::advance() {
    const Scope scope(*this);
    wheel_.advance(handler_->clock().now());
}

void Lane::timer_fired() {
    if (!timer_) return;
    timer_->fired();
    advance();
}

std::uint32_t Lane::ticks() const noexcept { return wheel_.ticks(handler_->clock().now()); }

void Lane::add(SessionCore& session) {
    sessions_.push_back(&session);
    intrusive_ptr_add_ref(&session);
    session.lane_index(static_cast<std::uint32_t>(sessions_.size() - 1));
    session_count_.store(sessions_.size(), std::memory_order_relaxed);
}

void Lane::remove(SessionCore& session) {
    const Ref<SessionCore> last(&session, false);
    unname(session);
    sessions_.back()->lane_index(session.lane_index());
    sessions_[session.lane_index()] = sessions_.back();
    sessions_.pop_back();
    session_count_.store(sessions_.size(), std::memory_order_relaxed);
}

std::vector<Ref<SessionCore>> Lane::all_sessions() const {
    return {sessions_.begin(), sessions_.end()};
}

void Lane::name(SessionCore& session, std::string name) {
    unname(session);
    if (!name.empty()) names_[name].push_back(&session);
    session.name(std::move(name));
}

void Lane::unname(const SessionCore& session) {
    const auto found = names_.find(session.name());
    if (found == names_.end()) return;
    std::erase(found->second, &session);
    if (found->second.empty()) names_.erase(found);
}

std::vector<Ref<SessionCore>> Lane::named(std::string_view name) const {
    const auto found = names_.find(name);
    if (found == names_.end()) return {};
    return {found->second.begin(), found->second.end()};
}

std::span<char> Lane::read_buffer() {
    static constexpr std::size_t size = 64 * 1024;
    if (!read_buffer_) read_buffer_ = std::make_unique<char[]>(size);
    return {read_buffer_.get(), size};
}

Slice& Lane::stamps() noexcept {
    stamps_.clear();
    return stamps_;
}

std::string& Lane::scratch() noexcept {
    scratch_.clear();
    return scratch_;
}

void Lane::shutdown() noexcept {
    const Ref<Lane> self(this);
    const auto outer = std::exchange(current_lane, this);
    closed_ = true;
    mailbox_.close();
    timer_.reset();
    later_.clear();
    while (!sessions_.empty()) sessions_.back()->abandon();
    for (const auto& [name, entry] : std::exchange(topics_, {}))
        handler_->pubsub().router().remove(entry->route(), *this);
    flush_scheduled_ = true; // nothing is posted to a context that is going
    handler_->forget(*this);
    handler_->check_drained();
    current_lane = outer;
}

} // namespace chain::detail
