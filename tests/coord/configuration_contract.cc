#include "tests/coord/configuration_contract.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "skald/configuration.h"
#include "tests/coord/heard_settings.h"

namespace skald::coord {
namespace {

using Texts = std::vector<std::string>;

SettingDeclaration integer(const std::string& service, const std::string& key) {
    SettingDeclaration declaration;
    declaration.service = service;
    declaration.key = key;
    declaration.type = SettingType::integer;
    return declaration;
}

struct Desk {
    explicit Desk(CoordFactory& factory)
        : coord(factory.open()), config(open_configuration(*coord)) {}

    Revision set(const std::string& service, const std::string& key,
                 const std::string& value) const {
        const auto done = config->set(service, key, value, {"op", std::nullopt});
        REQUIRE(done);
        return *done;
    }
    Errc refusal(const std::string& service, const std::string& key, const std::string& value,
                 const SetOptions& options = {"op", std::nullopt}) const {
        const auto done = config->set(service, key, value, options);
        return done ? Errc{} : done.error().code;
    }
    void remove(const std::string& service, const std::string& key) const {
        REQUIRE(config->remove(service, key, {"op", std::nullopt}));
    }
    // Empty: there is none.
    std::string value(const std::string& service, const std::string& key) const {
        const auto got = config->get(service, key);
        CHECK((got || got.error().code == Errc::not_found));
        return got ? got->value : "";
    }
    std::unique_ptr<SettingsWatch> watch(const std::string& service, HeardSettings& heard) const {
        auto watch = config->watch(service, heard.handler());
        REQUIRE(watch);
        return std::move(*watch);
    }
    // As a program of somebody else's would.
    void write(const std::string& key, const std::string& value) const {
        REQUIRE(coord->txn({{}, {Put{key, value, {}}}, {}}));
    }

