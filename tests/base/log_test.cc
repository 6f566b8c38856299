#include "base/log.h"

#include <catch2/catch.hpp>

namespace skald {
namespace {

constexpr Time kTime{1'264'924'800'000'001};

std::string text(std::string_view message, std::initializer_list<LogField> fields) {
    return format_log(LogFormat::text, kTime, LogLevel::info, "node", message, fields);
}

std::string json(std::string_view message, std::initializer_list<LogField> fields) {
    return format_log(LogFormat::json, kTime, LogLevel::warning, "node", message, fields);
}

}  // namespace

TEST_CASE("log: a line of text", "[golden]") {
    CHECK(text("ready", {{"endpoint", "tcp://127.0.0.1:7400"}, {"events", 12}, {"ok", true}}) ==
          "2010-01-31T08:00:00.000001Z info    node: ready endpoint=tcp://127.0.0.1:7400 events=12 "
          "ok=true");
}

TEST_CASE("log: a line of JSON", "[golden]") {
    CHECK(json("say \"hi\"", {{"path", "a\\b\n"}, {"events", -12}, {"ok", false}}) ==
          R"({"time":"2010-01-31T08:00:00.000001Z","level":"warning","component":"node",)"
          R"("message":"say \"hi\"","path":"a\\b\n","events":-12,"ok":false})");
}

TEST_CASE("log: nothing breaks a line or ends a value early") {
    CHECK(text("a\nb\x1b[0m", {}).ends_with("node: a b [0m"));
    CHECK(text("m", {{"k", "two words"}}).ends_with(R"(m k="two words")"));
    CHECK(text("m", {{"k", ""}}).ends_with(R"(m k="")"));
    CHECK(text("m", {{"k", "a=b"}}).ends_with(R"(m k="a=b")"));
    CHECK(text("m", {{"k", "line\nbreak"}}).ends_with(R"(m k="line\nbreak")"));
    CHECK(json("\xff", {}).ends_with("\"message\":\"\xEF\xBF\xBD\"}"));
}

TEST_CASE("log: what is below the level is not written; lines are whole") {
    std::vector<std::string> lines;
    const ManualClock clock(kTime);
    const Logger log(
        LogFormat::text, LogLevel::warning,
        [&lines](std::string_view line) { lines.emplace_back(line); }, clock);
    log.info("a", "not wanted");
    log.error("a", "wanted");
    CHECK(lines == std::vector<std::string>{"2010-01-31T08:00:00.000001Z error   a: wanted\n"});
    CHECK(log.wants(LogLevel::warning));
    CHECK_FALSE(log.wants(LogLevel::debug));
}

TEST_CASE("log: names of levels and formats") {
    CHECK(parse_log_level("debug") == LogLevel::debug);
    CHECK_FALSE(parse_log_level("DEBUG"));
    CHECK(name_of(LogLevel::warning) == "warning");
    CHECK(parse_log_format("json") == LogFormat::json);
    CHECK(parse_log_format("text") == LogFormat::text);
    CHECK_FALSE(parse_log_format(""));
}

}  // namespace skald
