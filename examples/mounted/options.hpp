// What the program's arguments say.
#pragma once

#include <chain/tls.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

/// What the program is to do.
struct Options {
    std::uint16_t port = 8080;
    bool lanes = false;
    std::shared_ptr<chain::Tls> tls;
};

/// [port] [--lanes] [--tls certificate.pem key.pem]
inline Options read_options(std::deque<std::string> words) {
    Options options;
    for (; !words.empty(); words.pop_front()) {
        if (words[0] == "--lanes") {
            options.lanes = true;
        } else if (words[0] == "--tls" && words.size() > 2) {
            options.tls = std::make_shared<chain::Tls>(chain::TlsConfig{words[1], words[2]});
            words.erase(words.begin(), words.begin() + 2);
        } else {
            options.port = static_cast<std::uint16_t>(std::stoul(words[0]));
        }
    }
    return options;
}
