// The replication protocol: no violation with the rules, and each rule's violation without it.
#include "tests/model/replication_model.h"

#include <catch2/catch.hpp>
#include <iostream>

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

}  // namespace

TEST_CASE("replication model: the rules hold in every state", "[model]") {
    for (const Search& each : short_searches()) {
        const Result result = search(each.setup, each.states, each.healing);
        std::cout << line_of(each, result) << '\n';
        INFO(each.setup.name << "\n" << joined(result.report.trace));
        CHECK(result.report.violation == "");
        CHECK(result.report.complete);
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