    std::unique_ptr<Coord> coord;
    std::unique_ptr<Configuration> config;
};

void layers(Desk& d) {
    CHECK(d.config->get("mails", "port").error().code == Errc::not_found);
    auto declared = integer("*", "port");
    declared.fallback = "1";
    REQUIRE(d.config->declare(declared));
    const auto fallback = d.config->get("mails", "port");
    REQUIRE(fallback);
    CHECK(*fallback == Setting{"mails", "port", "1", SettingType::integer, SettingSource::declared,
                               Revision{}, "", std::nullopt});
    const Revision of_all = d.set("*", "port", "2");
    const auto shared = d.config->get("mails", "port");
    CHECK((shared->value == "2" && shared->source == SettingSource::defaults));
    CHECK((shared->revision == of_all && shared->by == "op"));
    const Revision own = d.set("mails", "port", "3");
    CHECK(own > of_all);
    const auto setting = d.config->get("mails", "port");
    CHECK((setting->value == "3" && setting->source == SettingSource::service));
    CHECK((setting->revision == own && setting->service == "mails" && setting->key == "port"));
    CHECK(setting->at->us > 1'700'000'000'000'000);
    CHECK(d.value("others", "port") == "2");
    CHECK(d.config->get("*", "port")->source == SettingSource::service);
    d.remove("mails", "port");
    CHECK(d.value("mails", "port") == "2");
    d.remove("*", "port");
    CHECK(d.value("mails", "port") == "1");
    const auto again = d.config->remove("mails", "port", {"op", std::nullopt});
    CHECK(again.error().code == Errc::not_found);
}

void lists(Desk& d) {
    CHECK(d.config->list("mails")->empty());
    d.set("mails", "b", "own");
    d.set("*", "b", "default");
    d.set("*", "a", "default");
    d.set("mails-too", "z", "another's");
    auto declared = integer("mails", "c");
    declared.fallback = "7";
    REQUIRE(d.config->declare(declared));
    const auto list = d.config->list("mails");
    REQUIRE(list);
    Texts all;
    for (const Setting& setting : *list) {
        CHECK(setting == *d.config->get("mails", setting.key));
        all.push_back(setting.key + "=" + setting.value);
    }
    CHECK(all == Texts{"a=default", "b=own", "c=7"});
    CHECK(d.config->list("*")->size() == 2);
}

void expected_revisions(Desk& d) {
    const Revision first = *d.config->set("mails", "port", "1", {"a", Revision{0}});
    CHECK(d.refusal("mails", "port", "2", {"b", Revision{0}}) == Errc::wrong_expected_version);
    CHECK(d.refusal("mails", "port", "2", {"b", first + 1}) == Errc::wrong_expected_version);
    CHECK(d.value("mails", "port") == "1");
    const Revision second = *d.config->set("mails", "port", "2", {"b", first});
    CHECK(d.config->get("mails", "port")->revision == second);
    CHECK(d.config->remove("mails", "port", {"b", first}).error().code ==
          Errc::wrong_expected_version);
    REQUIRE(d.config->remove("mails", "port", {"b", second}));
    CHECK(d.refusal("mails", "port", "3", {"b", second}) == Errc::wrong_expected_version);
    // A default is not its own value.
    d.set("*", "port", "9");
    CHECK(d.config->set("mails", "port", "3", {"b", Revision{0}}));
}

void declarations(Desk& d) {
    CHECK(d.config->declarations("mails")->empty());
    auto port = integer("mails", "port");
    port.least = "1";
    port.most = "65535";
    port.fallback = "80";
    port.description = "where it listens";
    REQUIRE(d.config->declare(port));
    REQUIRE(d.config->declare(integer("*", "port")));
    SettingDeclaration level{"mails", "level", SettingType::text, {}, {}, {}, {"a", "b"}, ""};
    REQUIRE(d.config->declare(level));
    CHECK(*d.config->declarations("mails") == std::vector{level, port});
    CHECK(*d.config->declarations("*") == std::vector{integer("*", "port")});
    const auto before = d.coord->get(KeyRange::prefix(""), Reading::linearizable)->revision;
    REQUIRE(d.config->declare(port));
    CHECK(d.coord->get(KeyRange::prefix(""), Reading::linearizable)->revision == before);

    const auto refused = d.config->set("mails", "port", "abc", {"op", std::nullopt});
    CHECK(refused.error() == Error(Errc::invalid_argument, "port = \"abc\": not an integer"));
    CHECK(d.refusal("mails", "port", "70000") == Errc::invalid_argument);
    CHECK(d.refusal("mails", "level", "c") == Errc::invalid_argument);
    CHECK(d.value("mails", "port") == "80");
    d.set("mails", "port", "8080");
    CHECK(d.refusal("mails", "port", "0") == Errc::invalid_argument);
    CHECK(d.value("mails", "port") == "8080");
    CHECK(d.config->history("mails", "port")->size() == 1);
    // What was declared is replaced.
    port.most.reset();
    REQUIRE(d.config->declare(port));
    d.set("mails", "port", "70000");
    CHECK(d.config->declarations("mails")->back() == port);
}

void refused_declarations(Desk& d) {
    const auto refused = [&](const SettingDeclaration& declaration) {
        const auto before = *d.config->declarations(declaration.service);
        const auto done = d.config->declare(declaration);
        CHECK(*d.config->declarations(declaration.service) == before);
        return !done && done.error().code == Errc::invalid_argument;
    };
    auto bad = integer("mails", "port");
    bad.fallback = "x";
    CHECK(refused(bad));
    d.set("mails", "port", "x");
    CHECK(refused(integer("mails", "port")));
    CHECK(refused(integer("*", "port")));
    CHECK(d.config->declare(integer("others", "port")));
    // A service's own declaration is the one for it.
    auto text = integer("mails", "port");
    text.type = SettingType::text;
    REQUIRE(d.config->declare(text));
    CHECK(refused(integer("mails", "port")));
    REQUIRE(d.config->declare(integer("*", "port")));
    CHECK(d.refusal("third", "port", "x") == Errc::invalid_argument);
    CHECK(d.refusal("mails", "port", "y") == Errc{});
}

// They have to conform wherever they may be effective.
void defaults_and_declarations(Desk& d) {
    d.set("*", "port", "x");
    const auto declared = d.config->declare(integer("mails", "port"));
    CHECK(declared.error().code == Errc::invalid_argument);
    d.set("*", "port", "1");
    REQUIRE(d.config->declare(integer("mails", "port")));
    CHECK(d.refusal("*", "port", "x") == Errc::invalid_argument);
    d.set("mails", "port", "2");
    CHECK(d.refusal("*", "port", "x") == Errc::invalid_argument);
    d.remove("mails", "port");
    CHECK(d.value("mails", "port") == "1");
}

void history(Desk& d) {
    CHECK(d.config->history("mails", "port")->empty());
    d.set("mails", "port", "1");
    REQUIRE(d.config->set("mails", "port", "2", {"another", std::nullopt}));
    d.remove("mails", "port");
    d.set("mails", "other", "x");
    d.set("*", "port", "x");
    auto changes = d.config->history("mails", "port");
    REQUIRE(changes);
    REQUIRE(changes->size() == 3);
    const auto at = [&](std::size_t i) { return (*changes)[i].at; };
    CHECK(changes->at(0) == SettingChange{1, "1", "op", at(0)});
    CHECK(changes->at(1) == SettingChange{2, "2", "another", at(1)});
    CHECK(changes->at(2) == SettingChange{3, std::nullopt, "op", at(2)});
    CHECK(at(0).us > 1'700'000'000'000'000);
    for (int i = 4; i <= 40; ++i) {
        d.set("mails", "port", std::to_string(i));
    }
    changes = d.config->history("mails", "port");
    REQUIRE(changes->size() == 32);
    CHECK((changes->front().number == 9 && changes->front().value == "9"));
    CHECK((changes->back().number == 40 && changes->back().value == "40"));
}

void many_at_once(Desk& d) {
    REQUIRE(d.config->declare(integer("mails", "n")));
    d.set("mails", "n", "0");
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 10;) {
                const auto seen = d.config->get("mails", "n");
                const auto value = seen ? setting_as<std::int64_t>(seen->value) : seen.error();
                const auto done = value ? d.config->set("mails", "n", std::to_string(*value + 1),
                                                        {"t" + std::to_string(t), seen->revision})
                                        : value.error();
                i += done ? 1 : 0;
                if (!done && done.error().code != Errc::wrong_expected_version) {
                    ++failed;
                    return;
                }
            }
            // What others do to the same key with other values is in nobody's way.
            for (int i = 0; i < 5; ++i) {
                const auto service = "other" + std::to_string(t);
                failed += d.config->set(service, "n", "1", {"t", std::nullopt}) ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(failed == 0);
    CHECK(d.value("mails", "n") == "30");
    const auto changes = d.config->history("mails", "n");
    REQUIRE(changes->size() == 31);
    for (std::size_t i = 0; i < changes->size(); ++i) {
        CHECK((*changes)[i].number == i + 1);
        CHECK((*changes)[i].value == std::to_string(i));
    }
}

void watches(Desk& d) {
    d.set("mails", "b", "1");
    d.set("*", "a", "2");
    HeardSettings heard;
    auto watch = d.watch("mails", heard);
    CHECK(heard.until("b=1") == Texts{"a=2", "b=1"});
    d.set("mails", "a", "3");
    CHECK(heard.until("a=3") == Texts{"a=3"});
    // It has its own; and other services are none of its business.
    d.set("*", "a", "4");
    d.set("mails-too", "a", "5");
    d.set("mails", "c", "6");
    CHECK(heard.until("c=6") == Texts{"c=6"});
    d.remove("mails", "a");
    CHECK(heard.until("a=4") == Texts{"a=4"});
    d.remove("*", "a");
    CHECK(heard.until("-a") == Texts{"-a"});
    auto declared = integer("*", "a");
    declared.fallback = "7";
    REQUIRE(d.config->declare(declared));
    CHECK(heard.until("a=7") == Texts{"a=7"});
    declared.service = "mails";
    declared.fallback = "8";
    REQUIRE(d.config->declare(declared));
    CHECK(heard.until("a=8") == Texts{"a=8"});
    // The last one is told, whatever was left out.
    for (int i = 0; i < 20; ++i) {
        d.set("mails", "a", std::to_string(100 + i));
    }
    const auto told = heard.until("a=119");
    CHECK((std::is_sorted(told.begin(), told.end()) && told.size() <= 20));
    watch.reset();
    d.set("mails", "a", "9");
    HeardSettings fresh;
    watch = d.watch("mails", fresh);
    CHECK(fresh.until("c=6") == Texts{"a=9", "b=1", "c=6"});
}

void bad_values(Desk& d) {
    auto port = integer("mails", "port");
    port.fallback = "1";
    REQUIRE(d.config->declare(port));
    d.set("mails", "port", "2");
    HeardSettings heard;
    const auto watch = d.watch("mails", heard);
    heard.until("port=2");
    d.write("/config/mails/port", R"({"value":"x","by":"me"})");
    CHECK(heard.until("!port") == Texts{"!port"});
    const auto got = d.config->get("mails", "port");
    CHECK(got.error() == Error(Errc::invalid_argument, "port = \"x\": not an integer"));
    CHECK(d.config->list("mails")->empty());
    d.set("mails", "other", "1");
    CHECK(heard.until("other=1") == Texts{"other=1"});
    d.write("/config/mails/port", R"({"value":"3","by":"me"})");
    CHECK(heard.until("port=3") == Texts{"port=3"});
    CHECK(d.config->get("mails", "port")->by == "me");
    d.write("/config/mails/port", "4");
    CHECK(heard.until("!port") == Texts{"!port"});
    d.remove("mails", "port");
    CHECK(heard.until("port=1") == Texts{"port=1"});
}

void refusals(Desk& d) {
    for (const char* const name : {"", "a/b", "a\n"}) {
        CAPTURE(name);
        CHECK(d.refusal(name, "k", "v") == Errc::invalid_argument);
        CHECK(d.refusal("s", name, "v") == Errc::invalid_argument);
        CHECK(d.config->get(name, "k").error().code == Errc::invalid_argument);
        CHECK(d.config->get("s", name).error().code == Errc::invalid_argument);
        CHECK(d.config->list(name).error().code == Errc::invalid_argument);
        CHECK(d.config->declarations(name).error().code == Errc::invalid_argument);
        CHECK(d.config->history(name, "k").error().code == Errc::invalid_argument);
        CHECK(d.config->history("s", name).error().code == Errc::invalid_argument);
        CHECK(d.config->watch(name, {}).error().code == Errc::invalid_argument);
        CHECK(d.config->declare(integer(name, "k")).error().code == Errc::invalid_argument);
        CHECK(d.config->declare(integer("s", name)).error().code == Errc::invalid_argument);
        CHECK(d.config->remove("s", name, {"op", {}}).error().code == Errc::invalid_argument);
    }
    const std::string longest(200, 'n');
    CHECK(d.refusal(longest, longest, std::string(32768, 'v')) == Errc{});
    CHECK(d.value(longest, longest).size() == 32768);
    CHECK(d.refusal(longest + "n", "k", "v") == Errc::invalid_argument);
    CHECK(d.refusal("s", longest + "n", "v") == Errc::invalid_argument);
    CHECK(d.refusal("s", "k", std::string(32769, 'v')) == Errc::invalid_argument);
    CHECK(d.refusal("s", "k", "\xff") == Errc::invalid_argument);
    CHECK(d.refusal("s", "k", "v", {"", {}}) == Errc::invalid_argument);
    CHECK(d.refusal("s", "k", "v", {"a\n", {}}) == Errc::invalid_argument);
    CHECK(d.refusal("s", "k", "v", {std::string(256, 'b'), {}}) == Errc::invalid_argument);
    CHECK(d.config->remove("s", "k", {"", {}}).error().code == Errc::invalid_argument);
    CHECK(d.config->list("s")->empty());
}

}  // namespace

void run_configuration_contract(CoordFactory& factory) {
    run_sections<Desk>(factory,
                       {{"own values, defaults and fallbacks", layers},
                        {"all that is effective", lists},
                        {"a value changes only from the expected revision", expected_revisions},
                        {"what does not conform is refused", declarations},
                        {"declarations that values do not conform to", refused_declarations},
                        {"defaults conform to all declarations", defaults_and_declarations},
                        {"who changed what", history},
                        {"no change is lost among many at once", many_at_once},
                        {"watches tell what is effective", watches},
                        {"a reader keeps its last good value", bad_values},
                        {"what is refused", refusals}});
}

}  // namespace skald::coord
