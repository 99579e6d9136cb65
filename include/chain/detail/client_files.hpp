// The browser client's files, compiled into the library.
#pragma once

#include <span>
#include <string_view>

namespace chain::detail {

/// One file of the browser client as it is served. All views have static storage duration.
struct ClientFile {
    std::string_view name;         ///< File name without a directory, such as `chain.js`.
    std::string_view content_type; ///< Value of the Content-Type header.
    std::string_view etag; ///< Value of the ETag header: a quoted hash of this file's content.
    std::string_view content;
};

/// All files of the browser client: chain.js, its source map, its types, and its source.
std::span<const ClientFile> client_files() noexcept;

} // namespace chain::detail
