// The observer that writes to stderr.
#include "../support/core.hpp"

#include <cstdio>
#include <memory>

#include <unistd.h>

namespace {

/// What `f` writes to stderr.
template <class F>
std::string stderr_of(F f) {
    const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::tmpfile(), &std::fclose);
    REQUIRE(file);
    std::fflush(stderr);
    const int kept = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file.get()), STDERR_FILENO);
    f();
    std::fflush(stderr);
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    std::rewind(file.get());
    std::string text(1000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    return text;
}

} // namespace

TEST_CASE("stderr gets one line for each warning and error, whatever an exception's text holds") {
    chain::StderrObserver observer;
    CHECK(stderr_of([&] {
              observer.log(chain::LogLevel::info, "nobody asks");
              observer.handler_threw("room:*", chain::Hook::in, "no \"a\nchain: error: b\x1b[2J\"");
              observer.frames_dropped(3, make_error_code(chain::Errc::oldest_dropped));
              observer.frames_dropped(3, make_error_code(chain::Errc::closed));
          }) == "chain: error: the in handler of \"room:*\" threw: no \"a?chain: error: b?[2J\"\n");
}
