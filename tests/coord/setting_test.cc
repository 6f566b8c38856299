#include "coord/setting.h"

#include <catch2/catch.hpp>

#include "coord/limits.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

SettingDeclaration declared(SettingType type) {
    SettingDeclaration declaration;
    declaration.service = "mails";
    declaration.key = "port";
    declaration.type = type;
    return declaration;
}

std::string problem(const std::string& value, const SettingDeclaration& declaration) {
    const auto ok = check_value("port", value, &declaration);
    CHECK((ok || ok.error().code == Errc::invalid_argument));
    return ok ? "" : ok.error().message;
}

bool allowed(const SettingDeclaration& declaration) {
    const auto ok = check_declaration(declaration);
    CHECK((ok || ok.error().code == Errc::invalid_argument));
    return ok.has_value();
}

}  // namespace

TEST_CASE("setting: values from their texts", "[coord]") {
    CHECK(*setting_as<std::int64_t>("-9223372036854775808") == INT64_MIN);
    CHECK(*setting_as<double>("-1.5e3") == -1500.0);
    CHECK(*setting_as<bool>("true"));
    CHECK_FALSE(*setting_as<bool>("false"));
    CHECK(*setting_as<std::chrono::microseconds>("250ms") == 250ms);
    CHECK(*setting_as<std::chrono::microseconds>("3650d") == 24h * 3650);
    CHECK(*setting_as<std::string>("d\xc3\xa9j") == "d\xc3\xa9j");
    CHECK(setting_as<std::int64_t>("abc").error() ==
          Error(Errc::invalid_argument, "\"abc\": not an integer"));
    for (const char* const bad : {"", "1 ", " 1", "+1", "1.5", "0x10", "9223372036854775808"}) {
        CAPTURE(bad);
        CHECK_FALSE(setting_as<std::int64_t>(bad));
    }
    for (const char* const bad : {"", "nan", "inf", "-infinity", "1e400", "0x1p3", "1,5", "1 "}) {
        CAPTURE(bad);
        CHECK_FALSE(setting_as<double>(bad));
    }
    for (const char* const bad : {"", "True", "1", "yes", "true "}) {
        CHECK_FALSE(setting_as<bool>(bad));
    }
    for (const char* const bad : {"", "5", "3651d", "1h30m", "250us", "0s", "-1s"}) {
        CHECK_FALSE(setting_as<std::chrono::microseconds>(bad));
    }
    CHECK_FALSE(setting_as<std::string>("\xff"));
}

TEST_CASE("setting: what is wrong is said", "[coord]") {
    auto port = declared(SettingType::integer);
    port.least = "1";
    port.most = "65535";
    CHECK(problem("abc", port) == "port = \"abc\": not an integer");
    CHECK(problem("70000", port) == "port = 70000: at most 65535");
    CHECK(problem("0", port) == "port = 0: at least 1");
    CHECK(problem("-0", port) == "port = -0: at least 1");
    CHECK(problem("1", port).empty());
    CHECK(problem("65535", port).empty());
    auto rate = declared(SettingType::number);
    rate.least = "0.5";
    rate.most = "1e3";
    CHECK(problem("0.49", rate) == "port = 0.49: at least 0.5");
    CHECK(problem("1000.5", rate) == "port = 1000.5: at most 1e3");
    CHECK(problem("999", rate).empty());
    auto time = declared(SettingType::duration);
    time.least = "1s";
    time.most = "1h";
    CHECK(problem("999ms", time) == "port = 999ms: at least 1s");
    CHECK(problem("61m", time) == "port = 61m: at most 1h");
    CHECK(problem("60m", time).empty());
    CHECK(problem("yes", declared(SettingType::boolean)) ==
          "port = \"yes\": neither true nor false");
    CHECK(problem("{\"a\":[1,}", declared(SettingType::json)) ==
          "port = \"{\\\"a\\\":[1,}\": not JSON");
    CHECK(problem("{\"a\":[1,null]}", declared(SettingType::json)).empty());
    CHECK(problem("\xff", declared(SettingType::text)) == "port = \"\\xff\": not UTF-8");
    CHECK(problem("", declared(SettingType::text)).empty());
    auto level = declared(SettingType::text);
    level.choices = {"info", "warn"};
    CHECK(problem("warn", level).empty());
    CHECK(problem("loud", level) == "port = \"loud\": one of info, warn");
    level.choices = Texts(64, std::string(255, 'c'));
    CHECK(problem("loud", level) == "port = \"loud\": one of " + std::string(255, 'c') + ",...");
    // Undeclared, it is a text.
    CHECK(check_value("k", std::string(32768, 'v'), nullptr));
    CHECK(check_value("k", std::string(32769, 'v'), nullptr).error().message ==
          "k = \"" + std::string(64, 'v') + "\"...: 32769 bytes, at most 32768");
    CHECK_FALSE(check_value("k", "\xc3", nullptr));
}

