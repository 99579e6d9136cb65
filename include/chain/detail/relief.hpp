// Relief: drops the largest backlogs of a handler.
#pragma once

#include <chain/detail/fate.hpp>
#include <chain/detail/ref_counted.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace chain::detail {

class HandlerCore;
class Lane;
class SessionCore;

/// Asks each lane for the backlogs of its sessions, and drops the largest of all until no more than
/// three quarters of the handler's limit wait.
class Relief : public std::enable_shared_from_this<Relief> {
  public:
    explicit Relief(std::shared_ptr<HandlerCore> handler);
    /// Also when a lane has gone without an answer.
    ~Relief();
    Relief(const Relief&) = delete;
    Relief& operator=(const Relief&) = delete;
    /// Asks the lanes. From any thread.
    void start();
    /// At once, among the sessions of one lane alone; on its thread.
    static void in(Lane& lane);

  private:
    using Found = std::vector<std::pair<Backlog, Ref<SessionCore>>>;

    static Found look(Lane& lane);
    void looked(Found found);
    void decide();

    std::shared_ptr<HandlerCore> handler_;
    std::atomic<std::size_t> left_{0};
    std::mutex mutex_; ///< Guards the next.
    Found found_;
};

} // namespace chain::detail
