// How topics are written as NATS subjects.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// `prefix.` and the topic: a colon between two parts is a dot; dots, `*`, `>`, `%`, white space,
/// control characters, bytes above 126 and all other colons are percent-encoded.
std::string nats_subject(std::string_view prefix, std::string_view topic);
/// The topic of such a subject, or nothing when the subject does not begin with the prefix.
std::optional<std::string> nats_topic(std::string_view prefix, std::string_view subject);
/// Subjects with wildcards that together match at least all topics that begin with `start`.
std::vector<std::string> nats_wildcards(std::string_view prefix, std::string_view start);

} // namespace chain::detail
