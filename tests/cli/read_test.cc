#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/page_walk.h"
#include "cli/selection.h"
#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

class Filled : public Harness {
  public:
    Filled() {
        std::string input;
        for (int i = 0; i < 6; ++i) {
            input += R"({"stream":"o-)" + std::to_string(i % 2) + R"(","type":")" +
                     (i < 3 ? "Placed" : "Paid") + R"(","data":)" + std::to_string(i) +
                     R"(,"correlation_id":"c)" + std::to_string(i % 3) + "\"}\n";
        }
        REQUIRE(run({"import", "--data", "d"}, input).status == 0);
    }

    // The data of what is read.
    std::vector<int> data(std::vector<std::string> words) {
        words.insert(words.begin(), "read");
        words.insert(words.end(), {"--data", "d"});
        const Ran ran = run(words);
        CAPTURE(words, ran.err);
        CHECK(ran.status == 0);
        std::vector<int> numbers;
        for (const std::string& line : lines_of(ran.out)) {
            numbers.push_back(json::parse(line)["data"].get<int>());
        }
        return numbers;
    }
};

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("read: a stream, a category, a type, a correlation, everything") {
    Filled filled;
    CHECK(filled.data({"o-1"}) == Numbers{1, 3, 5});
    CHECK(filled.data({"--category", "o"}) == Numbers{0, 1, 2, 3, 4, 5});
    CHECK(filled.data({"--type", "Paid"}) == Numbers{3, 4, 5});
    CHECK(filled.data({"--correlation", "c1"}) == Numbers{1, 4});
    CHECK(filled.data({"--all"}) == Numbers{0, 1, 2, 3, 4, 5});
}

TEST_CASE("read: from a version, an offset, a time, backward, so many") {
    Filled filled;
    CHECK(filled.data({"o-1", "--from", "1"}) == Numbers{3, 5});
    CHECK(filled.data({"--all", "--from", "4"}) == Numbers{4, 5});
    CHECK(filled.data({"o-1", "--limit", "2"}) == Numbers{1, 3});
    CHECK(filled.data({"o-1", "--backward"}) == Numbers{5, 3, 1});
    CHECK(filled.data({"--all", "--backward", "--limit", "2"}) == Numbers{5, 4});
    CHECK(filled.data({"--all", "--from", "end"}).empty());
    CHECK(filled.data({"--all", "--from", "@2023-11-14T22:13:20.005Z"}) == Numbers{4, 5});
    const json receipt =
        json::parse(filled.run({"pub", "o-1", "--type", "T", "--data", "9", "--dir", "d"}).out);
    filled.run({"pub", "o-1", "--type", "T", "--data", "10", "--dir", "d"});
    CHECK(filled.data({"--all", "--from", receipt["position"].get<std::string>()}) == Numbers{10});
}

TEST_CASE("read: an interruption before the end is an error") {
    Harness harness;
    std::string input;
    for (int i = 0; i < 5000; ++i) {
        input += R"({"stream":"s","type":"T","data":1})"
                 "\n";
    }
    REQUIRE(harness.run({"import", "--data", "d"}, input).status == 0);
    const StopSignal stop = StopSignal::create().value();
    std::size_t pages = 0;
    const auto take = [&](const Page&) {
        ++pages;
        stop.request();
        return Result<void>();
    };
    const auto walked =
        walk_pages(harness.store(), {Selection::all(), Beginning{}, false, {}}, stop, take);
    REQUIRE_FALSE(walked);
    CHECK(walked.error().code == Errc::shutting_down);
    CHECK(pages == 1);
}

TEST_CASE("read: text for people, one line an event") {
    Filled filled;
    const Ran plain = filled.run({"read", "o-1", "--limit", "1", "-o", "text", "--data", "d"});
    CHECK(plain.out == "o-1@0  Placed  2023-11-14T22:13:20.002000Z  1\n");
    filled.out_is_terminal = true;
    const Ran coloured = filled.run({"read", "o-1", "--limit", "1", "--data", "d"});
    CHECK(coloured.out ==
          "\x1b[1mo-1@0\x1b[0m  \x1b[36mPlaced\x1b[0m  "
          "\x1b[2m2023-11-14T22:13:20.002000Z\x1b[0m  1\n");
    CHECK(filled.run({"read", "o-1", "--limit", "1", "-v", "--data", "d"})
              .out.find(" correlation_id=c1") != std::string::npos);
}

TEST_CASE("read: nothing of the data reaches the terminal as a control character") {
    Harness harness;
    harness.out_is_terminal = true;
    REQUIRE(harness
                .run({"pub", "s", "--type", "T", "--content-type", "text/plain", "--dir", "d", "-"},
                     "a\x1b[31m\nb")
                .status == 0);
    const Ran text = harness.run({"read", "s", "--data", "d"});
    CHECK(text.out.ends_with("  a [31m b\n"));
    const std::string meant = "\x1b]0;x\x07";
    REQUIRE(harness
                .run({"pub", "o", "--type", "T", "--dir", "d", "--correlation", meant,
                      "--causation", meant, "--meta", "k=" + meant})
                .status == 0);
    const Ran details = harness.run({"read", "o", "-v", "-o", "text", "--data", "d"});
    CHECK(details.out.ends_with(" correlation_id= ]0;x  causation_id= ]0;x  k= ]0;x \n"));
    REQUIRE(harness
                .run({"pub", "s", "--type", "T", "--content-type", "x/y", "--dir", "d", "-"},
                     "\xff\xfe")
                .status == 0);
    CHECK(harness.run({"read", "s", "--from", "1", "--data", "d"})
              .out.ends_with("<2 bytes of x/y>\n"));
}

TEST_CASE("read: what cannot be read") {
    Filled filled;
    const Ran none = filled.run({"read", "none", "--data", "d"});
    CHECK(none.status == 3);
    CHECK(none.err == "skald: read: none: there is no such stream\n");
    CHECK(filled.run({"read", "--data", "d"}).err ==
          "skald: read: read what? Name a STREAM, --category, --type, --correlation or --all\n");
    CHECK(filled.run({"read", "o-1", "--from", "soon", "--data", "d"}).err ==
          "skald: read: --from soon: neither start, end, a number, @TIME nor a position\n");
    CHECK(filled.run({"read", "o-1", "--from", "@soon", "--data", "d"}).status == 2);
    CHECK(filled.run({"read", "o-1", "--data", "elsewhere"}).status == 3);
}

TEST_CASE("selection: where --from begins") {
    const Selection stream = Selection::stream("s");
    CHECK(std::get<Version>(*parse_start("7", stream)) == Version(7));
    CHECK(std::get<Offset>(*parse_start("7", Selection::all())) == Offset(7));
    CHECK(std::holds_alternative<Beginning>(*parse_start("", stream)));
    CHECK(std::holds_alternative<Beginning>(*parse_start("beginning", stream)));
    CHECK(std::holds_alternative<End>(*parse_start("end", stream)));
    CHECK(std::get<AtTime>(*parse_start("@1970-01-01T00:00:01Z", stream)).time.us == 1'000'000);
    CHECK(std::holds_alternative<Position>(*parse_start(to_token(Position{}), stream)));
    CHECK_FALSE(parse_start("99999999999999999999", stream));
}

}  // namespace skald::cli
