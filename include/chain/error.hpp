// Error codes: one value per cause.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <type_traits>

namespace chain {

/// The outcome of a call: an `Errc`, an error of the system, or none.
using error_code = boost::system::error_code;
/// A value, or the `error_code` that says why there is none.
template <class T>
using result = boost::system::result<T>;

/// Why a call failed. Values are never reused; `make_error_code(e).message()` says what to do.
enum class Errc {
    join_crashed = 1,      ///< A join handler threw.
    unmatched_topic,       ///< No channel serves the topic.
    join_wildcard_topic,   ///< A client tried to join a topic with `*`.
    not_joined,            ///< The socket has left its topic, or never finished joining it.
    invalid_event,         ///< The event name is not allowed.
    invalid_topic,         ///< The topic name is not allowed.
    invalid_payload,       ///< The payload cannot be written as JSON: a string is not UTF-8.
    not_json,              ///< A frame is not JSON (or not UTF-8).
    malformed_frame,       ///< A frame is JSON, but none that the protocol knows.
    binary_frame,          ///< A binary frame came in a dialect that has none.
    not_configured,        ///< The channel was not added to a handler yet.
    closed,                ///< The session, its lane or the handler has ended.
    already_replied,       ///< The token was used before.
    no_request,            ///< There is no client request to reply to.
    executor_not_serial,   ///< Two threads ran one lane at the same time.
    slow_consumer,         ///< The client reads too slowly; its backlog is over the limit.
    message_too_big,       ///< A message is over the size limit.
    too_many_topics,       ///< The session has joined as many topics as it may.
    too_many_sessions,     ///< The handler has as many sessions as it may.
    draining,              ///< The server is about to stop and takes nobody in.
    refused,               ///< The connect handler refused the client.
    invalid_cluster_frame, ///< Another node sent bytes that cannot be read.
    adapter_failed,        ///< The cluster adapter could not take the message.
    other_framing,         ///< The connection's framing is not that of the session.
    not_an_object,         ///< The payload is no JSON object, and clients need one.
    already_tracked,       ///< The owner tracks this presence key in this topic already.
    not_present,           ///< The owner does not track this presence key.
    too_many_metas,        ///< A presence key has as many metas as it may.
    meta_too_big,          ///< A presence meta, or its key, is over the size limit.
    invalid_meta,          ///< A presence meta is not a JSON object.
    adapter_down,          ///< The broker cannot be reached now.
    adapter_full,          ///< Too much waits for the broker.
    broker_silent,         ///< The broker did not answer in time.
    broker_refused,        ///< The broker answered with an error.
    broker_trimmed,        ///< The broker dropped messages before this node had read them.
    replaced,              ///< A newer connection has taken the session over.
    oldest_dropped,        ///< Old frames made room for newer ones, as the channel wants it.
    conflated,             ///< A newer frame took an older one's place, as the channel wants it.
    rate_limited,          ///< A peer address connects more often than it may.
    too_many_sessions_of_peer, ///< A peer address has as many sessions as it may.
    text_only,                 ///< The frame is binary, and the connection carries text only.
};

/// The category of `Errc`; its name is "chain".
const boost::system::error_category& error_category() noexcept;

/// @return the `error_code` of `code`.
error_code make_error_code(Errc code) noexcept;

} // namespace chain

/// @cond
template <>
struct boost::system::is_error_code_enum<chain::Errc> : std::true_type {};
/// @endcond
