#include "cli/commands/pub.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/limits.h"
#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using Catch::Contains;
using nlohmann::json;

json published(Harness& harness, std::vector<std::string> words, std::string input = {}) {
    words.insert(words.begin(), {"pub", "orders-1", "--type", "Placed", "--dir", "d"});
    const Ran ran = harness.run(words, std::move(input));
    CAPTURE(words, ran.err);
    REQUIRE(ran.status == 0);
    const Ran read = harness.run({"read", "orders-1", "--data", "d", "--json"});
    return json::parse(lines_of(read.out).back());
}

}  // namespace

TEST_CASE("pub: prints the receipt, as JSON for programs and as text for people") {
    Harness harness;
    const Ran first = harness.run({"pub", "orders-1", "--type", "Placed", "--dir", "d"});
    REQUIRE(first.status == 0);
    CHECK(first.err.empty());
    const json receipt = json::parse(first.out);
    CHECK(receipt["stream"] == "orders-1");
    CHECK(receipt["version"] == 0);
    CHECK(receipt["offset"] == 0);
    CHECK(receipt["partition"] == 0);
    CHECK(receipt["repeated"] == false);
    CHECK(receipt["durability"] == "quorum");
    CHECK(parse_uuid(receipt["id"].get<std::string>()));
    CHECK(parse_position(receipt["position"].get<std::string>()));

    harness.out_is_terminal = true;
    const Ran second = harness.run({"pub", "orders-1", "--type", "Placed", "--dir", "d"});
    CHECK(second.out.starts_with("orders-1@1  partition=0 offset=1 id="));
    CHECK(harness.run({"-q", "pub", "orders-1", "--type", "Placed", "--dir", "d"}).out.empty());
}

TEST_CASE("pub: data from the flag, a file or standard input") {
    Harness harness;
    CHECK(published(harness, {})["data"] == json::object());
    CHECK(published(harness, {"--data", " {\"n\": 1} "})["data"] == json{{"n", 1}});
    CHECK(published(harness, {"-"}, "[1, 2]\n")["data"] == json{1, 2});
    CHECK(published(harness, {"--file", "-"}, "\"x\"\n")["data"] == "x");
    const TempDirectory directory;
    const std::string path = directory.path("data.json");
    std::ofstream(path) << "{\"from\": \"file\"}\n";
    CHECK(published(harness, {"--file", path})["data"] == json{{"from", "file"}});
    const json bytes = published(harness, {"-", "--content-type", "text/plain"}, "hi\n");
    CHECK(bytes["data_base64"] == "aGkK");
    CHECK(bytes["content_type"] == "text/plain");
}

