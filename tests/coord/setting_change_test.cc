#include "coord/setting_change.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "coord/effective_settings.h"
#include "coord/key_space.h"
#include "coord/limits.h"

namespace skald::coord {
namespace {

using Plan = SettingState::Plan;

// A store, and what changes it.
class Desk {
  public:
    std::vector<std::vector<Entry>> read(const std::vector<KeyRange>& ranges) const {
        std::vector<std::vector<Entry>> found;
        for (const KeyRange& range : ranges) {
            found.push_back(space.list(range));
        }
        return found;
    }
    SettingState state(const std::string& service, const std::string& key = "k") const {
        return {service, key, read(SettingState::ranges(service, key))};
    }
    bool carry_out(const Plan& plan) {
        Effects ignored;
        const auto done = space.txn(plan.txn, ignored);
        REQUIRE(done);
        return done->succeeded;
    }
    Result<Plan> plan_set(const std::string& service, std::optional<std::string> value,
                          std::optional<Revision> expected = {}) {
        return state(service).set({std::move(value), "me", Time{1}, std::to_string(++last_id)},
                                  expected);
    }
    bool set(const std::string& service, std::optional<std::string> value) {
        const auto plan = plan_set(service, std::move(value));
        return plan && carry_out(*plan);
    }
    std::vector<SettingChange> history(const std::string& service) const {
        return SettingState::history(space.list(SettingState::ranges(service, "k").front()));
    }
    EffectiveSettings effective(const std::string& service) const {
        return effective_settings(service, read(setting_ranges(service)));
    }
    void write(const std::string& key, const std::string& value) {
        Effects ignored;
        REQUIRE(space.txn({{}, {Put{key, value, {}}}, {}}, ignored));
    }

    KeySpace space{{}, {}};
    int last_id = 0;
};

SettingDeclaration any_declaration(const std::string& service) {
    SettingDeclaration declaration;
    declaration.service = service;
    declaration.key = "k";
    if (*rc::gen::arbitrary<bool>()) {
        declaration.type = SettingType::integer;
        declaration.least = std::to_string(*rc::gen::inRange(0, 5));
        declaration.most = std::to_string(*rc::gen::inRange(5, 10));
    }
    return declaration;
}

std::string any_value() {
    const int number = *rc::gen::inRange(0, 11);
    return number == 10 ? "x" : std::to_string(number);
}

std::string any_service() {
    return *rc::gen::element(std::string("*"), std::string("a"), std::string("b"));
}

// What it has to hold, said plainly.
struct Model {
    std::map<std::string, std::string> values;
    std::map<std::string, SettingDeclaration> declared;
    std::map<std::string, int> changes;

