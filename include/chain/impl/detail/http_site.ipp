// Definitions of <chain/detail/http_site.hpp>, without the connections.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_handler.hpp>
#include <chain/detail/http_site.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

namespace chain::detail {

HttpSite::HttpSite(const ServerConfig& config) : config_(config) {
    std::error_code failed;
    const auto& folder = config_.static_dir;
    if (!folder.empty() && !std::filesystem::is_directory(folder, failed))
        throw std::invalid_argument("chain: static_dir \"" + folder + "\" is not a folder");
    const auto& client = config_.client_path;
    if (!client.empty() && (client.front() != '/' || client.back() != '/'))
        throw std::invalid_argument("chain: client_path \"" + client +
                                    "\" does not begin and end with /");
}

void HttpSite::mount(Handler handler) {
    const auto same = [&](const Handler& other) {
        return other.config().endpoint == handler.config().endpoint;
    };
    if (std::ranges::any_of(handlers_, same))
        throw std::invalid_argument("chain: endpoint \"" + handler.config().endpoint +
                                    "\" is mounted twice");
    set_up_http(*HandlerAccess::core(handler));
    handlers_.push_back(std::move(handler));
}

HttpAnswer HttpSite::refuse(Request request, int status, std::string_view why) const {
    for (const auto& handler : handlers_)
        if (handler.serves(request.path()))
            return refuse_unread(*HandlerAccess::core(handler), std::move(request), status, why);
    return plain_text(status, std::string(why) + '\n');
}

void HttpSite::serve(const Place& place, Request&& request, HttpTransport::Respond respond) const {
    for (const auto& handler : handlers_)
        if (handler.serves(request.path()))
            return serve_request(*HandlerAccess::core(handler), place, std::move(request),
                                 std::move(respond));
    respond(answer(request));
}

HttpAnswer HttpSite::answer(const Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") return wrong_method("GET, HEAD");
    const auto path = request.path();
    if (path == "/healthz") return plain_text(200, "ok\n");
    if (path == "/readyz") return readiness();
    if (path == "/metrics" && config_.metrics) return metrics();
    const auto& folder = config_.client_path;
    auto client = folder.empty() || !path.starts_with(folder)
                      ? not_found()
                      : client_answer(request, path.substr(folder.size()));
    return client.status == 404 ? static_file(request) : client;
}

HttpAnswer HttpSite::readiness() const {
    const auto drains = [](const Handler& handler) { return handler.draining(); };
    if (draining() || std::ranges::any_of(handlers_, drains)) return plain_text(503, "draining\n");
    const auto cut_off = [](const Handler& handler) { return !handler.pubsub().ready(); };
    if (!config_.ready_without_broker && std::ranges::any_of(handlers_, cut_off))
        return plain_text(503, "no broker\n");
    return plain_text(200, "ok\n");
}

HttpAnswer HttpSite::metrics() const {
    try {
        return {200,
                {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                 {"Cache-Control", "no-store"}},
                config_.metrics(),
                {}};
    } catch (...) {
        return plain_text(500, "internal error\n");
    }
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
