#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

void fill(Harness& harness) {
    std::string input;
    for (int i = 0; i < 10'000; ++i) {
        input += R"({"stream":"s-)" + std::to_string(i % 2) + R"(","type":"T","data":)" +
                 std::to_string(i) + "}\n";
    }
    REQUIRE(harness.run({"import", "--data", "d"}, input).status == 0);
}

}  // namespace

TEST_CASE("export: every event, page by page, in order") {
    Harness harness;
    fill(harness);
    const Ran ran = harness.run({"export", "--data", "d"});
    CHECK(ran.status == 0);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 10'000);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const json event = json::parse(lines[i]);
        REQUIRE(event["offset"] == i);
        REQUIRE(event["data"] == i);
    }
    harness.out_is_terminal = true;
    CHECK(harness.run({"export", "--data", "d"}).out == ran.out);
}

TEST_CASE("export: one stream, one category, from a place on") {
    Harness harness;
    fill(harness);
    CHECK(lines_of(harness.run({"export", "--stream", "s-1", "--data", "d"}).out).size() == 5000);
    CHECK(lines_of(harness.run({"export", "--category", "s", "--data", "d"}).out).size() == 10'000);
    const auto rest = lines_of(harness.run({"export", "--from", "9990", "--data", "d"}).out);
    CHECK(rest.size() == 10);
    const auto versions =
        lines_of(harness.run({"export", "--stream", "s-1", "--from", "4998", "--data", "d"}).out);
    CHECK(versions.size() == 2);
    CHECK(harness.run({"export", "--stream", "none", "--data", "d"}).status == 3);
}

TEST_CASE("export: control records on demand, and then offsets have no gaps") {
    Harness harness;
    REQUIRE(harness.run({"pub", "s", "--type", "T", "--dir", "d"}).status == 0);
    REQUIRE(harness.run({"stream", "limits", "s", "--max-count", "5", "--data", "d"}).status == 0);
    REQUIRE(harness.run({"pub", "s", "--type", "T", "--dir", "d"}).status == 0);
    CHECK(lines_of(harness.run({"export", "--data", "d"}).out).size() == 2);
    const auto lines = lines_of(harness.run({"export", "--system", "--data", "d"}).out);
    REQUIRE(lines.size() == 3);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const json event = json::parse(lines[i]);
        CHECK(event["offset"] == i);
        CHECK(event.contains("control") == (i == 1));
    }
}

}  // namespace skald::cli
