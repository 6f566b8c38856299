#include "cli/terminal_progress.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace skald::cli {
namespace {

// A command's world whose standard error is a terminal.
struct World {
    StopSignal stop = StopSignal::create().value();
    MemorySource in{""};
    std::ostringstream out;
    std::ostringstream err;
    ManualClock clock;
    Console console{.in = in,
                    .out = out,
                    .err = err,
                    .out_is_terminal = false,
                    .err_is_terminal = true,
                    .environment = {},
                    .clock = clock,
                    .stop = stop};
    Globals globals;
    Backends backends;
    Invocation invocation{console, globals, backends};
};

}  // namespace

TEST_CASE("terminal_progress: begins after a second, at most ten times a second, and goes") {
    World world;
    {
        TerminalProgress progress(world.invocation, "import");
        progress.update(1, 4, 10);
        CHECK(world.err.str().empty());
        world.clock.advance(std::chrono::seconds(2));
        progress.update(1, 4, 10);
        CHECK(world.err.str() ==
              "\r\x1b[Kimport  25 %  [======>                 ]  10 events  5/s  ETA 0:06");
        world.err.str("");
        progress.update(2, 4, 20);
        CHECK(world.err.str().empty());
        world.clock.advance(std::chrono::milliseconds(100));
        progress.update(2, 4, 20);
        CHECK_FALSE(world.err.str().empty());
        world.err.str("");
    }
    CHECK(world.err.str() == "\r\x1b[K");
}

TEST_CASE("terminal_progress: nothing for those who want none") {
    World world;
    const auto shown = [&world] {
        TerminalProgress progress(world.invocation, "import");
        world.clock.advance(std::chrono::seconds(5));
        progress.update(1, 4, 10);
        return !world.err.str().empty();
    };
    world.globals.quiet = true;
    CHECK_FALSE(shown());
    world.globals.quiet = false;
    world.console.err_is_terminal = false;
    CHECK_FALSE(shown());
}

TEST_CASE("terminal_progress: without a total there is no bar") {
    CHECK(progress_line("export", "events", {5, std::nullopt, 50, std::chrono::seconds(2)}) ==
          "export  50 events  25/s");
    CHECK(progress_line("verify", "bytes", {4, 4, 4, std::chrono::seconds(2)}) ==
          "verify 100 %  [========================]  4 bytes  2/s  ETA 0:00");
}

}  // namespace skald::cli