TEST_CASE("pub: input that Ctrl-C broke off is not appended") {
    const TempDirectory directory;
    const std::string path = directory.path("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    Harness harness;
    harness.handle_signals = true;
    // It can be opened once the other end reads: the program runs by then.
    std::jthread writer([&path] {
        std::ofstream pipe(path);
        pipe << "half of a" << std::flush;
        std::raise(SIGINT);
    });
    const Ran ran = harness.run(
        {"pub", "s", "--type", "T", "--content-type", "text/plain", "--file", path, "--dir", "d"});
    CHECK(ran.status == 5);
    CHECK(ran.err == "skald: pub: interrupted while reading " + path + "\n");
    CHECK(harness.store().events() == 0);
}

TEST_CASE("pub: every field arrives") {
    Harness harness;
    const json event =
        published(harness, {"--id", "0190a1b2-0000-7000-8000-0000000000ff", "--time",
                            "2026-01-31T09:00:00+01:00", "--meta", "user=ann", "--meta", "eq=a=b",
                            "--tag", "x", "--tag", "y", "--correlation", "c", "--causation", "d"});
    CHECK(event["id"] == "0190a1b2-0000-7000-8000-0000000000ff");
    CHECK(event["time"] == "2026-01-31T08:00:00.000000Z");
    CHECK(event["metadata"] == json{{"user", "ann"}, {"eq", "a=b"}});
    CHECK(event["tags"] == json{"x", "y"});
    CHECK(event["correlation_id"] == "c");
    CHECK(event["causation_id"] == "d");
}

TEST_CASE("pub: the same id gives the first receipt again") {
    Harness harness;
    const std::vector<std::string> words{
        "pub", "s", "--type", "T", "--dir", "d", "--id", "0190a1b2-0000-7000-8000-0000000000ff"};
    CHECK(json::parse(harness.run(words).out)["repeated"] == false);
    CHECK(json::parse(harness.run(words).out)["repeated"] == true);
    CHECK(harness.store().events() == 1);
}

TEST_CASE("pub: a wrong expectation ends with 4 and names the versions") {
    Harness harness;
    const std::vector<std::string> words{"pub",   "s", "--type", "T",
                                         "--dir", "d", "--json", "--expect"};
    const auto expecting = [&](const std::string& expected) {
        std::vector<std::string> all = words;
        all.push_back(expected);
        return harness.run(all);
    };
    CHECK(expecting("exists").status == 4);
    CHECK(expecting("none").status == 0);
    CHECK(expecting("0").status == 0);
    CHECK(expecting("exists").status == 0);
    CHECK(expecting("any").status == 0);
    const Ran ran = expecting("0");
    CHECK(ran.status == 4);
    CHECK(ran.err == "skald: pub: s: expected 0, is at 3\n");
    const json error = json::parse(ran.out);
    CHECK(error["error"] == "wrong_expected_version");
    CHECK(error["code"] == 400);
    CHECK(error["conflicts"] == json{{{"stream", "s"}, {"expected", "0"}, {"actual", 3}}});
}

TEST_CASE("pub: what cannot be appended is refused before anything is opened") {
    Harness harness;
    const std::vector<std::pair<std::vector<std::string>, std::string>> all{
        {{"--data", "hello"},
         "the data is not JSON: quote text as '\"text\"', or name its --content-type (a data "
         "directory is named with --dir)"},
        {{"--id", "7"}, "--id 7: not a UUID"},
        {{"--time", "now"}, "--time now: not an RFC 3339 time"},
        {{"--meta", "user"}, "--meta user: not KEY=VALUE"},
        {{"--meta", "k=v", "--meta", "k=w"}, "--meta k=w: `k` is given twice"},
        {{"--expect", "-1"}, "--expect -1: not any, none, exists or a version"},
    };
    for (const auto& [extra, message] : all) {
        std::vector<std::string> words{"pub", "s", "--type", "T", "--dir", "new"};
        words.insert(words.end(), extra.begin(), extra.end());
        const Ran ran = harness.run(words);
        CAPTURE(words);
        CHECK(ran.status == 2);
        CHECK(ran.err == "skald: pub: " + message + "\n");
    }
    CHECK(harness.run({"pub", "s", "--type", "T", "--dir", "d", "--file", "/none"}).status == 3);
    CHECK(harness.run({"pub", "s", "--type", "T", "--data", "1", "-"}).status == 2);
}

TEST_CASE("pub: --ephemeral says that nothing was stored") {
    Harness harness;
    SmallStore& store = harness.store("tcp://a:1");
    const std::vector<std::string> words{
        "pub",       "chat-1",      "--type",
        "typing",    "--ephemeral", "--server",
        "tcp://a:1", "--id",        "0190a1b2-0000-7000-8000-0000000000ff"};
    const Ran ran = harness.run(words);
    CAPTURE(ran.err);
    REQUIRE(ran.status == 0);
    CHECK(json::parse(ran.out) == json{{"stream", "chat-1"},
                                       {"id", "0190a1b2-0000-7000-8000-0000000000ff"},
                                       {"ephemeral", true}});
    harness.out_is_terminal = true;
    CHECK(harness.run(words).out ==
          "chat-1  ephemeral, not stored  id=0190a1b2-0000-7000-8000-0000000000ff\n");
    std::vector<std::string> quiet = words;
    quiet.emplace_back("-q");
    CHECK(harness.run(quiet).out.empty());
    CHECK(store.events() == 0);
}

TEST_CASE("pub: --ephemeral with what only a stored event has is a usage error") {
    Harness harness;
    harness.store("tcp://a:1");
    const auto refused = [&harness](std::vector<std::string> extra) {
        extra.insert(extra.begin(), {"pub", "s", "--type", "T", "--ephemeral"});
        const Ran ran = harness.run(extra);
        CAPTURE(extra, ran.err);
        CHECK(ran.status == 2);
        CHECK(ran.out.empty());
        return ran.err;
    };
    CHECK_THAT(refused({"--server", "tcp://a:1", "--expect", "none"}), Contains("--expect"));
    CHECK_THAT(refused({"--server", "tcp://a:1", "--ack", "primary"}), Contains("--ack"));
    CHECK_THAT(refused({"--server", "tcp://a:1", "--data", "hello"}), Contains("not JSON"));
    CHECK(refused({"--dir", "d"}) ==
          "skald: pub: --ephemeral with --dir d: nobody else can be subscribed in this process; "
          "name a --server\n");
}

TEST_CASE("pub: more data than an event may have is event_too_large, wherever it comes from") {
    Harness harness;
    const TempDirectory directory;
    const std::string path = directory.path("data.json");
    const std::string largest = '"' + std::string(limits::kEventDataBytesMax - 2, 'x') + '"';
    std::ofstream(path) << largest << '\n';
    const auto pub = [&](std::vector<std::string> words, std::string input = {}) {
        words.insert(words.begin(), {"pub", "s", "--type", "T", "--dir", "d", "--json"});
        const Ran ran = harness.run(words, std::move(input));
        return ran.status == 0 ? 0 : json::parse(ran.out)["code"].get<int>();
    };
    CHECK(pub({"--file", path}) == 0);
    CHECK(pub({"-"}, largest) == 0);
    std::ofstream(path) << largest << std::string(64 * 1024, ' ') << "1";
    CHECK(pub({"--file", path}) == 105);
    CHECK(pub({"-"}, largest + "  ") == 105);
    CHECK(harness.store().events() == 2);
}

TEST_CASE("pub: an unknown outcome ends with 6") {
    Harness harness;
    harness.store().fail_next("s", Error(Errc::outcome_unknown, "s: outcome unknown"));
    const Ran ran = harness.run({"pub", "s", "--type", "T", "--dir", "d"});
    CHECK(ran.status == 6);
    CHECK(ran.err == "skald: pub: s: outcome unknown\n");
}

}  // namespace skald::cli
