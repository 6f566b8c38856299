
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

// What bash offers for these words, the last being incomplete.
std::string offered(const std::string& script_path, const std::string& words, int at) {
    const std::string command = "bash -c 'source " + script_path + "; COMP_WORDS=(" + words +
                                "); COMP_CWORD=" + std::to_string(at) +
                                "; _skald; echo \"${COMPREPLY[*]}\"'";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out(4096, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), pipe));
    REQUIRE(::pclose(pipe) == 0);
    return out.substr(0, out.find('\n'));
}

}  // namespace

TEST_CASE("completion: bash completes commands, options and words") {
    Harness harness;
    const Ran ran = harness.run({"completion", "bash"});
    REQUIRE(ran.status == 0);
    const TempDirectory directory;
    const std::string path = directory.path("skald.bash");
    std::ofstream(path) << ran.out;
    CHECK(offered(path, "skald p", 1) == "pub projection");
    CHECK(offered(path, "skald stream ", 2) == "ls info truncate delete limits");
    CHECK(offered(path, "skald stream t", 2) == "truncate");
    CHECK(offered(path, "skald import --rec", 2) == "--receipts");
    CHECK(offered(path, "skald import --on-error s", 3) == "stop skip");
    CHECK(offered(path, "skald completion z", 2) == "zsh");
    CHECK(offered(path, "skald read order-1 --js", 3) == "--json");
    CHECK(offered(path, "skald stream info --time", 3) == "--timeout");
    CHECK(offered(path, "skald pub s --expect \"\"", 4) == "any none exists");
    CHECK(offered(path, "skald sub --from \"\"", 3) == "start end");
    CHECK(offered(path, "skald --output j", 2) == "json");
    CHECK(offered(path, "skald -o \"\"", 2) == "text json");
}

TEST_CASE("completion: zsh gets every command; other shells are refused") {
    Harness harness;
    const Ran ran = harness.run({"completion", "zsh"});
    CHECK(ran.out.starts_with("#compdef skald\n"));
    CHECK(ran.out.find("'truncate:Remove the oldest events'") != std::string::npos);
    CHECK(ran.out.find(R"('--id:the event\'s id\:)") == std::string::npos);
    CHECK(ran.out.find(R"(`-`\: data)") == std::string::npos);
    CHECK(ran.out.find(R"('--server:servers to use; default $SKALD_SERVER, else )"
                       R"(tcp\://127.0.0.1\:7400')") != std::string::npos);
    const Ran fish = harness.run({"completion", "fish"});
    CHECK(fish.status == 2);
    CHECK(
        fish.err ==
        "skald: completion: SHELL: `fish` is not one of bash|zsh; see `skald completion --help`\n");
}

}  // namespace skald::cli
