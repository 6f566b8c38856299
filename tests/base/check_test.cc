#include "base/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <string>

namespace skald {
namespace {

struct Ended {
    int status = 0;
    std::string written;
};

// Runs `body` in a child process with stderr in a pipe; the child ends with 0 if the body returns.
template <typename Body>
Ended run_in_child(Body body) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // Catch2's handler would report the child's end as ours
        ::dup2(ends[1], STDERR_FILENO);
        body();
        ::_exit(0);
    }
    ::close(ends[1]);
    Ended ended;
    std::array<char, 256> part{};
    for (ssize_t got = 0; (got = ::read(ends[0], part.data(), part.size())) > 0;) {
        ended.written.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    REQUIRE(::waitpid(child, &ended.status, 0) == child);
    return ended;
}

}  // namespace

TEST_CASE("check: a true condition does nothing and evaluates once", "[base]") {
    int evaluations = 0;
    SKALD_CHECK(++evaluations == 1, "evaluated more than once");
    CHECK(evaluations == 1);
}

TEST_CASE("check: the message is evaluated only on failure", "[base]") {
    bool built = false;
    const auto message = [&built] {
        built = true;
        return std::string_view("never printed");
    };
    SKALD_CHECK(!built, message());
    CHECK_FALSE(built);
}

TEST_CASE("check: a false condition says where and why, then aborts", "[base][crash]") {
    const Ended ended = run_in_child([] { SKALD_CHECK(1 + 1 == 3, "sums are broken"); });
    REQUIRE(WIFSIGNALED(ended.status));
    CHECK(WTERMSIG(ended.status) == SIGABRT);
    CHECK_THAT(ended.written, Catch::Contains("check_test.cc:"));
    CHECK_THAT(ended.written, Catch::Contains("1 + 1 == 3: sums are broken\n"));
}

}  // namespace skald