    static bool conforms(const std::string& value, const SettingDeclaration& declaration) {
        return declaration.type == SettingType::text ||
               (value != "x" && value >= *declaration.least && value <= *declaration.most);
    }
    bool good() const {
        for (const auto& [service, value] : values) {
            const auto own = declared.find(service);
            const auto by = own == declared.end() ? declared.find("*") : own;
            if (by != declared.end() && !conforms(value, by->second)) {
                return false;
            }
        }
        const auto it = values.find("*");
        for (const auto& [service, declaration] : declared) {
            if (it != values.end() && !conforms(it->second, declaration)) {
                return false;
            }
        }
        return true;
    }
};

// A change that somebody makes: what it comes to, if it is allowed.
struct Wanted {
    Model after;
    std::optional<Plan> plan;
    bool nothing_to_do = false;
};

Wanted any_change(Desk& desk, Model model) {
    const std::string service = any_service();
    Result<Plan> plan = Plan{};
    bool possible = true;
    switch (*rc::gen::inRange(0, 4)) {
        case 0: {
            const auto declaration = any_declaration(service);
            model.declared[service] = declaration;
            plan = desk.state(service).declare(declaration);
            break;
        }
        case 1:
            possible = model.values.erase(service) == 1;
            ++model.changes[service];
            plan = desk.plan_set(service, std::nullopt);
            break;
        default:
            model.values[service] = any_value();
            ++model.changes[service];
            plan = desk.plan_set(service, model.values[service]);
    }
    RC_ASSERT(plan.has_value() == (possible && model.good()));
    if (!plan) {
        return {};
    }
    return {model, *plan, plan->done.has_value()};
}

}  // namespace

// Also with somebody else's change in between: what was decided by what is no longer so is not
// done.
TEST_CASE("setting change: every value conforms to each declaration it has to", "[coord][model]") {
    CHECK(rc::check("any run of changes", [] {
        Desk desk;
        Model model;
        for (int step = 0; step < 30; ++step) {
            const Wanted slow = any_change(desk, model);
            bool overtaken = false;
            if (*rc::gen::inRange(0, 3) == 0) {
                const Wanted fast = any_change(desk, model);
                overtaken = fast.plan && !fast.nothing_to_do;
                if (overtaken) {
                    RC_ASSERT(desk.carry_out(*fast.plan));
                    model = fast.after;
                }
            }
            if (slow.plan && !slow.nothing_to_do) {
                RC_ASSERT(desk.carry_out(*slow.plan) == !overtaken);
                model = overtaken ? model : slow.after;
            }
            RC_ASSERT(model.good());
            for (const std::string service : {"*", "a", "b"}) {
                const auto all = desk.effective(service);
                const auto it = all.find("k");
                RC_ASSERT((it == all.end() || it->second.has_value()));
                const auto own = model.values.find(service);
                const auto of_all = model.values.find("*");
                const auto value = own == model.values.end() ? of_all : own;
                RC_ASSERT((it == all.end()) == (value == model.values.end()));
                RC_ASSERT((it == all.end() || it->second->value == value->second));
                const auto history = desk.history(service);
                const int changes = model.changes[service];
                RC_ASSERT(history.size() == static_cast<std::size_t>(std::min(changes, 32)));
                RC_ASSERT((history.empty() ||
                           history.back().number == static_cast<std::uint64_t>(changes)));
            }
        }
    }));
}

TEST_CASE("setting change: the last 32 changes are kept", "[coord]") {
    Desk d;
    for (int i = 1; i <= 40; ++i) {
        REQUIRE(d.set("a", i % 2 == 0 ? std::nullopt : std::optional(std::to_string(i))));
        const auto history = d.history("a");
        REQUIRE(history.size() == static_cast<std::size_t>(std::min(i, 32)));
        for (std::size_t j = 0; j < history.size(); ++j) {
            const std::uint64_t number = static_cast<std::uint64_t>(i) - history.size() + j + 1;
            CHECK(history[j].number == number);
            CHECK(history[j].value ==
                  (number % 2 == 0 ? std::nullopt : std::optional(std::to_string(number))));
        }
    }
    // Of the value there is none, of the guard one.
    CHECK(d.space.list(KeyRange::prefix("/")).size() == 33);
}

TEST_CASE("setting change: names are no one else's beginnings", "[coord]") {
    Desk d;
    const std::string long_name(200, '\xff');
    for (const std::string& service : {std::string("a"), std::string("a-b"), long_name}) {
        for (const std::string& key : {std::string("k"), std::string("k0"), long_name}) {
            const auto plan = d.state(service, key).set({"v", "me", Time{}, "i"}, {});
            REQUIRE(plan);
            REQUIRE(d.carry_out(*plan));
        }
    }
    for (const std::string& service : {std::string("a"), std::string("a-b"), long_name}) {
        CHECK(d.effective(service).size() == 3);
        CHECK(SettingState::history(d.space.list(SettingState::ranges(service, "k").front()))
                  .size() == 1);
    }
    for (const Entry& entry : d.space.list(KeyRange::prefix(""))) {
        CHECK(entry.key.size() <= 438);
    }
}

TEST_CASE("setting change: a change that was made is known again", "[coord]") {
    Desk d;
    const KeptChange change{"1", "me", Time{}, "this one"};
    REQUIRE(d.carry_out(*d.state("a").set(change, Revision{})));
    const Revision done = d.space.revision();
    REQUIRE(d.set("a", "2"));
    const auto again = d.state("a").set(change, Revision{});
    REQUIRE(again);
    CHECK(again->done == done);
    SettingDeclaration declaration;
    declaration.service = "a";
    declaration.key = "k";
    REQUIRE(d.carry_out(*d.state("a").declare(declaration)));
    CHECK(d.state("a").declare(declaration)->done == d.space.revision());
}

TEST_CASE("setting change: what others wrote is in nobody's way for longer than it is there",
          "[coord]") {
    Desk d;
    SettingDeclaration declaration;
    declaration.service = "a";
    declaration.key = "k";
    declaration.type = SettingType::integer;
    REQUIRE(d.carry_out(*d.state("a").declare(declaration)));
    const auto seen = d.plan_set("a", "1");
    d.write("/config/a/k", "no record");
    CHECK_FALSE(d.carry_out(*seen));
    CHECK(d.set("a", "1"));
    d.write("/config-history/a/k/last", "no record");
    d.write("/config/a/k/k", "no record");
    CHECK(d.set("a", "2"));
    CHECK(d.history("a").size() == 2);
    // Nothing is set by a declaration that is not understood, until it is replaced.
    d.write("/config-declared/a/k", "no record");
    CHECK(d.plan_set("a", "3").error().message == "the declaration of k is not understood");
    const auto declared = d.state("a").declare(declaration);
    d.write("/config-declared/a/k", "again none");
    CHECK_FALSE(d.carry_out(*declared));
    REQUIRE(d.carry_out(*d.state("a").declare(declaration)));
    CHECK(d.set("a", "3"));
    // What has no history can be removed.
    d.write("/config/b/k", R"({"value":"x"})");
    CHECK(d.set("b", std::nullopt));
    CHECK(d.history("b").front().number == 1);
    // A value of another that went bad.
    d.write("/config/*/k", R"({"value":"x"})");
    CHECK(d.set("a", "4"));
    CHECK(d.set("*", "5"));
}

TEST_CASE("setting change: a value is also bounded as JSON", "[coord]") {
    Desk d;
    CHECK(d.set("a", std::string(32768 - 100, '"')));
    CHECK(d.set("a", std::string(32768, 'v')));
    CHECK(d.plan_set("a", std::string(32768, '"')).error().code == Errc::invalid_argument);
    CHECK(d.plan_set("a", std::string(32769, 'v')).error().code == Errc::invalid_argument);
    CHECK(d.effective("a").at("k")->value == std::string(32768, 'v'));
}

}  // namespace skald::coord
