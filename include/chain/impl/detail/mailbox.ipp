// Definitions of <chain/detail/mailbox.hpp>.
#pragma once

#include <chain/detail/mailbox.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/session_core.hpp>

namespace chain::detail {

std::vector<Mailbox::Data> Mailbox::take_data() {
    const std::lock_guard lock(mutex_);
    return std::exchange(data_, {});
}

std::vector<Mailbox::Task> Mailbox::take_tasks() {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    return std::exchange(tasks_, {});
}

void Mailbox::close() {
    std::vector<Data> data;
    std::vector<Task> tasks;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    data.swap(data_);
    tasks.swap(tasks_);
}

} // namespace chain::detail
