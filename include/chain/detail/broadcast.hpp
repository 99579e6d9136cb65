// Broadcast: one event on its way to a topic's subscribers, when it has to be kept or shared
// between lanes.
#pragma once

#include <chain/config.hpp>
#include <chain/detail/framing.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/message.hpp>
#include <chain/serializer.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class Membership;

/// Immutable once made; it owns its bytes.
class Broadcast : public RefCounted<Broadcast> {
  public:
    /// Copies `message`, and encodes it for each of `serializers`, also compressed unless
    /// `compression` is null.
    Broadcast(const Message& message, Ref<Membership> except,
              std::span<const Serializer* const> serializers, const Compression* compression);
    ~Broadcast();

    /// The event as a message; its views look into this object.
    const Message& message() const noexcept { return message_; }
    /// The membership that does not get it, or null.
    const Membership* except() const noexcept { return except_.get(); }

    struct Encoded {
        const Serializer* serializer;
        std::string text;
        bool binary;
        std::optional<std::string> deflated; ///< Nothing where it would not be smaller.
    };
    /// The text of a serializer that was given as connections of this framing get it, or nothing
    /// when that was not prepared.
    std::optional<FrameText> encoded(const Serializer& serializer, Framing framing) const noexcept;

  private:
    std::string topic_, event_, payload_;
    Message message_;
    Ref<Membership> except_;
    std::vector<Encoded> encoded_;
    bool deflates_;
};

} // namespace chain::detail
