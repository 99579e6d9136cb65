// Definitions of <chain/reply.hpp>.
#pragma once

#include <chain/reply.hpp>

namespace chain {

result<Payload> Reply::payload() const {
    if (json_.is_discarded()) return payload_;
    return Payload::from_json(json_);
}

} // namespace chain
