// Definitions of <chain/server.hpp>.
#pragma once

#include <chain/detail/server_core.hpp>
#include <chain/server.hpp>

#include <utility>

namespace chain {

Server::Server(ServerConfig config)
    : core_(std::make_unique<detail::ServerCore>(std::move(config))) {}
Server::~Server() = default;

Server& Server::mount(Handler handler) {
    core_->mount(std::move(handler));
    return *this;
}

Server& Server::listen() {
    core_->listen();
    return *this;
}

std::uint16_t Server::port() const noexcept { return core_->port(); }

net::any_io_executor Server::executor() const noexcept { return core_->executor(); }

void Server::run() { core_->run(); }

void Server::start() { core_->start(); }

void Server::stop() { core_->stop(); }

void Server::reload_tls() { core_->reload_tls(); }

} // namespace chain
