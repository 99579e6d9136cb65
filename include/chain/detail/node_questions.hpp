// NodeQuestions: asks all nodes, and gathers their answers until a deadline.
#pragma once

#include <chain/detail/cluster_service.hpp>
#include <chain/detail/random_id.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class HandlerCore;

/// Asks all nodes, and gathers their answers until each node that lives has answered or the
/// deadline is over. Thread-safe; no lock is held while a callback runs.
class NodeQuestions : public std::enable_shared_from_this<NodeQuestions> {
  public:
    using Answer = std::function<void(const std::string& answer)>;
    /// Answers a question of any node: calls its argument once, now or later, on any thread.
    using Answerer = std::function<void(std::string_view question, Answer answer)>;
    struct Outcome {
        std::vector<std::string> answers;
        std::size_t nodes = 0; ///< That were asked, this one among them.
    };
    using Done = std::function<void(const Outcome& outcome)>;

    NodeQuestions(std::shared_ptr<ClusterService> cluster, std::weak_ptr<HandlerCore> handler,
                  Answerer answerer);

    /// Hears the other nodes from now on.
    void listen();
    /// Calls `done` once, on one of the handler's threads, and never before this returns; without a
    /// thread, on one of Asio's system executor, at once.
    void ask(const std::string& question, std::chrono::milliseconds deadline, Done done);

  private:
    class Alarm;
    struct Open {
        std::set<RandomId> silent; ///< Nodes that have not answered.
        Outcome outcome;
        Done done;
    };

    bool came_question(const RandomId& from, std::string_view bytes);
    bool came_answer(const RandomId& from, std::string_view bytes);
    void take(const RandomId& from, std::uint64_t number, std::string answer);
    bool arm(std::uint64_t number, std::chrono::milliseconds deadline);
    void end(std::uint64_t number);
    void complete(Open open) const;

    std::shared_ptr<ClusterService> cluster_;
    std::weak_ptr<HandlerCore> handler_;
    Answerer answerer_;
    std::shared_ptr<void> questions_, answers_;
    std::mutex mutex_; ///< Guards the rest.
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Open> open_;
};

} // namespace chain::detail
