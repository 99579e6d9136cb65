// An application that uses the installed adapter.
#include <chain/adapters/nats.hpp>

#include <boost/asio/io_context.hpp>

int main() {
    boost::asio::io_context context;
    const chain::NatsAdapter adapter(context.get_executor());
    return adapter.ready() ? 1 : 0;
}
