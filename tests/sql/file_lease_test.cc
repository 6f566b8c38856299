#include "sql/file_lease.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/temp_directory.h"

namespace skald::sql {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("file lease: one holder of a name, with a term above those committed", "[sql]") {
    const TempDirectory directory;
    const std::string path = directory.path("lock");
    FileLease first(path, [] { return Result<std::uint64_t>(6); });
    FileLease second(path, [] { return Result<std::uint64_t>(6); });
    auto term = first.acquire("a@1", 0ms);
    REQUIRE(term);
    CHECK(*term == 7);
    CHECK(second.acquire("a@1", 0ms).error().code == Errc::busy);
    CHECK(second.acquire("a@2", 0ms));
    first.release("a@1", 6);  // a term that is over
    CHECK(second.acquire("a@1", 0ms).error().code == Errc::busy);
    first.release("a@1", 7);
    CHECK(second.acquire("a@1", 0ms));
}

TEST_CASE("file lease: it ends with the process that holds it", "[sql]") {
    const TempDirectory directory;
    const std::string path = directory.path("lock");
    int holds[2];
    REQUIRE(pipe(holds) == 0);
    const pid_t child = fork();
    if (child == 0) {
        FileLease lease(path, [] { return Result<std::uint64_t>(0); });
        (void)!write(holds[1], lease.acquire("a@1", 0ms) ? "y" : "n", 1);
        pause();
        _exit(0);
    }
    char held = 'n';
    REQUIRE(read(holds[0], &held, 1) == 1);
    REQUIRE(held == 'y');
    FileLease lease(path, [] { return Result<std::uint64_t>(0); });
    CHECK(lease.acquire("a@1", 0ms).error().code == Errc::busy);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(lease.acquire("a@1", 0ms));
    close(holds[0]);
    close(holds[1]);
}

TEST_CASE("file lease: where no term can be read nobody holds it", "[sql]") {
    const TempDirectory directory;
    bool broken = true;
    FileLease lease(directory.path("lock"), [&broken]() -> Result<std::uint64_t> {
        return broken ? Result<std::uint64_t>(Error(Errc::corrupt, "told to"))
                      : Result<std::uint64_t>(1);
    });
    CHECK(lease.acquire("a@1", 0ms).error().code == Errc::corrupt);
    broken = false;
    CHECK(lease.acquire("a@1", 0ms));
    FileLease nowhere(directory.path("no/lock"), [] { return Result<std::uint64_t>(1); });
    CHECK(nowhere.acquire("a@1", 0ms).error().code == Errc::io_error);
}

}  // namespace skald::sql
