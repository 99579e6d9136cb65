// The chain protocol's dialect.
#pragma once

#include <chain/serializer.hpp>

#include <memory>

namespace chain {

/// The chain protocol: JSON arrays whose first element is the kind (docs/protocol.md).
class ChainSerializer final : public Serializer {
  public:
    std::string_view name() const noexcept override;
    error_code decode(std::string_view frame, bool binary, unsigned max_depth,
                      Message& out) const override;
    bool encode(const Message& message, std::string& out) const override;
    const Lifecycle& lifecycle() const noexcept override;
};

/// The one object of it.
const std::shared_ptr<const ChainSerializer>& chain_serializer();

} // namespace chain
