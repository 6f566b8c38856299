#include "skald/cqrs/json.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "skald/cqrs/fields.h"

namespace skald::cqrs {
namespace {

enum class Colour : std::uint8_t { red, green, grey };

template <typename T>
std::string written(const T& value) {
    JsonWriter writer;
    Values<T>::write(writer, value);
    auto text = std::move(writer).take();
    return text ? *text : text.error().message;
}

template <typename T>
std::string read_error(std::string_view text) {
    JsonReader reader(text);
    T value{};
    Values<T>::read(reader, value);
    const auto ok = reader.finish();
    return ok ? "" : ok.error().message;
}

template <typename T>
T read_back(std::string_view text) {
    JsonReader reader(text);
    T value{};
    INFO(text);
    CHECK(Values<T>::read(reader, value));
    CHECK(reader.finish());
    return value;
}

template <typename T>
bool comes_back(const T& value) {
    return read_back<T>(written(value)) == value;
}

}  // namespace

template <>
struct EnumNames<Colour> {
    static constexpr EnumName<Colour> kNames[] = {{Colour::red, "red"}, {Colour::green, "green"}};
};

TEST_CASE("json: integers keep all their bits", "[cqrs]") {
    CHECK(written(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(comes_back(std::numeric_limits<std::uint64_t>::max()));
    CHECK(comes_back(std::numeric_limits<std::int64_t>::min()));
    CHECK(comes_back((std::int64_t{1} << 53) + 1));
    CHECK(read_error<std::uint64_t>("18446744073709551616") ==
          "expected an unsigned integer of 64 bits, found 18446744073709551616");
    CHECK(read_error<std::uint64_t>("-1") == "expected an unsigned integer of 64 bits, found -1");
    CHECK(read_error<std::int8_t>("128") == "expected an integer of 8 bits, found 128");
    CHECK(read_error<std::int64_t>("1.0") == "expected an integer of 64 bits, found 1.0");
    CHECK(read_error<std::int64_t>("null") == "expected an integer of 64 bits, found null");
}

TEST_CASE("json: what cannot be written is an error", "[cqrs]") {
    CHECK(written(std::numeric_limits<double>::infinity()) ==
          "JSON has no number that is infinite or none");
    CHECK(written(std::string("\xff")) == "text is not UTF-8");
    CHECK(written(Colour::grey) == "an enum's value has no name");
}

TEST_CASE("json: every kind comes back", "[cqrs]") {
    CHECK(comes_back(true));
    CHECK(comes_back(0.1));
    CHECK(comes_back(-1.7976931348623157e308));
    CHECK(comes_back(1.5F));
    CHECK(comes_back(std::numeric_limits<float>::max()));
    CHECK(comes_back(-std::numeric_limits<float>::denorm_min()));
    CHECK(comes_back(std::string("a \"quoted\" \n line, \xC3\xA9")));
    CHECK(comes_back(Colour::green));
    CHECK(comes_back(std::optional<int>()));
    CHECK(comes_back(std::optional<int>(7)));
    CHECK(comes_back(std::vector<std::vector<bool>>{{true, false}, {}}));
    CHECK(comes_back(std::map<std::string, std::vector<int>>{{"a", {1}}, {"", {}}}));
    CHECK(comes_back(Time{1'700'000'000'000'001}));
    CHECK(comes_back(Uuid{{1, 2, 3}}));
    CHECK(comes_back(Version(3)));
}

TEST_CASE("json: an error says what was expected and what is there", "[cqrs]") {
    CHECK(read_error<bool>("1") == "expected true or false, found 1");
    CHECK(read_error<std::string>("{}") == "expected a string, found {}");
    CHECK(read_error<Colour>("\"blue\"") == "expected one of red, green, found \"blue\"");
    CHECK(read_error<std::vector<int>>("[1, \"2\"]") ==
          "field 1: expected an integer of 64 bits, found \"2\"");
    CHECK(read_error<std::vector<int>>("[1 2]") == "expected , or ], found 2");
    CHECK(read_error<std::vector<int>>("[1,") ==
          "field 1: expected an integer of 64 bits, found the end");
    CHECK(read_error<std::map<std::string, int>>("{\"a\" 1}") == "expected a colon, found 1");
    CHECK(read_error<std::map<std::string, std::vector<int>>>("{\"a\": [true]}") ==
          "field a.0: expected an integer of 64 bits, found true");
    CHECK(read_error<int>("1 2") == "expected nothing more, found 2");
    CHECK(read_error<int>("") == "expected an integer of 64 bits, found the end");
    CHECK(read_error<int>("\xff") == "expected JSON in UTF-8, found bytes that are not UTF-8");
    CHECK(read_error<float>("1e300") == "expected a number of 32 bits, found 1e300");
    CHECK(read_error<float>("-1e39") == "expected a number of 32 bits, found -1e39");
    CHECK(read_error<double>("1e400") == "expected a number, found 1e400");
    const std::string cut(38, 'a');  // in front of a character of two bytes, after the quote
    CHECK(read_error<int>("\"" + cut + "\xC3\xA9 and more\"") ==
          "expected an integer of 64 bits, found \"" + cut + "...");
    CHECK(read_error<Time>("\"noon\"") == "expected a time as RFC 3339, found \"noon\"");
}

TEST_CASE("json: another parser reads the same text and numbers", "[cqrs][model]") {
    const bool same = rc::check([](const std::string& raw, double number, std::int64_t integer) {
        const std::string text =
            nlohmann::json(raw).dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore);
        JsonReader reader(text);
        std::string ours;
        RC_ASSERT(reader.text(ours));
        RC_ASSERT(ours == nlohmann::json::parse(text).get<std::string>());
        RC_ASSERT(nlohmann::json::parse(written(ours)).get<std::string>() == ours);
        RC_ASSERT(nlohmann::json::parse(written(number)).get<double>() == number);
        RC_ASSERT(read_back<std::int64_t>(nlohmann::json(integer).dump()) == integer);
    });
    CHECK(same);
}

}  // namespace skald::cqrs
