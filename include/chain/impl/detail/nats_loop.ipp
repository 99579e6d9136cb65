// Definitions of <chain/detail/nats_loop.hpp>.
#pragma once

#include <chain/detail/nats_loop.hpp>

#include <nats/nats.h>

#include <sys/socket.h>
#include <unistd.h>

namespace chain::detail {

/// What the NATS library calls; its user data is the loop.
struct NatsLoop::Callbacks {
    static natsStatus attach(void** data, void* loop, natsConnection* connection, natsSock socket) {
        const int copy = ::dup(socket);
        if (copy < 0) return NATS_ERR; // no descriptors are left now: it tries again later
        *data = loop;
        static_cast<NatsLoop*>(loop)->attach(connection, copy);
        return NATS_OK;
    }
    static natsStatus read(void* data, bool on) {
        static_cast<NatsLoop*>(data)->set(Want::read, on);
        return NATS_OK;
    }
    static natsStatus write(void* data, bool on) {
        static_cast<NatsLoop*>(data)->set(Want::write, on);
        return NATS_OK;
    }
    static natsStatus detach(void* data) {
        auto* const loop = static_cast<NatsLoop*>(data);
        loop->core_.post([loop] { loop->end(false); });
        return NATS_OK;
    }
};

bool NatsLoop::install(natsOptions* options) {
    return natsOptions_SetEventLoop(options, this, &Callbacks::attach, &Callbacks::read,
                                    &Callbacks::write, &Callbacks::detach) == NATS_OK;
}

void NatsLoop::attach(natsConnection* connection, int socket) {
    const bool alive = core_.post([this, connection, socket] {
        end(false);
        connection_ = connection;
        descriptor_ = std::make_shared<net::posix::stream_descriptor>(core_.strand(), socket);
        reads_ = true;
        wait(Want::read);
        watch_.emplace(core_.strand());
        quiet_ = 0;
        watch();
    });
    if (!alive) ::close(socket);
}

void NatsLoop::set(Want want, bool on) {
    core_.post([this, want, on] {
        wanted(want) = on;
        wait(want);
    });
}

void NatsLoop::wait(Want want) {
    if (!descriptor_ || !wanted(want) || waiting(want)) return;
    waiting(want) = true;
    const auto type = want == Want::read ? net::posix::stream_descriptor::wait_read
                                         : net::posix::stream_descriptor::wait_write;
    auto ready = [this, want, descriptor = descriptor_,
                  core = core_.shared_from_this()](boost::system::error_code failed) {
        if (failed || descriptor != descriptor_) return;
        waiting(want) = false;
        if (want == Want::read) quiet_ = 0;
        if (wanted(want))
            want == Want::read ? natsConnection_ProcessReadEvent(connection_) : write();
        wait(want);
    };
    descriptor_->async_wait(type, std::move(ready));
}

void NatsLoop::write() {
    // To write nothing looks to the library as if the server had gone.
    if (descriptor_ && reads_ && natsConnection_Buffered(connection_) > 0)
        natsConnection_ProcessWriteEvent(connection_);
}

/// The library would count pings whose answers are not read yet, and so end a connection on which
/// they wait behind much else, or for a thread that is busy. What comes at all is a sign of life,
/// and an interval in which this thread did nothing else counts as one.
void NatsLoop::watch() {
    if (ping_.count() <= 0) return;
    watch_->expires_after(ping_);
    watch_->async_wait([this, descriptor = descriptor_,
                        core = core_.shared_from_this()](boost::system::error_code cancelled) {
        if (cancelled || descriptor != descriptor_) return;
        if (++quiet_ > pings_) ::shutdown(descriptor->native_handle(), SHUT_RDWR);
        watch();
    });
}

void NatsLoop::end(bool gone) noexcept {
    boost::system::error_code ignored;
    if (descriptor_ && !gone) descriptor_->close(ignored);
    descriptor_.reset();
    watch_.reset();
    reads_ = writes_ = waits_to_read_ = waits_to_write_ = false;
}

} // namespace chain::detail
