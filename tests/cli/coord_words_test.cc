#include "cli/coord_words.h"

#include <catch2/catch.hpp>

#include "cli/key_values.h"

namespace skald::cli {

TEST_CASE("coord words: ages in the largest unit of which there is one", "[cli]") {
    const auto age = [](std::int64_t us) { return age_text(Time{1000}, Time{1000 + us}); };
    CHECK(age(0) == "0ms");
    CHECK(age(999) == "0ms");
    CHECK(age(1000) == "1ms");
    CHECK(age(999'999) == "999ms");
    CHECK(age(1'000'000) == "1s");
    CHECK(age(119'000'000) == "1m");
    CHECK(age(7'200'000'000) == "2h");
    CHECK(age(3 * 86'400'000'000) == "3d");
    CHECK(age(-5'000'000) == "0ms");
    CHECK(age_seconds(Time{0}, Time{1'500'000}) == 1.5);
    CHECK(age_seconds(Time{9}, Time{0}) == 0);
    CHECK(this_process().find(':') != std::string::npos);
}

TEST_CASE("key values: in their order, each once", "[cli]") {
    const auto all = parse_key_values("--meta", {"b=1", "a=x=y", "c="});
    REQUIRE(all);
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(*all == Pairs{{"b", "1"}, {"a", "x=y"}, {"c", ""}});
    CHECK(parse_key_values("--meta", {"a"}).error().message == "--meta a: not KEY=VALUE");
    CHECK(parse_key_values("--meta", {"=a"}).error().code == Errc::invalid_argument);
    CHECK(parse_key_values("--where", {"a=1", "a=2"}).error().message ==
          "--where a=2: `a` is given twice");
}

}  // namespace skald::cli
