#include "coord/effective_settings.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "coord/setting.h"

namespace skald::coord {
namespace {

using Found = std::vector<std::vector<Entry>>;
using News = ToldSettings::News;

Entry value(const std::string& key, const std::string& text, std::uint64_t revision = 5) {
    Entry entry;
    entry.key = key;
    entry.value = text_of(KeptChange{text, "me", Time{9}, "id"});
    entry.modified = Revision{revision};
    return entry;
}

Entry raw(const std::string& key, const std::string& text) {
    Entry entry;
    entry.key = key;
    entry.value = text;
    return entry;
}

Entry integer(const std::string& key, std::optional<std::string> fallback = {}) {
    SettingDeclaration declaration;
    declaration.service = "s";
    declaration.key = "k";
    declaration.type = SettingType::integer;
    declaration.fallback = std::move(fallback);
    return raw(key, text_of(declaration));
}

// Of the service `mails` and its only key `port`.
std::optional<Result<Setting>> only(const Found& found) {
    const auto all = effective_settings("mails", found);
    CHECK(all.size() <= 1);
    return all.empty() ? std::nullopt : std::optional(all.at("port"));
}

const std::string kOwn = "/config/mails/port";
const std::string kDeclared = "/config-declared/mails/port";
const std::string kOfAll = "/config/*/port";
const std::string kDeclaredForAll = "/config-declared/*/port";

Setting setting(const std::string& text, SettingSource source, SettingType type) {
    Setting setting{"mails", "port", text, type, source, Revision{5}, "me", Time{9}};
    if (source == SettingSource::declared) {
        setting.revision = {};
        setting.by.clear();
        setting.at.reset();
    }
    return setting;
}

}  // namespace

TEST_CASE("effective settings: which of the values, and by whose declaration", "[coord]") {
    const auto own = value(kOwn, "1");
    const auto of_all = value(kOfAll, "2");
    const auto declared = integer(kDeclared, "3");
    const auto declared_for_all = integer(kDeclaredForAll, "4");
    using S = SettingSource;
    using T = SettingType;
    CHECK_FALSE(only({{}, {}, {}, {}}));
    CHECK(**only({{own}, {}, {}, {}}) == setting("1", S::service, T::text));
    CHECK(**only({{own}, {declared}, {of_all}, {}}) == setting("1", S::service, T::integer));
    CHECK(**only({{own}, {}, {of_all}, {declared_for_all}}) ==
          setting("1", S::service, T::integer));
    CHECK(**only({{}, {}, {of_all}, {}}) == setting("2", S::defaults, T::text));
    CHECK(**only({{}, {declared}, {of_all}, {}}) == setting("2", S::defaults, T::integer));
    CHECK(**only({{}, {declared}, {}, {declared_for_all}}) ==
          setting("3", S::declared, T::integer));
    CHECK(**only({{}, {}, {}, {declared_for_all}}) == setting("4", S::declared, T::integer));
    // Its own declaration stands, also without a fallback.
    CHECK_FALSE(only({{}, {integer(kDeclared)}, {}, {declared_for_all}}));
    const auto defaults = effective_settings("*", {{of_all}, {declared_for_all}});
    CHECK(defaults.at("port")->source == S::service);
    CHECK(defaults.at("port")->service == "*");
}

TEST_CASE("effective settings: what others wrote", "[coord]") {
    const auto message = [](const Found& found) { return only(found)->error().message; };
    CHECK(message({{value(kOwn, "x")}, {integer(kDeclared)}, {value(kOfAll, "1")}, {}}) ==
          "port = \"x\": not an integer");
    CHECK(message({{}, {integer(kDeclared, "1")}, {value(kOfAll, "x")}, {}}) ==
          "port = \"x\": not an integer");
    CHECK(message({{raw(kOwn, "80")}, {}, {}, {}}) == "port: what is kept is no setting");
    CHECK(message({{value(kOwn, "1")}, {raw(kDeclared, "{}")}, {}, {}}) ==
          "the declaration of port is not understood");
    CHECK(message({{value(kOwn, "1")}, {}, {}, {raw(kDeclaredForAll, "{}")}}) ==
          "the declaration of port is not understood");
    // Not a key of a setting.
    CHECK_FALSE(only({{value(kOwn + "/port", "1"), value("/config/mails/", "1")}, {}, {}, {}}));
}

TEST_CASE("effective settings: keys of their ranges, and no other's", "[coord]") {
    const auto all = setting_ranges("a");
    REQUIRE(all.size() == 4);
    CHECK(all[0].contains("/config/a/k"));
    CHECK(all[1].contains("/config-declared/a/k"));
    CHECK(all[2].contains("/config/*/k"));
    CHECK(all[3].contains("/config-declared/*/k"));
    for (const char* const other :
         {"/config/ab/k", "/config/a", "/config/a0", "/config-history/a/k/1", "/config-guard/a/"}) {
        for (const KeyRange& range : all) {
            CHECK_FALSE(range.contains(other));
        }
    }
    CHECK(setting_ranges("*").size() == 2);
    CHECK(setting_ranges("a", "k")[0] == KeyRange::one("/config/a/k"));
    CHECK(setting_ranges("*", "k")[1] == KeyRange::one("/config-declared/*/k"));
    const auto found = effective_settings(
        "a", {{value("/config/a/\xff", "1")}, {}, {value("/config/*/b", "2")}, {}});
    CHECK(found.size() == 2);
    CHECK(found.at("\xff")->value == "1");
}

// Whoever does as he is told has what is effective, or was before it went bad.
TEST_CASE("effective settings: what is told leads to what there is", "[coord][model]") {
    CHECK(rc::check("any run of changes", [] {
        ToldSettings told;
        std::map<std::string, std::string> reader;
        std::map<std::string, std::string> expected;
        std::map<std::string, bool> bad;
        for (int step = 0; step < 20; ++step) {
            EffectiveSettings now;
            for (const std::string key : {"a", "b", "c"}) {
                const int what = *rc::gen::inRange(0, 5);
                if (what == 0) {
                    expected.erase(key);
                } else if (what == 1) {
                    now.emplace(key, Error(Errc::invalid_argument, "bad"));
                } else {
                    Setting good;
                    good.value = expected[key] = std::to_string(what);
                    now.emplace(key, good);
                }
            }
            std::map<std::string, bool> bad_now;
            for (const News& news : told.next(now)) {
                RC_ASSERT(!(news.bad && news.setting));
                if (news.bad) {
                    RC_ASSERT(!bad[news.key]);
                } else if (news.setting) {
                    RC_ASSERT((bad[news.key] || reader[news.key] != news.setting->value));
                    reader[news.key] = news.setting->value;
                } else {
                    RC_ASSERT((reader.erase(news.key) == 1 || bad[news.key]));
                }
                bad_now[news.key] = news.bad.has_value();
            }
            for (const auto& [key, is] : bad_now) {
                bad[key] = is;
            }
            for (const std::string key : {"a", "b", "c"}) {
                const auto it = now.find(key);
                RC_ASSERT(bad[key] == (it != now.end() && !it->second));
            }
            std::erase_if(reader, [](const auto& each) { return each.second.empty(); });
            RC_ASSERT(reader == expected);
            RC_ASSERT(told.next(now).empty());
        }
    }));
}

}  // namespace skald::coord
