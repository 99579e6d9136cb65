// An application that uses the installed adapter.
#include <chain/adapters/redis.hpp>

#include <boost/asio/io_context.hpp>

int main() {
    boost::asio::io_context context;
    const chain::RedisAdapter adapter(context.get_executor());
    return adapter.ready() ? 1 : 0;
}
