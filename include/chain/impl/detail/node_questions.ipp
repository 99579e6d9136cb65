// Definitions of <chain/detail/node_questions.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/node_questions.hpp>
#include <chain/detail/node_wire.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

#include <utility>

namespace chain::detail {

inline constexpr const char* question_kind = "ask";
inline constexpr const char* answer_kind = "answer";

/// Ends a question when its time is over, or the lane that was to tell the time.
class NodeQuestions::Alarm {
  public:
    Alarm(std::weak_ptr<NodeQuestions> questions, std::uint64_t number)
        : questions_(std::move(questions)), number_(number) {}
    ~Alarm() {
        if (const auto questions = questions_.lock()) questions->end(number_);
    }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    /// It is not to ring.
    void dismiss() noexcept { questions_.reset(); }

  private:
    std::weak_ptr<NodeQuestions> questions_;
    std::uint64_t number_;
};

NodeQuestions::NodeQuestions(std::shared_ptr<ClusterService> cluster,
                             std::weak_ptr<HandlerCore> handler, Answerer answerer)
    : cluster_(std::move(cluster)), handler_(std::move(handler)), answerer_(std::move(answerer)) {}

void NodeQuestions::listen() {
    const auto weak = weak_from_this();
    questions_ = cluster_->on(question_kind, [weak](const RandomId& from, std::string_view bytes) {
        const auto self = weak.lock();
        return !self || self->came_question(from, bytes);
    });
    answers_ = cluster_->on(answer_kind, [weak](const RandomId& from, std::string_view bytes) {
        const auto self = weak.lock();
        return !self || self->came_answer(from, bytes);
    });
}

void NodeQuestions::ask(const std::string& question, std::chrono::milliseconds deadline,
                        Done done) {
    auto nodes = cluster_->nodes();
    const bool alone = nodes.empty();
    nodes.push_back(cluster_->node_id());
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++last_;
        open_[number] = {{nodes.begin(), nodes.end()}, {{}, nodes.size()}, std::move(done)};
    }
    const bool armed = arm(number, deadline);
    if (!alone)
        cluster_->broadcast(question_kind, NodeWriter().number(number).raw(question).bytes());
    answerer_(question, [weak = weak_from_this(), number](const std::string& answer) {
        if (const auto self = weak.lock()) self->take(self->cluster_->node_id(), number, answer);
    });
    if (!armed) end(number);
}

bool NodeQuestions::arm(std::uint64_t number, std::chrono::milliseconds deadline) {
    const auto handler = handler_.lock();
    if (!handler) return false;
    for (const auto& lane : handler->lanes()) {
        const auto alarm = std::make_shared<Alarm>(weak_from_this(), number);
        if (lane->post([alarm, lane, deadline] { lane->after(deadline, [alarm] {}); })) return true;
        alarm->dismiss();
    }
    return false;
}

bool NodeQuestions::came_question(const RandomId& from, std::string_view bytes) {
    NodeReader in(bytes);
    const auto number = in.number();
    if (!in.good()) return false;
    answerer_(bytes.substr(8), [cluster = cluster_, from, number](const std::string& answer) {
        cluster->send(from, answer_kind, NodeWriter().number(number).raw(answer).bytes());
    });
    return true;
}

bool NodeQuestions::came_answer(const RandomId& from, std::string_view bytes) {
    NodeReader in(bytes);
    const auto number = in.number();
    if (!in.good()) return false;
    take(from, number, std::string(bytes.substr(8)));
    return true;
}

/// Answers that come late, twice, or from a node that was not asked, do not count.
void NodeQuestions::take(const RandomId& from, std::uint64_t number, std::string answer) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(number);
        if (found == open_.end() || found->second.silent.erase(from) == 0) return;
        found->second.outcome.answers.push_back(std::move(answer));
        if (!found->second.silent.empty()) return;
    }
    end(number);
}

void NodeQuestions::end(std::uint64_t number) {
    Open open;
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(number);
        if (found == open_.end()) return;
        open = std::move(found->second);
        open_.erase(found);
    }
    complete(std::move(open));
}

void NodeQuestions::complete(Open open) const {
    const auto shared = std::make_shared<const Open>(std::move(open));
    if (const auto handler = handler_.lock())
        for (const auto& lane : handler->lanes())
            if (lane->post([shared] { shared->done(shared->outcome); })) return;
    net::post(net::system_executor(), [shared] { shared->done(shared->outcome); });
}

} // namespace chain::detail
