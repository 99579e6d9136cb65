// Who may connect, and who may enter which room: open what it prints, with one of its tokens.
#include <chain/chain.hpp>
#include <chain/server.hpp>

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

using chain::Reply, chain::Session, chain::Socket;

namespace {

struct User {
    std::string name;
};

// Which rooms a user may enter. An application asks its database.
const std::map<std::string, std::set<std::string>, std::less<>> rooms{
    {"Ann", {"room:red", "room:blue"}},
    {"Bob", {"room:blue"}},
};

/// Issues and checks tokens: NAME.EXPIRES.SIGNATURE. Whoever logs people in shares the secret.
class Tokens {
  public:
    Tokens() {
        if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1)
            throw std::runtime_error("there are no random bytes");
    }

    std::string issue(std::string_view name, std::chrono::seconds life) const {
        auto claim = std::string(name) + '.' + std::to_string(std::time(nullptr) + life.count());
        return claim + '.' + signature(claim);
    }

    /// Whose token it is; nobody's when it is forged or has expired.
    std::optional<std::string> owner(std::string_view token) const {
        const auto end = token.rfind('.');
        if (end == token.npos) return std::nullopt;
        const auto claim = token.substr(0, end), given = token.substr(end + 1);
        const auto right = signature(claim);
        // In constant time: how long it takes must not tell how much of a forgery is right.
        if (given.size() != right.size() ||
            CRYPTO_memcmp(given.data(), right.data(), right.size()) != 0)
            return std::nullopt;
        const auto dot = claim.rfind('.');
        if (std::stoll(std::string(claim.substr(dot + 1))) < std::time(nullptr))
            return std::nullopt;
        return std::string(claim.substr(0, dot));
    }

  private:
    std::string signature(std::string_view claim) const {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
        unsigned size = 0;
        HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
             reinterpret_cast<const unsigned char*>(claim.data()), claim.size(), digest.data(),
             &size);
        std::string text;
        for (unsigned i = 0; i < size; ++i)
            for (const int half : {digest[i] >> 4, digest[i] & 15})
                text += "0123456789abcdef"[half];
        return text;
    }

    std::array<unsigned char, 32> secret_;
};

chain::Channel room_channel() {
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket) -> Reply {
        const auto user = rooms.find(socket.session().state<User>().name);
        if (user == rooms.end() || !user->second.contains(socket.topic()))
            return Reply::error("this room is not for you");
        return Reply::ok({{"name", user->first}});
    });
    room.on("say", [](Socket& socket, const std::string& text) {
        socket.broadcast("said", {{"from", socket.session().state<User>().name}, {"text", text}});
    });
    return room;
}

} // namespace

int main(int argc, char** argv) try {
    const Tokens tokens;
    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(room_channel());
    handler.on_connect([&](Session& session, const chain::Request& request) {
        const auto owner = tokens.owner(request.cookie("token").value_or(""));
        if (owner) session.state<User>().name = *owner;
        return owner ? std::optional<chain::Refusal>() : chain::Refusal{403, "bad token"};
    });
    const std::string text = argc > 1 ? argv[1] : "8080";
    std::uint16_t port = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (bad != std::errc() || *end) throw std::invalid_argument("'" + text + "' is not a port");
    chain::Server server{{.port = port, .static_dir = argc > 2 ? argv[2] : AUTH_PUBLIC_DIR}};
    server.mount(handler).listen();
    for (const auto& [name, _] : rooms)
        std::cout << name << ": " << tokens.issue(name, std::chrono::hours(1)) << '\n';
    std::cout << "The rooms are at http://localhost:" << server.port() << std::endl;
    server.run(); // until SIGINT or SIGTERM, then drains
} catch (const std::exception& error) {
    std::cerr << "auth: " << error.what() << "\nusage: auth [port] [folder of the page]\n";
    return 1;
}
