// Definitions of <chain/detail/lane.hpp>: threads, time and life.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/lane_executor.hpp>
#include <chain/detail/lane_service.hpp>
#include <chain/detail/lane_timer.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/session_core.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace chain::detail {

thread_local Lane* current_lane = nullptr;

/// A number that no other thread has or ever had.
std::uint64_t this_thread() noexcept {
    static std::atomic<std::uint64_t> last{0};
    thread_local const std::uint64_t mine = ++last;
    return mine;
}

net::execution_context& context_of(const net::any_io_executor& executor) noexcept {
    return net::query(executor, net::execution::context);
}

struct Lane::Delayed : TimerNode {
    Delayed(Lane& owner, std::function<void()> f)
        : TimerNode([](TimerNode& timer) { static_cast<Delayed&>(timer).fire(); }), lane(owner),
          task(std::move(f)) {}

    void fire() {
        const auto due = std::move(task);
        lane.delayed_.erase(place);
        due();
    }

    Lane& lane;
    std::function<void()> task;
    std::list<Delayed>::iterator place;
};

/// A private lane has few timers.
Lane::Lane(std::shared_ptr<HandlerCore> handler, net::any_io_executor executor,
           net::io_context* context)
    : handler_(std::move(handler)), context_(context), executor_(std::move(executor)),
      service_(net::use_service<LaneService>(context_of(executor_))),
      batch_(handler_->config().compression),
      wheel_(handler_->clock().now(), context ? TimerWheel::many : 1) {
    if (handler_->clock().runs()) timer_ = std::make_unique<LaneTimer>(*this);
}

Lane::~Lane() = default;

Lane* Lane::current() noexcept { return current_lane; }

Lane::Scope::Scope(Lane& lane) noexcept : lane_(&lane) {
    lane.enter();
    outer_ = std::exchange(current_lane, &lane);
}

Lane::Scope::~Scope() {
    if (lane_->depth_ == 1) lane_->leave_scope();
    lane_->leave();
    current_lane = outer_;
}

void Lane::enter() noexcept {
    const auto self = this_thread();
#ifndef NDEBUG
    check_serial(self);
#endif
    if (depth_++ == 0) thread_.store(self, std::memory_order_relaxed);
}

void Lane::leave() noexcept {
    if (--depth_ > 0) return;
    // The next one on a private lane may be another thread, which does not say so beforehand.
    if (!context_) thread_.store(0, std::memory_order_relaxed);
#ifndef NDEBUG
    entered_.store(0, std::memory_order_release);
#endif
}

/// Reports a second thread, and makes it wait, so that what it finds is whole.
void Lane::check_serial(std::uint64_t thread) noexcept {
    std::uint64_t inside = 0;
    if (entered_.load(std::memory_order_relaxed) == thread ||
        entered_.compare_exchange_strong(inside, thread, std::memory_order_acquire))
        return;
    handler_->notify([](Observer& o) {
        o.log(LogLevel::error, make_error_code(Errc::executor_not_serial).message());
    });
    do {
        std::this_thread::yield();
        inside = 0;
    } while (!entered_.compare_exchange_weak(inside, thread, std::memory_order_acquire));
}

bool Lane::here() const noexcept {
    return thread_.load(std::memory_order_relaxed) == this_thread();
}

bool Lane::runs_on(const net::any_io_executor& executor) {
    return mailbox_.when_open(
        [&] { return context_ ? &context_of(executor) == context_ : executor == executor_; });
}

net::any_io_executor Lane::executor() {
    if (context_ || !executor_) return executor_;
    return LaneExecutor(Ref<Lane>(this), executor_);
}

Socket Lane::take_socket(Membership& membership) noexcept {
    auto last = std::exchange(last_socket_, Socket{nullptr});
    if (SocketAccess::membership(last) == &membership) return last;
    return Socket{Ref<Membership>(&membership)};
}

