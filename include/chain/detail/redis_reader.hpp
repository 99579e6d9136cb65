// RedisReader: the connection that a node reads from.
#pragma once

#include <chain/detail/redis_connection.hpp>

#include <string>

namespace chain::detail {

class RedisReader : public RedisConnection {
  public:
    using RedisConnection::RedisConnection;

    // On the strand. A trailing `*` makes the topic a prefix.
    virtual void want(const std::string& topic) = 0;
    virtual void drop(const std::string& topic) = 0;
};

} // namespace chain::detail
