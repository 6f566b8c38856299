#include "skald/cqrs/key.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <tuple>

#include "skald/cqrs/json.h"

namespace skald::cqrs {
namespace {

template <typename... Ts>
void orders_like_values(const char* what) {
    INFO(what);
    CHECK(rc::check([](const std::tuple<Ts...>& a, const std::tuple<Ts...>& b) {
        const auto bytes = [](const auto& tuple) {
            return std::apply([](const auto&... values) { return key_of(values...).bytes; }, tuple);
        };
        RC_ASSERT((a < b) == (bytes(a) < bytes(b)));
        RC_ASSERT((a == b) == (bytes(a) == bytes(b)));
    }));
}

std::string bytes_of(double value) {
    return key_of(value).bytes;
}

}  // namespace

TEST_CASE("key: bytes are in the order of the values", "[cqrs][model]") {
    orders_like_values<std::int64_t>("integers");
    orders_like_values<std::uint32_t, std::int8_t>("several");
    orders_like_values<std::string, std::string>("text, with any bytes");
    orders_like_values<bool, std::string, std::uint64_t>("mixed");
}

TEST_CASE("key: text that begins like another, and text with zeros", "[cqrs]") {
    const std::string zero("a\0", 2);
    CHECK(key_of("a").bytes < key_of(zero).bytes);
    CHECK(key_of(zero).bytes < key_of("a\1").bytes);
    CHECK(key_of("a", "z").bytes < key_of(zero, "a").bytes);
    CHECK(key_of(zero, "z").bytes < key_of("ab", "a").bytes);
    CHECK(key_of("", std::uint64_t{0xff00}).bytes < key_of("\1").bytes);
}

TEST_CASE("key: numbers, and what is not there", "[cqrs]") {
    const double order[] = {
        -std::numeric_limits<double>::max(), -1, -0.5, 0, 1e-300, 0.5, 1, 1e300};
    for (std::size_t i = 1; i < std::size(order); ++i) {
        CHECK(bytes_of(order[i - 1]) < bytes_of(order[i]));
    }
    CHECK(bytes_of(-0.0) == bytes_of(0.0));
    const std::optional<std::int64_t> none;
    const std::optional<std::int64_t> least = std::numeric_limits<std::int64_t>::min();
    CHECK(key_of(none).bytes < key_of(least).bytes);
    CHECK(key_of(Time{-1}).bytes < key_of(Time{1}).bytes);
}

TEST_CASE("key: values given as text are the same bytes", "[cqrs]") {
    const auto parsed = [](KeyKind kind, std::string_view text) {
        std::string bytes;
        REQUIRE(key_bytes::append_parsed(bytes, kind, text));
        return bytes;
    };
    CHECK(parsed(KeyKind::boolean, "true") == key_of(true).bytes);
    CHECK(parsed(KeyKind::integer, "-7") == key_of(-7).bytes);
    CHECK(parsed(KeyKind::natural, "7") == key_of(7U).bytes);
    CHECK(parsed(KeyKind::number, "1.5") == key_of(1.5).bytes);
    CHECK(parsed(KeyKind::text, "ann") == key_of("ann").bytes);
    CHECK(parsed(KeyKind::time, "1970-01-01T00:00:00.000009Z") == key_of(Time{9}).bytes);
    CHECK(parsed(KeyKind::uuid, "00000000-0000-0000-0000-000000000000") == key_of(Uuid{}).bytes);
    std::string bytes;
    const auto refused = key_bytes::append_parsed(bytes, KeyKind::natural, "-7");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK_THAT(refused.error().message, Catch::Contains("an integer from zero up, found -7"));
}

TEST_CASE("key: bytes as JSON are the values again", "[cqrs]") {
    const auto json = [](const KeyValue& key) {
        JsonWriter out;
        std::string_view bytes = key.bytes;
        out.begin_list();
        for (const char kind : key.kinds) {
            REQUIRE(key_bytes::take(bytes, static_cast<KeyKind>(kind), out));
        }
        out.end_list();
        CHECK(bytes.empty());
        return std::move(out).take().value();
    };
    const std::int64_t least = std::numeric_limits<std::int64_t>::min();
    const std::string zeros("a\0\1\0b", 5);
    CHECK(json(key_of(true, least, -1, ~std::uint64_t{0})) ==
          "[true,-9223372036854775808,-1,18446744073709551615]");
    CHECK(json(key_of(-1.5, 0.0, -0.0, 1e300)) == "[-1.5,0,0,1e+300]");
    CHECK(json(key_of(std::string("ann"), zeros, std::string())) ==
          R"(["ann","a\u0000\u0001\u0000b",""])");
    CHECK(json(key_of(Time{9}, Uuid{}, std::optional<std::int64_t>())) ==
          R"(["1970-01-01T00:00:00.000009Z","00000000-0000-0000-0000-000000000000",null])");
    const std::string whole = key_of(std::string("ann")).bytes;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::string_view cut(whole.data(), size);
        JsonWriter out;
        CHECK_FALSE(key_bytes::take(cut, KeyKind::text, out));
    }
    std::string_view cut("\1\0\0", 3);
    JsonWriter out;
    CHECK_FALSE(key_bytes::take(cut, KeyKind::uuid, out));
    CHECK_FALSE(key_bytes::take(cut, KeyKind::time, out));
}

TEST_CASE("key: integers fit where they fit, and a prefix is one", "[cqrs]") {
    CHECK(key_bytes::as_kinds(key_of("x", 5), "su") == key_of("x", 5U).bytes);
    CHECK(key_bytes::as_kinds(key_of(5U), "i") == key_of(5).bytes);
    CHECK_FALSE(key_bytes::as_kinds(key_of(-5), "u"));
    CHECK_FALSE(key_bytes::as_kinds(key_of(~std::uint64_t{0}), "i"));
    CHECK_FALSE(key_bytes::as_kinds(key_of("5"), "i"));
    CHECK(key_bytes::as_kinds(key_of("x"), "si") == key_of("x").bytes);
    CHECK_FALSE(key_bytes::as_kinds(key_of("x", 5), "s"));
}

}  // namespace skald::cqrs
