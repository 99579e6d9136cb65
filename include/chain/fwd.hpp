// Forward declarations of the public types, and the library's namespace aliases.
#pragma once

namespace boost::asio {}

/// The chain library: real-time channels for an existing C++ server.
namespace chain {

namespace net = boost::asio;

class Adapter;
class Channel;
class Connection;
class Handler;
class Observer;
class Payload;
class Presence;
class PresenceStore;
class PubSub;
class Reply;
class ReplyToken;
class Request;
class Serializer;
class Server;
class Session;
class Socket;
class Subscription;
class TopicPattern;
class Transport;
struct HandlerConfig;
struct Message;
struct PresenceConfig;
struct PresenceCounts;
struct Refusal;
struct ServerConfig;

namespace detail {
class ClusterService;
class HandlerCore;
class Lane;
class Membership;
class PresenceCore;
class PubSubCore;
class SessionCore;
struct ChannelCore;
} // namespace detail

} // namespace chain
