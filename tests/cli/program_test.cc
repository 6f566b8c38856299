#include "cli/program.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/version.h"
#include "tests/cli/harness.h"

namespace skald::cli {

TEST_CASE("program: wrong usage ends with 2 and says what is meant") {
    Harness harness;
    const std::vector<std::pair<std::vector<std::string>, std::string>> all{
        {{"pbu"}, "skald: unknown command `pbu`: did you mean `pub`?; see `skald --help`\n"},
        {{"frobnicate"}, "skald: unknown command `frobnicate`; see `skald --help`\n"},
        {{"stream", "inof"},
         "skald: stream: unknown command `inof`: did you mean `info`?; see `skald stream "
         "--help`\n"},
        {{"read", "s", "--limti", "3"},
         "skald: read: unknown option --limti: did you mean `--limit`?; see `skald read --help`\n"},
        {{"read", "s", "t"}, "skald: read: unexpected argument `t`; see `skald read --help`\n"},
        {{"read", "s", "--limit", "x"},
         "skald: read: --limit: `x` is not a number from 1 to 18446744073709551615; see `skald "
         "read --help`\n"},
        {{"read", "s", "--limit", "-1"},
         "skald: read: --limit: `-1` is not a number from 1 to 18446744073709551615; see `skald "
         "read --help`\n"},
        {{"read", "s", "--timeout", "abc"},
         "skald: read: --timeout `abc`: not a duration, as 250ms, 10s, 5m, 24h or 7d; see `skald "
         "read --help`\n"},
        {{"read", "s", "--data", "d", "-s", "tcp://127.0.0.1:1"},
         "skald: read: --data and --server exclude each other\n"},
        {{"pub", "s", "--type", "T", "--dir", "d", "-s", "tcp://127.0.0.1:1"},
         "skald: pub: --dir and --server exclude each other\n"},
        {{"pub", "s"}, "skald: pub: --type is required; see `skald pub --help`\n"},
        {{"read", "s", "--all"}, "skald: read: STREAM excludes --all; see `skald read --help`\n"},
    };
    for (const auto& [words, message] : all) {
        CAPTURE(words);
        const Ran ran = harness.run(words);
        CHECK(ran.status == 2);
        CHECK(ran.out.empty());
        CHECK(ran.err == message);
    }
}

TEST_CASE("program: no command lists them all") {
    Harness harness;
    const Ran ran = harness.run({});
    CHECK(ran.status == 2);
    CHECK(ran.err.starts_with("skald: a command is missing: one of serve, pub, import, "));
    CHECK(harness.run({"stream"}).err ==
          "skald: stream: a command is missing: one of ls, info, truncate, delete, limits; see "
          "`skald stream --help`\n");
}

TEST_CASE("program: with --json an error is an object as well") {
    Harness harness;
    const Ran ran = harness.run({"--json", "read", "s", "--data", "none"});
    CHECK(ran.status == 3);
    CHECK(ran.err == "skald: read: none: no log here\n");
    CHECK(nlohmann::json::parse(ran.out) ==
          nlohmann::json{{"error", "not_found"}, {"code", 300}, {"message", "none: no log here"}});
    const Ran usage = harness.run({"pbu", "--json"});
    CHECK(usage.status == 2);
    CHECK(nlohmann::json::parse(usage.out)["error"] == "invalid_argument");
    const std::vector<std::vector<std::string>> asked{
        {"-o", "json", "pbu"}, {"pbu", "-ojson"}, {"pbu", "--output=json"}, {"--output", "json"}};
    for (const auto& words : asked) {
        CAPTURE(words);
        const Ran ran_so = harness.run(words);
        CHECK(ran_so.status == 2);
        REQUIRE_FALSE(ran_so.out.empty());
        CHECK(nlohmann::json::parse(ran_so.out)["error"] == "invalid_argument");
    }
    CHECK(harness.run({"pbu", "-o", "text"}).out.empty());
}

TEST_CASE("program: every command has help with an example") {
    Harness harness;
    const auto check_help = [&harness](std::vector<std::string> words, const std::string& example) {
        words.emplace_back("--help");
        const Ran ran = harness.run(words);
        CAPTURE(words);
        CHECK(ran.status == 0);
        CHECK(ran.err.empty());
        CHECK(ran.out.find("Example:\n  " + example) != std::string::npos);
    };
    for (const Command& command : all_commands()) {
        check_help({command.name}, command.example);
        CHECK(command.example.starts_with("skald " + command.name));
        for (const Command& child : command.children) {
            check_help({command.name, child.name}, child.example);
            CHECK(child.example.starts_with("skald " + command.name + " " + child.name));
        }
    }
    CHECK(harness.run({"--help"}).out.find("Example:\n  skald pub ") != std::string::npos);
    CHECK(harness.run({"stream", "info", "--help"}).out.find("skald stream info [") !=
          std::string::npos);
}

TEST_CASE("program: --version") {
    Harness harness;
    const Ran ran = harness.run({"--version"});
    CHECK(ran.status == 0);
    CHECK(ran.out == version_text() + "\n");
    CHECK(ran.out.starts_with("skald 0."));
}

TEST_CASE("program: servers come from the flag, else the environment, else loopback") {
    Harness harness;
    const auto servers = [&harness](std::vector<std::string> words) {
        words.insert(words.end(), {"read", "s"});
        const Ran ran = harness.run(words);
        CHECK(ran.status == 5);
        return harness.connected_with.servers;
    };
    using List = std::vector<std::string>;
    CHECK(servers({}) == List{"tcp://127.0.0.1:7400"});
    CHECK(harness.connected_with.timeout == std::chrono::seconds(10));
    harness.environment["SKALD_SERVER"] = "tcp://a:1";
    CHECK(servers({}) == List{"tcp://a:1"});
    CHECK(servers({"-s", "tcp://b:1,tcp://c:1", "--timeout", "250ms"}) ==
          List{"tcp://b:1", "tcp://c:1"});
    CHECK(harness.connected_with.timeout == std::chrono::milliseconds(250));
    CHECK(harness.run({"read", "s", "-s", "tcp://d:1"}).err ==
          "skald: read: tcp://d:1: nobody answers\n");
    CHECK(harness.run({"read", "s", "-s", "tcp://d:1", "--data", "d"}).status == 2);
    CHECK(harness.run({"read", "s", "--timeout", "10"}).status == 2);
}

TEST_CASE("program: a server's key makes an encrypted connection") {
    Harness harness;
    const std::string server_key(40, 'a');
    CHECK(harness.run({"read", "s", "--server-key", server_key}).status == 5);
    CHECK(harness.connected_with.server_key == server_key);
    CHECK(harness.connected_with.public_key.size() == 40);
    CHECK(harness.connected_with.secret_key.size() == 40);
    CHECK(harness.run({"read", "s", "--key-file", "k"}).status == 2);
    CHECK(harness.run({"read", "s", "--key-file", "/none", "--server-key", server_key}).status ==
          3);
}

}  // namespace skald::cli
