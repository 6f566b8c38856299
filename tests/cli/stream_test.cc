#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

Ran stream(Harness& harness, std::vector<std::string> words) {
    words.insert(words.begin(), "stream");
    words.insert(words.end(), {"--data", "d"});
    return harness.run(words);
}

void publish(Harness& harness, const std::string& name, int times = 1) {
    for (int i = 0; i < times; ++i) {
        REQUIRE(harness.run({"pub", name, "--type", "T", "--dir", "d"}).status == 0);
    }
}

}  // namespace

TEST_CASE("stream ls: all pages, those that match a glob, as text and as JSON") {
    Harness harness;
    for (const char* const name : {"a-1", "a-2", "b-1", "b-2", "c"}) {
        publish(harness, name);
    }
    CHECK(stream(harness, {"ls"}).out ==
          "a-1  versions 0-0\na-2  versions 0-0\nb-1  versions 0-0\nb-2  versions 0-0\n"
          "c  versions 0-0\n");
    CHECK(stream(harness, {"ls", "b-*"}).out == "b-1  versions 0-0\nb-2  versions 0-0\n");
    CHECK(stream(harness, {"ls", "z*"}).out.empty());
    const auto lines = lines_of(stream(harness, {"ls", "a-*", "--json"}).out);
    REQUIRE(lines.size() == 2);
    CHECK(json::parse(lines[0]) == json{{"stream", "a-1"},
                                        {"partition", 0},
                                        {"state", "active"},
                                        {"first", 0},
                                        {"last", 0},
                                        {"truncate_before", 0}});
}

TEST_CASE("stream info: one stream, or status 3") {
    Harness harness;
    publish(harness, "s", 3);
    CHECK(stream(harness, {"info", "s"}).out == "s  versions 0-2\n");
    const Ran none = stream(harness, {"info", "none"});
    CHECK(none.status == 3);
    CHECK(none.err == "skald: stream info: none: there is no such stream\n");
}

TEST_CASE("stream truncate, delete: a receipt, and the events are gone") {
    Harness harness;
    publish(harness, "s", 3);
    const Ran truncated = stream(harness, {"truncate", "s", "--before", "2", "--json"});
    CHECK(truncated.status == 0);
    CHECK(json::parse(truncated.out)["offset"] == 3);
    CHECK(lines_of(harness.run({"read", "s", "--data", "d"}).out).size() == 1);
    CHECK(stream(harness, {"info", "s"}).out == "s  versions 2-2\n");
    CHECK(stream(harness, {"delete", "s"}).status == 0);
    CHECK(stream(harness, {"info", "s"}).out == "s  deleted\n");
    publish(harness, "s");
    CHECK(stream(harness, {"delete", "s", "--hard"}).status == 0);
    CHECK(stream(harness, {"info", "s"}).out == "s  tombstoned\n");
    CHECK(stream(harness, {"truncate", "s"}).status == 2);
}

TEST_CASE(
    "stream delete --hard: a stream that was deleted can go for good, one that never was not") {
    Harness harness;
    publish(harness, "s", 2);
    REQUIRE(stream(harness, {"delete", "s"}).status == 0);
    CHECK(stream(harness, {"delete", "s", "--hard"}).status == 0);
    CHECK(stream(harness, {"info", "s"}).out == "s  tombstoned\n");
    CHECK(stream(harness, {"delete", "none", "--hard"}).status == 3);
}

TEST_CASE("stream: what is not there cannot be changed") {
    Harness harness;
    publish(harness, "gone");
    REQUIRE(stream(harness, {"delete", "gone"}).status == 0);
    const std::vector<std::vector<std::string>> changes{{"truncate", "STREAM", "--before", "1"},
                                                        {"delete", "STREAM"},
                                                        {"limits", "STREAM", "--max-count", "1"}};
    for (std::vector<std::string> words : changes) {
        CAPTURE(words);
        words[1] = "none";
        const Ran none = stream(harness, words);
        CHECK(none.status == 3);
        CHECK(none.err == "skald: stream " + words[0] + ": none: there is no such stream\n");
        words[1] = "gone";
        words.emplace_back("--json");
        const Ran gone = stream(harness, words);
        CHECK(gone.status == 3);
        CHECK(gone.err == "skald: stream " + words[0] + ": gone: the stream was deleted\n");
        CHECK(json::parse(gone.out)["code"] == 302);
    }
}

TEST_CASE("stream limits: shown, set one by one, cleared") {
    Harness harness;
    publish(harness, "s");
    CHECK(stream(harness, {"limits", "s"}).out == "s  versions 0-0\n");
    CHECK(stream(harness, {"limits", "s", "--max-count", "5"}).status == 0);
    CHECK(stream(harness, {"limits", "s", "--max-age", "2h"}).status == 0);
    CHECK(stream(harness, {"limits", "s"}).out == "s  versions 0-0  max_count=5  max_age=7200s\n");
    CHECK(stream(harness, {"limits", "s", "--clear", "--max-count", "9"}).status == 0);
    CHECK(stream(harness, {"limits", "s"}).out == "s  versions 0-0  max_count=9\n");
    CHECK(stream(harness, {"limits", "s", "--max-count", "0"}).status == 2);
}

}  // namespace skald::cli