TEST_CASE("setting: declarations", "[coord]") {
    const auto with = [](SettingType type, const auto& change) {
        auto declaration = declared(type);
        change(declaration);
        return allowed(declaration);
    };
    using D = SettingDeclaration;
    CHECK(with(SettingType::text, [](D&) {}));
    CHECK(with(SettingType::text, [](D& d) { d.service = "*"; }));
    for (const std::string name : {"", "a/b", "a\n"}) {
        CHECK_FALSE(with(SettingType::text, [&](D& d) { d.service = name; }));
        CHECK_FALSE(with(SettingType::text, [&](D& d) { d.key = name; }));
    }
    CHECK(with(SettingType::text, [](D& d) { d.key = std::string(200, '\xff'); }));
    CHECK_FALSE(with(SettingType::text, [](D& d) { d.key = std::string(201, 'k'); }));
    CHECK_FALSE(with(SettingType::text, [](D& d) { d.service = std::string(201, 's'); }));
    CHECK(with(SettingType::integer, [](D& d) { d.least = d.most = d.fallback = "5"; }));
    CHECK_FALSE(with(SettingType::integer, [](D& d) { d.least = "x"; }));
    CHECK_FALSE(with(SettingType::integer, [](D& d) { d.most = "1s"; }));
    CHECK_FALSE(with(SettingType::integer, [](D& d) { d.least = "6", d.most = "5"; }));
    CHECK_FALSE(with(SettingType::integer, [](D& d) { d.least = "6", d.fallback = "5"; }));
    CHECK_FALSE(with(SettingType::duration, [](D& d) { d.fallback = "5"; }));
    CHECK(with(SettingType::duration, [](D& d) { d.least = "90s", d.most = "2m"; }));
    CHECK(with(SettingType::number, [](D& d) { d.least = "9", d.most = "10"; }));
    for (const SettingType type : {SettingType::text, SettingType::boolean, SettingType::json}) {
        CHECK_FALSE(with(type, [](D& d) { d.least = "1"; }));
        CHECK_FALSE(with(type, [](D& d) { d.most = "1"; }));
    }
    CHECK(with(SettingType::text, [](D& d) { d.choices = Texts(64, "a"); }));
    CHECK_FALSE(with(SettingType::text, [](D& d) { d.choices = Texts(65, "a"); }));
    for (const std::string& choice : {std::string(), std::string(256, 'c'), std::string("\xff")}) {
        CHECK_FALSE(with(SettingType::text, [&](D& d) { d.choices = {choice}; }));
    }
    CHECK_FALSE(with(SettingType::json, [](D& d) { d.choices = {"1"}; }));
    CHECK(with(SettingType::json, [](D& d) { d.description = std::string(1024, 'd'); }));
    CHECK_FALSE(with(SettingType::json, [](D& d) { d.description = std::string(1025, 'd'); }));
    CHECK_FALSE(with(SettingType::json, [](D& d) { d.description = "\xff"; }));
    // Each byte takes six of JSON.
    CHECK(with(SettingType::text, [](D& d) { d.fallback = std::string(10000, '\1'); }));
    CHECK_FALSE(with(SettingType::text, [](D& d) { d.fallback = std::string(11000, '\1'); }));
}

TEST_CASE("setting: what is kept of declarations and changes is read again", "[coord]") {
    auto declaration = declared(SettingType::text);
    declaration.choices = {"a \"b\"", "c"};
    declaration.fallback = "c";
    declaration.description = "which\none";
    CHECK(*declaration_of("mails", "port", text_of(declaration)) == declaration);
    declaration = declared(SettingType::duration);
    declaration.least = "1s";
    declaration.most = "2s";
    CHECK(*declaration_of("mails", "port", text_of(declaration)) == declaration);
    CHECK(text_of(declaration) == R"({"least":"1s","most":"2s","type":"duration"})");
    for (const char* const bad :
         {"", "[]", "{}", R"({"type":7})", R"({"type":"thing"})", R"({"type":"integer","least":1})",
          R"({"type":"integer","least":"x"})", R"({"type":"text","choices":[1]})",
          R"({"type":"text","choices":"a/b\n"})"}) {
        CAPTURE(bad);
        CHECK(declaration_of("mails", "port", bad).error().code == Errc::invalid_argument);
    }
    const KeptChange change{"80", "me", Time{7}, "id"};
    CHECK(text_of(change) == R"({"at_us":7,"by":"me","change":"id","value":"80"})");
    const KeptChange read = change_of(text_of(change));
    CHECK((read.value == "80" && read.by == "me" && read.at == Time{7} && read.id == "id"));
    CHECK_FALSE(change_of(text_of(KeptChange{{}, "me", Time{7}, "id"})).value);
    CHECK_FALSE(change_of("80").value);
    CHECK_FALSE(change_of(R"({"value":80})").value);
}

}  // namespace skald::coord
