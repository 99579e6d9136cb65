// Random identifiers, which a thread makes in stock.
#include "../support/catch.hpp"

#include <chain/detail/random_id.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <set>

using chain::detail::make_random_id, chain::detail::RandomId;

TEST_CASE("random identifiers differ, also from one stock to the next") {
    std::set<RandomId> ids;
    for (int i = 0; i < 100; ++i) ids.insert(make_random_id());
    CHECK(ids.size() == 100);
    CHECK_FALSE(ids.contains(RandomId{}));
}

TEST_CASE("a child process does not make the identifiers that its parent had in stock") {
    static_cast<void>(make_random_id()); // now there is a stock
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const auto id = make_random_id();
        ::_exit(::write(ends[1], id.data(), id.size()) == sizeof id ? 0 : 1);
    }
    RandomId others;
    CHECK(::read(ends[0], others.data(), others.size()) == sizeof others);
    CHECK(others != make_random_id());
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    ::close(ends[0]);
    ::close(ends[1]);
}
