#include "cqrs/lanes.h"

#include "cqrs/limits.h"
#include "tests/cqrs/acts.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kRows = 200;

std::vector<Act> own_rows(std::size_t count = kRows) {
    std::vector<Act> acts;
    for (std::size_t i = 0; i < count; ++i) {
        acts.push_back(act(i % kRows));
    }
    return acts;
}

struct Compared {
    ActsModel one{1};
    ActsModel four{4};
    // Of four lanes, when it is that of one.
    ActsOutcome project(const std::vector<Act>& acts, const std::vector<std::size_t>& sizes = {},
                        const Poison& poison = {}) {
        const ActsLog log(acts);
        auto expected = one.project(log.events(), sizes, poison);
        auto came = four.project(log.events(), sizes, poison);
        CHECK(came.failure == expected.failure);
        CHECK(came.effects == expected.effects);
        CHECK(came.events == expected.events);
        CHECK(came.position == expected.position);
        CHECK((came.entries == expected.entries));
        CHECK(one.elsewhere() == 0);
        CHECK(one.reruns() == 0);
        return came;
    }
};

}  // namespace

TEST_CASE("lanes: rows of their own are made on several threads", "[cqrs]") {
    Compared compared;
    auto acts = own_rows(3 * kRows);
    for (std::size_t i = 0; i < acts.size(); i += 3) {
        acts[i].effects = true;
        acts[i].only = std::to_string(acts[i].id);
    }
    compared.project(acts, {300, 250});
    CHECK(compared.four.reruns() == 0);
    CHECK(compared.four.elsewhere() > kRows);
}

TEST_CASE("lanes: what one changed and another comes upon is handled in order", "[cqrs]") {
    Compared compared;
    auto acts = own_rows();
    // Ten pairs: not all are in one lane.
    SECTION("rows that others read") {
        for (std::uint64_t i = 0; i < 10; ++i) {
            acts[120 + i].reads = i;
        }
    }
    SECTION("rows that others read before they were changed") {
        for (std::uint64_t i = 0; i < 10; ++i) {
            acts[i].reads = 150 + i;
        }
    }
    SECTION("rows that others become") {
        for (std::uint64_t i = 0; i < 10; ++i) {
            acts[130 + i].becomes = i;
        }
    }
    SECTION("a row that all others read") {
        for (Act& each : acts) {
            each.reads = 50;
        }
    }
    SECTION("rows that are erased") {
        for (std::uint64_t i = 0; i < 10; ++i) {
            acts[i].erases = true;
            acts[190 + i].reads = i;
        }
    }
    SECTION("unique values that are passed on") {
        for (std::uint64_t i = 0; i < 10; ++i) {
            acts[i].only = std::to_string(i);
            acts.push_back(act(i));
            acts.push_back(act(90 + i));
            acts.back().only = std::to_string(i);
        }
    }
    compared.project(acts);
    CHECK(compared.four.reruns() == 1);
}

TEST_CASE("lanes: a row that all read and none changes is no reason", "[cqrs]") {
    Compared compared;
    auto acts = own_rows();
    acts.insert(acts.begin(), act(1000));
    for (std::size_t i = 1; i < acts.size(); ++i) {
        acts[i].reads = 1000;
    }
    compared.project(acts, {1});
    CHECK(compared.four.reruns() == 0);
    CHECK(compared.four.elsewhere() > 0);
}

TEST_CASE("lanes: an event that fails has the answer of one lane", "[cqrs]") {
    Compared compared;
    auto acts = own_rows();
    std::string reason = "this act fails";
    SECTION("a handler that throws") {
        acts[111].fails = true;
    }
    SECTION("a second of a unique value") {
        acts[11].only = acts[177].only = "one";
        reason = "only";
    }
    SECTION("a second of a unique value of the commit before") {
        acts.insert(acts.begin(), act(1000));
        acts[0].only = acts[150].only = "one";
        reason = "only";
    }
    const std::vector<std::size_t> sizes = {1};
    const auto stopped = compared.project(acts, sizes);
    CHECK_THAT(stopped.failure, Catch::Contains(reason) && Catch::Contains("(poison)"));
    CHECK(stopped.events > 100);
    CHECK(compared.four.reruns() == 1);
    const auto parked = compared.project(acts, sizes, Poison::park());
    CHECK(parked.failure.empty());
    CHECK(compared.four.reruns() == 2);
}

TEST_CASE("lanes: what is held up by a parked event stays in order", "[cqrs]") {
    Compared compared;
    auto acts = own_rows(3 * kRows);
    acts[5].fails = true;  // in the second delivery one of its stream waits
    const auto came = compared.project(acts, {kRows, kRows, kRows}, Poison::park());
    CHECK(came.failure.empty());
    CHECK(came.events == 3 * kRows);
}

TEST_CASE("lanes: after a try that came to nothing some are left out", "[cqrs]") {
    Compared compared;
    std::vector<Act> acts;
    std::vector<std::size_t> sizes;
    for (std::size_t round = 0; round < 16; ++round) {
        auto some = own_rows(100);
        some[0].reads = 99;
        acts.insert(acts.end(), some.begin(), some.end());
        sizes.push_back(some.size());
    }
    compared.project(acts, sizes);
    CHECK(compared.four.reruns() == 4);  // rounds 0, 2, 5 and 10
}

TEST_CASE("lanes: nothing is left of a try that came to nothing", "[cqrs]") {
    Compared compared;
    auto acts = own_rows(100);
    acts.push_back(act(kRows));
    acts.back().fails = true;
    const auto more = own_rows(kRows);
    acts.insert(acts.end(), more.begin(), more.end());
    compared.project(acts, {101, 100, 100}, Poison::park());
    CHECK(compared.four.reruns() == 1);  // the second is left out, the third goes well
    const auto elsewhere = compared.four.elsewhere();
    compared.project(own_rows(), {});
    CHECK(compared.four.elsewhere() > elsewhere);
}

TEST_CASE("lanes: few events, and those of one stream, take one lane", "[cqrs]") {
    Compared compared;
    SECTION("few") {
        compared.project(own_rows(3 * limits::kLaneEventsMin),
                         {limits::kLaneEventsMin, limits::kLaneEventsMin});
    }
    SECTION("of one stream") {
        compared.project(std::vector<Act>(500, act(1)));
    }
    CHECK(compared.four.elsewhere() == 0);
    CHECK(compared.four.reruns() == 0);
}

TEST_CASE("lanes: rows that do not fit into memory at once", "[cqrs]") {
    Compared compared;
    std::vector<Act> acts = own_rows(80);
    for (Act& each : acts) {
        each.text = 1 << 20;
    }
    compared.project(acts);
    CHECK(compared.four.reruns() == 1);
}

TEST_CASE("lanes: the key says which events share one", "[cqrs]") {
    std::vector<Act> acts;
    for (std::uint64_t i = 0; i < kRows; ++i) {
        acts.push_back(act(i));
        acts.back().reads = i ^ 1;  // rows in pairs
    }
    const ActsLog log(acts);
    ActsModel by_stream(4);
    by_stream.project(log.events(), {});
    CHECK(by_stream.reruns() == 1);
    ActsModel by_pair(4, [](const EventView& at) {
        return std::to_string(std::stoull(std::string(at.stream.substr(4))) / 2);
    });
    by_pair.project(log.events(), {});
    CHECK(by_pair.reruns() == 0);
    CHECK(by_pair.elsewhere() > 0);
}

}  // namespace skald::cqrs
