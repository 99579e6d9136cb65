// What the server had before it had a chat: a folder of files.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

/// The media type by a file's name.
inline std::string media_type(const std::filesystem::path& file) {
    if (file.extension() == ".html") return "text/html; charset=utf-8";
    if (file.extension() == ".js") return "text/javascript; charset=utf-8";
    if (file.extension() == ".css") return "text/css; charset=utf-8";
    if (file.extension() == ".svg") return "image/svg+xml";
    return "application/octet-stream";
}

/// Answers with a file that lies right in `folder`; `/` is index.html.
template <class Request>
boost::beast::http::response<boost::beast::http::string_body>
file_response(const Request& request, const std::filesystem::path& folder) {
    namespace http = boost::beast::http;
    std::string name(request.target().substr(1));
    name.resize(std::min(name.size(), name.find('?')));
    if (name.empty()) name = "index.html";
    const bool inside = name.find('/') == std::string::npos && name.front() != '.';
    std::ifstream in(folder / name, std::ios::binary);
    const bool found = inside && in;
    http::response<http::string_body> response(found ? http::status::ok : http::status::not_found,
                                               request.version());
    response.keep_alive(request.keep_alive());
    if (found) response.set(http::field::content_type, media_type(name));
    if (found) response.body().assign(std::istreambuf_iterator<char>(in), {});
    response.prepare_payload();
    return response;
}
