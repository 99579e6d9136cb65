// Prints what an idle session consists of: the objects that it holds, and their sizes.
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/on_socket.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/topic_entry.hpp>
#include <chain/detail/ws_connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/reactive_wait_op.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdio>
#include <memory>

namespace {

/// As big as what waits for a connection to be readable.
struct ReadWait {
    void operator()(boost::system::error_code) {}
    std::shared_ptr<void> self;
};
template <class Executor>
using PendingWait = boost::asio::detail::reactive_wait_op<ReadWait, Executor>;

void line(const char* what, std::size_t bytes) { std::printf("%-34s %5zu\n", what, bytes); }

} // namespace

int main() {
    using namespace chain::detail;
    namespace net = boost::asio;
    line("SessionCore", sizeof(SessionCore));
    line("  Outbox", sizeof(Outbox));
    line("  StateSlot", sizeof(StateSlot));
    line("  Pending", sizeof(Pending));
    line("  room for a Membership", sizeof(MembershipRoom));
    line("Membership", sizeof(Membership));
    line("  Reference", sizeof(Reference));
    using ServerSocket = net::basic_stream_socket<net::ip::tcp, net::io_context::executor_type>;
    line("WsConnection over a socket", sizeof(OnSocket<WsConnection, ServerSocket>));
    line("  its socket", sizeof(ServerSocket));
    line("  StreamConnection", sizeof(StreamConnection));
    line("  WsDecoder", sizeof(WsDecoder));
    line("  any_io_executor adds", sizeof(net::ip::tcp::socket) - sizeof(ServerSocket));
    line("  TimerNode", sizeof(TimerNode));
    line("asio: descriptor state", sizeof(net::detail::epoll_reactor::descriptor_state));
    line("asio: pending wait", sizeof(PendingWait<net::io_context::executor_type>));
    line("  any_io_executor adds to it", sizeof(PendingWait<net::any_io_executor>) -
                                             sizeof(PendingWait<net::io_context::executor_type>));
    line("slot in Lane::sessions", sizeof(SessionCore*));
    line("slot in Group::members", sizeof(Membership*));
    line("slot in SessionTable", sizeof(SessionCore*));
    line("TopicEntry, for each topic", sizeof(TopicEntry));
    line("Group, for each topic", sizeof(Group));
}
