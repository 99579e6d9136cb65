// Fuzzes what nodes read of one another: a frame is refused, or is whole, may be forwarded to
// clients as it is, and is written as it was read.

// This target is one translation unit, so that the reader is instrumented however the library was
// built.
#include <chain/impl/detail/cluster_frame.ipp>
#include <chain/impl/error.ipp>
#include <chain/impl/json_scan.ipp>
#include <chain/impl/topic.ipp>
#include <chain/impl/utf8.ipp>

#include "support.hpp"

#include <nlohmann/json.hpp>

namespace {

using chain::detail::ClusterFrame;
using fuzz::require;

bool same(const ClusterFrame& a, const ClusterFrame& b) {
    return a.kind == b.kind && a.binary == b.binary && a.node == b.node && a.topic == b.topic &&
           a.event == b.event && a.payload == b.payload;
}

void check(const ClusterFrame& frame) {
    require(chain::valid_topic(frame.topic), "topics are valid");
    if (frame.kind == ClusterFrame::Kind::broadcast)
        require(chain::valid_event(frame.event), "events of broadcasts are valid");
    if (frame.binary) return;
    require(frame.payload.find('\n') == std::string_view::npos, "a payload is one line");
    require(nlohmann::json::accept(frame.payload), "a payload is JSON");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::text_of(data, size);
    const auto frame = chain::detail::read_cluster_frame(bytes);
    if (!frame) {
        require(frame.error() == chain::Errc::invalid_cluster_frame, "refusals are told as such");
        return 0;
    }
    require(chain::detail::is_cluster_frame(bytes), "a frame is known by its beginning");
    check(*frame);
    const auto written = chain::detail::write_cluster_frame(*frame);
    const auto again = chain::detail::read_cluster_frame(written);
    require(again && same(*frame, *again), "what is written reads the same");
    require(chain::detail::write_cluster_frame(*again) == written, "writing is stable");
    return 0;
}
