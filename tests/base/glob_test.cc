#include "base/glob.h"

#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>
#include <string>

namespace skald {
namespace {

// The definition, by recursion; the real one must not recurse.
bool naive_match(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern[0] == '*') {
        return naive_match(pattern.substr(1), text) ||
               (!text.empty() && naive_match(pattern, text.substr(1)));
    }
    return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
           naive_match(pattern.substr(1), text.substr(1));
}

TEST_CASE("glob: stars, question marks and sets", "[base]") {
    CHECK(glob_match("order-*", "order-1"));
    CHECK(glob_match("*", ""));
    CHECK(glob_match("a?c", "abc"));
    CHECK(glob_match("[a-c]x", "bx"));
    CHECK(glob_match("[!a-c]x", "dx"));
    CHECK(glob_match("[]x]", "]"));
    CHECK(glob_match("a[b", "a[b"));
    CHECK_FALSE(glob_match("order-*", "orders-1"));
    CHECK_FALSE(glob_match("a?c", "ac"));
    CHECK_FALSE(glob_match("[!a-c]x", "bx"));
    CHECK_FALSE(glob_match("", "a"));
}

TEST_CASE("glob: a hostile pattern costs no more than pattern times text", "[base]") {
    const std::string pattern = std::string(200, '*') + "b";
    CHECK_FALSE(glob_match(pattern, std::string(20'000, 'a')));
    CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*b", std::string(20'000, 'a')));
}

TEST_CASE("glob: agrees with its definition", "[base]") {
    rc::prop("glob_match == naive_match", [] {
        const auto letters = [](const char* set) {
            return rc::gen::container<std::string>(rc::gen::elementOf(std::string(set)));
        };
        const auto pattern = (*letters("ab?*")).substr(0, 10);
        const auto text = (*letters("ab")).substr(0, 12);
        RC_ASSERT(glob_match(pattern, text) == naive_match(pattern, text));
    });
}

TEST_CASE("glob: stream names keep the rules", "[base]") {
    CHECK(check_stream_name("order-1"));
    CHECK(check_stream_name("Bestellung-ä"));
    CHECK(check_stream_name("$system", true));
    for (const char* name : {"", "$system", "a*b", "a?b", "a[b", "a]b", "a\tb", "a\x7f", "\xff\xfe",
                             "\xc0\xaf", "\xed\xa0\x80"}) {
        CAPTURE(name);
        const auto checked = check_stream_name(name);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == Errc::invalid_stream_name);
    }
    CHECK(check_stream_name(std::string(255, 'x')));
    CHECK_FALSE(check_stream_name(std::string(256, 'x')));
}

TEST_CASE("glob: a prefix of UTF-8 ends between characters", "[base]") {
    CHECK(utf8_prefix("abc", 3) == "abc");
    CHECK(utf8_prefix("abc", 2) == "ab");
    CHECK(utf8_prefix("abc", 0).empty());
    const std::string text = "a\u00e9\u20ac";  // 1, 2 and 3 bytes
    CHECK(utf8_prefix(text, 6) == text);
    CHECK(utf8_prefix(text, 5) == "a\u00e9");
    CHECK(utf8_prefix(text, 3) == "a\u00e9");
    CHECK(utf8_prefix(text, 2) == "a");
}

TEST_CASE("glob: a category ends at the first hyphen outside braces", "[base]") {
    CHECK(category_of("order-1-2") == "order");
    CHECK(category_of("order") == "order");
    CHECK(category_of("{a-b}-1") == "{a-b}");
    CHECK(category_of("-1").empty());
}

TEST_CASE("glob: the first non-empty braced part decides the partition", "[base]") {
    CHECK(partition_key_of("order-1") == "order-1");
    CHECK(partition_key_of("order-{7}-a") == "7");
    CHECK(partition_key_of("a{}{7}") == "7");
    CHECK(partition_key_of("a{b") == "a{b");
}

}  // namespace
}  // namespace skald
