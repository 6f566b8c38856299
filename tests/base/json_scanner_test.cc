#include "base/json_scanner.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace skald {
namespace {

// Characters JSON is made of: what is drawn of them is often nearly JSON.
rc::Gen<std::string> near_json() {
    return rc::gen::container<std::string>(
        rc::gen::element<char>('{', '}', '[', ']', ',', ':', '"', '\\', 'u', '0', '1', '9', '-',
                               '+', '.', 'e', 'E', 't', 'r', 'n', 'l', ' ', '\n', 'a', '\x01'));
}

}  // namespace

TEST_CASE("json_scanner: takes what another parser takes, and refuses what it refuses", "[model]") {
    CHECK(rc::check([] {
        const std::string text = *near_json();
        RC_ASSERT(is_json(text) == nlohmann::json::accept(text));
    }));
    for (const char* const text :
         {"0",           "-0",        "-",       "01",       "1.",   ".1",    "1e5",
          "1E+05",       "1e",        "1e+",     "-1.5e-3",  "tru",  "true",  "nullx",
          "\"\\u12aF\"", "\"\\u12\"", "\"\\x\"", "\"\t\"",   "[1,]", "[,1]",  "{\"a\":1,}",
          "{\"a\" 1}",   "{a:1}",     "[1 2]",   "[[[[]]]]", "{}",   " [ ] ", "\"",
          "\"\\\"",      "",          " "}) {
        CAPTURE(text);
        CHECK(is_json(text) == nlohmann::json::accept(text));
    }
}

TEST_CASE("json_scanner: what ends a string is found wherever it stands", "[model]") {
    CHECK(rc::check([] {
        const auto plain = *rc::gen::inRange<std::size_t>(0, 70);
        std::string text(plain, *rc::gen::element('a', '!', '#', '[', ']', ' ', '\x7f'));
        const auto at = *rc::gen::inRange<std::size_t>(0, plain + 1);
        text.insert(at,
                    *rc::gen::element("", "\"", "\\\"", "\\", "\x1f", "\n", "\xc3\xa9", "\xff"));
        text = '"' + text + '"';
        RC_ASSERT(is_json(text) == nlohmann::json::accept(text));
        std::string decoded;
        if (nlohmann::json::accept(text)) {
            RC_ASSERT(JsonScanner(text).string(decoded));
            RC_ASSERT(decoded == nlohmann::json::parse(text).get<std::string>());
        }
    }));
}

TEST_CASE("json_scanner: depth is bounded") {
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    CHECK(is_json(nested(kJsonDepthMax)));
    CHECK_FALSE(is_json(nested(kJsonDepthMax + 1)));
    CHECK_FALSE(is_json(std::string(1'000'000, '[')));
}

TEST_CASE("json_scanner: strings are decoded as another parser decodes them", "[model]") {
    CHECK(rc::check([] {
        const auto units = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 0x110000));
        std::string escaped = "\"";
        for (const int unit : units) {
            if (unit >= 0xd800 && unit <= 0xdfff) {
                continue;
            }
            char text[16];
            if (unit < 0x10000) {
                std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(unit));
            } else {
                const unsigned high = 0xd800 + ((static_cast<unsigned>(unit) - 0x10000) >> 10);
                const unsigned low = 0xdc00 + ((static_cast<unsigned>(unit) - 0x10000) & 0x3ff);
                std::snprintf(text, sizeof text, "\\u%04X\\u%04x", high, low);
            }
            escaped += text;
        }
        escaped += "\\n\\\"\\/\"";
        std::string decoded;
        RC_ASSERT(JsonScanner(escaped).string(decoded));
        RC_ASSERT(decoded == nlohmann::json::parse(escaped).get<std::string>());
    }));
}

TEST_CASE("json_scanner: a value is the slice as it stands") {
    JsonScanner scanner(R"(  {"a": 1.50} , [2])");
    std::string_view slice;
    REQUIRE(scanner.value(slice));
    CHECK(slice == R"({"a": 1.50})");
    CHECK(scanner.punctuation(','));
    REQUIRE(scanner.value(slice));
    CHECK(slice == "[2]");
    CHECK(scanner.at_end());
    CHECK(trim_json_space(" \n{} \t") == "{}");
    CHECK(trim_json_space(" \n").empty());
}

}  // namespace skald
