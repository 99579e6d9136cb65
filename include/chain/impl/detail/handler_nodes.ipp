// Definitions of <chain/detail/handler_core.hpp>: what handlers on other nodes are told and asked.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/node_questions.hpp>
#include <chain/detail/node_wire.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>

namespace chain::detail {

// The first letter of a question: what is asked.
inline constexpr char count_question = 's'; ///< How many sessions? A number.
inline constexpr char members_question =
    'm'; ///< Who is in the topic that follows? A number, names.

void HandlerCore::listen() {
    const auto weak = weak_from_this();
    cluster_->listen(weak);
    kicks_ = cluster_->on("kick", [weak](const RandomId&, std::string_view name) {
        if (const auto self = weak.lock()) self->disconnect_here(name);
        return true;
    });
    questions_ = std::make_shared<NodeQuestions>(
        cluster_, weak, [weak](std::string_view question, NodeQuestions::Answer answer) {
            if (const auto self = weak.lock()) self->answer(question, std::move(answer));
        });
    questions_->listen();
}

error_code HandlerCore::disconnect(std::string_view name) {
    disconnect_here(name);
    return cluster_->broadcast("kick", name);
}

void HandlerCore::disconnect_here(std::string_view name) {
    for (const auto& lane : lanes())
        lane->post([lane, name = std::string(name)] {
            for (const auto& session : lane->named(name)) session->end(1001, "disconnected");
        });
}

void HandlerCore::answer(std::string_view question, std::function<void(const std::string&)> say) {
    if (question == std::string_view(&count_question, 1))
        say(NodeWriter().number(sessions_.size()).bytes());
    else if (question.starts_with(members_question))
        answer_members(question.substr(1), std::move(say));
}

/// What lanes say about who is in a topic; said when the last of them has spoken.
class Members {
  public:
    Members(std::size_t lanes, std::function<void(const std::string&)> say)
        : say_(std::move(say)), left_(lanes) {}

    void add(const Membership& membership) {
        const auto& name = membership.session().name();
        const std::lock_guard lock(mutex_);
        ++sockets_;
        if (!name.empty() && names_.size() < max_names) names_.insert(name);
    }
    void one_less() {
        if (left_.fetch_sub(1) > 1) return;
        NodeWriter out;
        out.number(sockets_);
        for (const auto& name : names_) out.text(name);
        say_(out.bytes());
    }

  private:
    static constexpr std::size_t max_names = 1000;

    std::function<void(const std::string&)> say_;
    std::atomic<std::size_t> left_;
    std::mutex mutex_; ///< Guards the rest.
    std::size_t sockets_ = 0;
    std::set<std::string> names_;
};

void HandlerCore::answer_members(std::string_view topic,
                                 std::function<void(const std::string&)> say) {
    std::vector<Ref<Lane>> lanes;
    if (const auto route = pubsub_->router().find(topic)) {
        const std::lock_guard lock(route->mutex());
        lanes = route->lanes();
    }
    const auto members = std::make_shared<Members>(lanes.size() + 1, std::move(say));
    for (const auto& lane : lanes) {
        const bool posted = lane->post([lane, members, topic = std::string(topic)] {
            if (auto* const entry = lane->find_topic(topic))
                for (const auto& group : entry->groups())
                    for (const auto* member : group->members) members->add(*member);
            members->one_less();
        });
        if (!posted) members->one_less();
    }
    members->one_less();
}

void HandlerCore::count_sessions(std::chrono::milliseconds deadline,
                                 std::function<void(SessionCount)> done) {
    questions_->ask({count_question}, deadline, [done = std::move(done)](const auto& outcome) {
        SessionCount all{0, outcome.nodes, 0};
        for (const auto& answer : outcome.answers) {
            NodeReader in(answer);
            const auto sessions = in.number();
            if (!in.ended()) continue;
            all.sessions += static_cast<std::size_t>(sessions);
            ++all.answered;
        }
        done(all);
    });
}

void HandlerCore::members(const std::string& topic, std::chrono::milliseconds deadline,
                          std::function<void(TopicMembers)> done) {
    questions_->ask(members_question + topic, deadline,
                    [done = std::move(done)](const auto& outcome) {
                        TopicMembers all{0, {}, outcome.nodes, 0};
                        std::set<std::string> names;
                        for (const auto& answer : outcome.answers) {
                            NodeReader in(answer);
                            const auto sockets = in.number();
                            while (in.more()) names.emplace(in.text());
                            if (!in.ended()) continue;
                            all.sockets += static_cast<std::size_t>(sockets);
                            ++all.answered;
                        }
                        all.names.assign(names.begin(), names.end());
                        done(std::move(all));
                    });
}

} // namespace chain::detail
