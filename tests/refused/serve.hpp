// Serves a request from a stream of any kind.
#pragma once

#include <chain/beast.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

using Tcp = boost::asio::ip::tcp::socket;

template <class Stream>
void serve(const chain::Handler& handler, Stream& stream) {
    boost::beast::flat_buffer buffer;
    boost::beast::http::request<boost::beast::http::string_body> request;
    chain::async_serve(handler, stream, buffer, std::move(request), [](chain::Served) {});
}