void Lane::keep_socket(Socket socket) noexcept {
    const auto& membership = SocketAccess::membership(socket);
    if (membership && membership->status() == SocketStatus::joined)
        last_socket_ = std::move(socket);
}

void Lane::leave_scope() noexcept {
    run_later();
    last_socket_ = Socket{nullptr};
    wake_others();
    if (closed_) return;
    if (!context_ && sessions_.empty() && !wheel_.next()) {
        retire();
        return;
    }
    if (batch_.pending()) schedule_flush();
    if (timer_) timer_->set(wheel_.next());
}

void Lane::run_all_later() {
    if (in_handler() || std::exchange(running_later_, true)) return;
    for (std::size_t i = 0; i < later_.size(); ++i) {
        const auto task = std::move(later_[i]); // which may append
        task();
    }
    later_.clear();
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

/// Who works in another lane wakes this one when all that it has for it is there: a lane that ran
/// earlier would send the first of it alone. @return false when that is still to be done
bool Lane::wake(const Lane*& promised) {
    auto* const from = current_lane;
    if (!from || from == this) {
        wake_now();
        return true;
    }
    if (std::exchange(promised, from) != from) from->to_wake_.emplace_back(this);
    return false;
}

void Lane::wake_now() {
    net::post(executor_, [self = Ref<Lane>(this)] { self->run_mailbox(); });
}

void Lane::wake_others() {
    for (const auto& lane : to_wake_) lane->mailbox_.keep_promise([&] { lane->wake_now(); });
    to_wake_.clear();
}

bool Lane::post(std::function<void()> task) {
    return mailbox_.put(std::move(task), [this](auto& promised) { return wake(promised); });
}

bool Lane::post(Ref<Broadcast> broadcast) {
    return mailbox_.put(Mailbox::Data(std::move(broadcast)),
                        [this](auto& promised) { return wake(promised); });
}

bool Lane::post(Errand errand) {
    return mailbox_.put(Mailbox::Data(std::move(errand)),
                        [this](auto& promised) { return wake(promised); });
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
    if (!closed_) wheel_.arm(timer, handler_->clock().now(), after);
}

struct Lane::Deadline : TimerNode {
    explicit Deadline(std::function<void()> f)
        : TimerNode([](TimerNode& timer) { static_cast<Deadline&>(timer).fire(); }),
          passed_(std::move(f)) {}

  private:
    void fire() {
        const auto passed = std::move(passed_); // which may end the last session, and so this
        passed();
    }

    std::function<void()> passed_;
};

void Lane::set_deadline(std::chrono::milliseconds after, std::function<void()> f) {
    if (sessions_.empty()) return;
    deadlines_.push_back(std::make_unique<Deadline>(std::move(f)));
    arm(*deadlines_.back(), after);
}

void Lane::after(std::chrono::milliseconds delay, std::function<void()> task) {
    const auto place = delayed_.emplace(delayed_.end(), *this, std::move(task));
    place->place = place;
    arm(*place, delay);
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
    if (sessions_.empty()) deadlines_.clear();
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
    thread_local const auto buffer = std::make_unique<char[]>(size);
    return {buffer.get(), size};
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
    wheel_.clear(); // from here on, what has a timer in it may go on any thread
    mailbox_.close();
    timer_.reset();
    later_.clear();
    std::list<Delayed>().swap(delayed_);
    while (!sessions_.empty()) sessions_.back()->abandon();
    for (const auto& [name, entry] : std::exchange(topics_, {}))
        handler_->pubsub().router().remove(entry->route(), *this);
    flush_scheduled_ = true; // nothing is posted to a context that is going
    handler_->forget(*this);
    handler_->check_drained();
    wake_others();
    executor_ = nullptr; // a strand must not outlive its context
    current_lane = outer;
}

void Lane::retire() noexcept {
    const Ref<Lane> self(this);
    service_.remove(*this);
    shutdown();
}

} // namespace chain::detail
