// The service in chain's own server.
#include "service.hpp"

#include <chain/server.hpp>
#include <chain/tls.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
    const auto options = bench::read_server_options(argc, argv);
    std::shared_ptr<chain::Tls> tls;
    if (!options.certificate.empty())
        tls = std::make_shared<chain::Tls>(chain::TlsConfig{options.certificate, options.key});
    chain::Server server{{.port = options.port, .threads = options.threads, .tls = tls}};
    server.mount(bench::make_handler(options));
    std::cout << "listening on " << options.port << std::endl;
    server.run();
} catch (const std::exception& error) {
    std::cerr << "chain_server: " << error.what() << '\n';
    return EXIT_FAILURE;
}
