// Place: where the connection of a request lives.
#pragma once

#include <boost/asio/any_io_executor.hpp>

namespace chain::detail {

/// Where the connection of a request lives, and so where a session that it opens may live.
struct Place {
    boost::asio::any_io_executor executor; ///< The connection's own, which is serial.
    bool movable = false;                  ///< Can the connection be moved to another context?
};

} // namespace chain::detail
