// A client over server-sent events, and a browser: the cookies that its tabs share.
#pragma once

#include "raw_client.hpp"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// A stream of events, and the head of the answer that it came with.
class SseStream {
  public:
    SseStream(std::uint16_t port, const std::string& request, int receive_buffer = 0)
        : client_(port, receive_buffer) {
        client_.send(request);
        head_ = until("\r\n");
        while (auto line = until("\r\n")) {
            if (line->empty()) break;
            fields_.push_back(*line);
        }
    }

    int status() const { return head_ ? std::stoi(head_->substr(9, 3)) : 0; }
    /// The header fields as they came, without the status line.
    const std::vector<std::string>& fields() const { return fields_; }
    /// The values of the fields of this name.
    std::vector<std::string> all(std::string_view name) const {
        std::vector<std::string> values;
        for (const auto& field : fields_)
            if (field.starts_with(std::string(name) + ": "))
                values.push_back(field.substr(name.size() + 2));
        return values;
    }
    std::string header(std::string_view name) const {
        const auto values = all(name);
        return values.empty() ? std::string() : values.front();
    }

    /// The next lines up to an empty one; nothing at the end of the stream.
    std::optional<std::string> block() { return until("\n\n"); }
    /// The next event's data. Its `id` is checked: numbers are consecutive within one stream.
    /// @return nothing at the end of the stream
    std::optional<std::string> next() {
        for (;;) {
            const auto text = block();
            if (!text) return std::nullopt;
            if (text->starts_with(":") || text->starts_with("retry:")) continue;
            const auto data = text->find("\ndata: ");
            if (!text->starts_with("id: ") || data == std::string::npos)
                throw std::runtime_error("no event: " + *text);
            check_id(text->substr(4, data - 4));
            return text->substr(data + 7);
        }
    }
    std::string receive() {
        auto data = next();
        if (!data) throw std::runtime_error("the server ended the stream");
        return std::move(*data);
    }
    /// Did the server end the stream, whatever came before?
    bool ends() {
        while (block()) {
        }
        return true;
    }
    const std::string& epoch() const { return epoch_; }
    unsigned long number() const { return number_; }
    void close() { client_.close(); }
    RawClient& raw() { return client_; }

  private:
    void check_id(const std::string& id) {
        const auto dash = id.find('-');
        if (dash == std::string::npos) throw std::runtime_error("a wrong id: " + id);
        const auto epoch = id.substr(0, dash);
        const auto number = std::stoul(id.substr(dash + 1));
        const bool first = epoch_.empty();
        if (!first && (epoch != epoch_ || number != number_ + 1))
            throw std::runtime_error("the id " + id + " after number " + std::to_string(number_));
        epoch_ = epoch;
        number_ = number;
    }
    std::optional<std::string> until(std::string_view end) {
        for (;;) {
            const auto rest = client_.rest().substr(at_);
            const auto found = rest.find(end);
            if (found != std::string_view::npos) {
                at_ += found + end.size();
                return std::string(rest.substr(0, found));
            }
            if (!client_.fill()) return std::nullopt;
        }
    }

    RawClient client_;
    std::size_t at_ = 0; ///< How much of what the client holds was taken.
    std::optional<std::string> head_;
    std::vector<std::string> fields_;
    std::string epoch_;
    unsigned long number_ = 0;
};

/// Tabs of one browser.
class SseBrowser {
  public:
    explicit SseBrowser(std::uint16_t port) : port_(port) {}

    SseStream open(const std::string& sid = "tab", const std::string& query = {},
                   const std::string& headers = {}, int receive_buffer = 0) {
        SseStream stream(port_, get(sid, query, headers), receive_buffer);
        keep(stream);
        return stream;
    }
    std::string get(const std::string& sid, const std::string& query = {},
                    const std::string& headers = {}) const {
        return "GET /socket/sse?sid=" + sid + query + " HTTP/1.1\r\nHost: test\r\n" +
               cookie_line() + headers + "\r\n";
    }
    std::string post(const std::string& sid, const std::string& body,
                     const std::string& headers = {},
                     const std::string& type = "application/json") const {
        return "POST /socket/sse?sid=" + sid + " HTTP/1.1\r\nHost: test\r\n" + cookie_line() +
               headers + (type.empty() ? "" : "Content-Type: " + type + "\r\n") +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    HttpReply say(const std::string& body, const std::string& sid = "tab",
                  const std::string& headers = {}, const std::string& type = "application/json") {
        if (!poster_) poster_.emplace(port_);
        auto reply = poster_->request(post(sid, body, headers, type));
        if (reply.header("connection") == "close") poster_.reset();
        return reply;
    }
    /// Takes the cookies of an answer.
    void keep(const SseStream& stream) {
        for (const auto& line : stream.all("Set-Cookie")) {
            const auto equals = line.find('=');
            const auto name = line.substr(0, equals);
            std::erase_if(cookies_, [&](const auto& item) { return item.first == name; });
            const auto value = line.substr(equals + 1, line.find(';') - equals - 1);
            if (line.find("; Max-Age=0") == std::string::npos) cookies_.emplace_back(name, value);
        }
    }
    std::string cookie(const std::string& sid = "tab") const {
        for (const auto& [name, value] : cookies_)
            if (name == "chain." + sid) return value;
        return {};
    }
    /// Name and value of each, the oldest first, as browsers send them.
    std::vector<std::pair<std::string, std::string>>& cookies() { return cookies_; }
    /// Opens a tab that has joined `topic` with join reference 1.
    SseStream member(const std::string& topic, const std::string& sid = "tab") {
        auto stream = open(sid);
        if (say(R"([0,1,1,")" + topic + R"(","_join",{}])", sid).status != 200)
            throw std::runtime_error("the join was not taken");
        const auto reply = stream.receive();
        if (!reply.starts_with("[1,1,1,0,")) throw std::runtime_error("not joined: " + reply);
        return stream;
    }

  private:
    std::string cookie_line() const {
        if (cookies_.empty()) return {};
        std::string line = "Cookie: ";
        for (const auto& [name, value] : cookies_) line += name + "=" + value + "; ";
        line.resize(line.size() - 2);
        return line + "\r\n";
    }

    std::uint16_t port_;
    std::vector<std::pair<std::string, std::string>> cookies_;
    std::optional<RawClient> poster_;
};

} // namespace test
