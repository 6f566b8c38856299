// The replication protocol: no violation with the rules, and each rule's violation without it.
#include "tests/model/replication_model.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "tests/model/configurations.h"

namespace skald::model {
namespace {

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + '\n';
    }
    return text;
}

std::set<std::string> futures(const ReplicationModel& model, const State& state) {
    Steps::Out out;
    model.successors(state, out);
    std::set<std::string> packed;
    for (const auto& step : out) {
        packed.emplace(model.pack(step.second).view());
    }
    return packed;
}

}  // namespace

TEST_CASE("replication model: a state and its packing have the same futures", "[model]") {
    Setup setup;
    setup.isr = 3;
    setup.bounds = {.events = 3,
                    .messages = 1,
                    .crashes = 1,
                    .wipes = 1,
                    .reads = 1,
                    .members = true,
                    .merges = true,
                    .lazy_sync = true};
    const ReplicationModel model(setup);
    std::uint64_t seen = 0;
    const Report report = Explorer(model).explore({.states = 500'000}, [&](const State& state) {
        if (++seen % 64 != 0) {
            return static_cast<const char*>(nullptr);
        }
        Steps::Out out;
        model.successors(state, out);
        for (const auto& step : out) {
            const State again = model.unpack(model.pack(step.second).view());
            if (futures(model, again) != futures(model, step.second)) {
                return "they differ";
            }
        }
        return static_cast<const char*>(nullptr);
    });
    INFO(joined(report.trace));
    CHECK(report.violation == "");
    CHECK(seen > 100'000);
}

TEST_CASE("replication model: the rules hold in every state", "[model]") {
    for (const Search& each : short_searches()) {
        const Result result = search(each.setup, each.states, each.healing);
        std::cout << line_of(each, result) << '\n';
        INFO(each.setup.name << "\n" << joined(result.report.trace));
        CHECK(result.report.violation == "");
        CHECK(result.report.complete);
    }
}

TEST_CASE("replication model: the rules hold on long walks with everything at once", "[model]") {
    for (const Setup& setup : wide_setups()) {
        const Result result = wander(setup, 1, 500);
        std::cout << line_of({setup}, result) << '\n';
        INFO(setup.name << "\n" << joined(result.report.trace));
        CHECK(result.report.violation == "");
        CHECK(result.report.depth == 200);
        CHECK(result.healed > 500);
    }
}

TEST_CASE("replication model: a walk finds what a search finds", "[model]") {
    Setup setup = wide_setups().front();
    for (const Bug bug :
         {Bug::proposed_set_only, Bug::producer_not_fenced, Bug::reject_uncommitted}) {
        setup.bugs = Bugs{bug};
        CHECK(wander(setup, 1, 3'000).report.violation != "");
    }
}

TEST_CASE("replication model: without a rule something is lost", "[model]") {
    for (const Seeded& each : seeded_bugs()) {
        const Result result = search(each.setup, 4'000'000, false);
        std::cout << line_of({each.setup}, result) << '\n';
        INFO(each.what);
        CHECK(result.report.violation.empty() != each.caught);
        CHECK((each.caught || result.report.complete));
    }
}

}  // namespace skald::model
