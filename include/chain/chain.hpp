// All that channel code needs: handlers, channels, sockets, payloads, errors. Nothing of Beast.
#pragma once

#include <chain/adapter.hpp>
#include <chain/channel.hpp>
#include <chain/config.hpp>
#include <chain/connection.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/handler.hpp>
#include <chain/json.hpp>
#include <chain/message.hpp>
#include <chain/observer.hpp>
#include <chain/origin.hpp>
#include <chain/payload.hpp>
#include <chain/pubsub.hpp>
#include <chain/reply.hpp>
#include <chain/reply_token.hpp>
#include <chain/request.hpp>
#include <chain/serializer.hpp>
#include <chain/serializers/chain.hpp>
#include <chain/serializers/phoenix.hpp>
#include <chain/session.hpp>
#include <chain/socket.hpp>
#include <chain/topic.hpp>
#include <chain/transport.hpp>
#include <chain/version.hpp>
