// Definitions of <chain/detail/http_site.hpp>, without the connections.
#pragma once

#include <chain/detail/client_files.hpp>
#include <chain/detail/endpoint.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_site.hpp>
#include <chain/detail/text.hpp>
#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

namespace chain::detail {

void HttpSite::mount(Handler handler) {
    const auto same = [&](const Handler& other) {
        return other.config().endpoint == handler.config().endpoint;
    };
    if (std::ranges::any_of(handlers_, same))
        throw std::invalid_argument("chain: endpoint \"" + handler.config().endpoint +
                                    "\" is mounted twice");
    if (HandlerAccess::core(handler)->transports().empty())
        handler.add(std::make_shared<WebSocketTransport>())
            .add(std::make_shared<SseTransport>())
            .add(std::make_shared<LongPollTransport>());
    handlers_.push_back(std::move(handler));
}

HttpTransport* HttpSite::transport(std::string_view path) const noexcept {
    for (const auto& handler : handlers_) {
        if (!handler.serves(path)) continue;
        const auto rest = *below_endpoint(handler.config().endpoint, path);
        for (const auto& transport : HandlerAccess::core(handler)->transports())
            if (!rest.empty() && rest.substr(1) == transport->name())
                return dynamic_cast<HttpTransport*>(transport.get());
    }
    return nullptr;
}

HttpAnswer plain_text(int status, std::string text) {
    return {status,
            {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
            std::move(text),
            {}};
}

HttpAnswer not_found() { return plain_text(404, "not found\n"); }

/// 304 when the client has this version already.
HttpAnswer cacheable(const Request& request, std::string_view type, std::string etag,
                     std::string body) {
    HttpAnswer answer{
        200,
        {{"ETag", etag}, {"Cache-Control", "no-cache"}, {"X-Content-Type-Options", "nosniff"}},
        {},
        {}};
    const auto known = request.header("If-None-Match");
    if (known && (known == "*" || known->find(etag) != std::string_view::npos)) {
        answer.status = 304;
    } else {
        answer.headers.emplace_back("Content-Type", type);
        answer.body = std::move(body);
    }
    return answer;
}

HttpAnswer HttpSite::answer(const Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        auto answer = plain_text(405, "method not allowed\n");
        answer.headers.emplace_back("Allow", "GET, HEAD");
        return answer;
    }
    const auto path = request.path();
    for (const auto& handler : handlers_) {
        if (!handler.serves(path)) continue;
        const auto rest = *below_endpoint(handler.config().endpoint, path);
        return rest.empty() ? not_found() : client_file(request, rest.substr(1));
    }
    if (path == "/healthz") return health(true);
    if (path == "/readyz") return health(!draining());
    auto client = path.empty() ? not_found() : client_file(request, path.substr(1));
    return client.status == 404 ? static_file(request) : client;
}

HttpAnswer HttpSite::health(bool good) const {
    return good ? plain_text(200, "ok\n") : plain_text(503, "draining\n");
}

HttpAnswer HttpSite::client_file(const Request& request, std::string_view name) const {
    for (const auto& file : client_files())
        if (file.name == name)
            return cacheable(request, file.content_type, std::string(file.etag),
                             std::string(file.content));
    return not_found();
}

std::string_view content_type(std::string_view extension) noexcept {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 16> types{{
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".txt", "text/plain; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".webmanifest", "application/manifest+json"},
    }};
    const auto known = [&](const auto& item) { return item.first == extension; };
    const auto found = std::ranges::find_if(types, known);
    return found == types.end() ? "application/octet-stream" : found->second;
}

/// The file of `root` that a request path names, if it is a plain file that lies within.
std::optional<std::filesystem::path> find_file(const std::string& root, std::string_view path) {
    namespace fs = std::filesystem;
    auto relative = percent_decode(path, false);
    if (relative.empty() || relative.front() != '/' || relative.find('\0') != std::string::npos)
        return std::nullopt;
    if (relative.back() == '/') relative += "index.html";
    std::error_code failed;
    const auto base = fs::canonical(root, failed);
    if (failed) return std::nullopt;
    const auto file = fs::canonical(base / relative.substr(1), failed);
    if (failed || !fs::is_regular_file(file, failed)) return std::nullopt;
    const auto inside =
        std::mismatch(base.begin(), base.end(), file.begin(), file.end()).first == base.end();
    return inside ? std::optional(file) : std::nullopt;
}

HttpAnswer HttpSite::static_file(const Request& request) const {
    if (config_.static_dir.empty()) return not_found();
    const auto file = find_file(config_.static_dir, request.path());
    if (!file) return not_found();
    std::ifstream in(*file, std::ios::binary);
    if (!in) return not_found();
    std::string body{std::istreambuf_iterator<char>(in), {}};
    const auto etag = '"' + std::to_string(std::hash<std::string>{}(body)) + '"';
    return cacheable(request, content_type(file->extension().string()), etag, std::move(body));
}

} // namespace chain::detail
