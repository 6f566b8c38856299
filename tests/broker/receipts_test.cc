#include "broker/receipts.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace skald::broker {
namespace {

struct Expectation {
    std::uint64_t id;
    store::AppendOutcome outcome;
};

store::AppendOutcome outcome(std::uint64_t offset, std::uint64_t version) {
    store::AppendOutcome o;
    o.offset = Offset{offset};
    o.version = Version{version};
    o.records = 1;
    o.epoch = Epoch{1};
    return o;
}

}  // namespace

TEST_CASE("receipts: a run of like answers is one range", "[broker]") {
    ReceiptGatherer gatherer;
    for (std::uint64_t i = 0; i < 100; ++i) {
        gatherer.add(10 + i, outcome(50 + i, 7 + i), false);
    }
    const auto messages = gatherer.take();
    REQUIRE(messages.size() == 1);
    REQUIRE(messages[0].ranges.size() == 1);
    CHECK(messages[0].ranges[0].count == 100);
    CHECK(messages[0].ranges[0].versions.empty());
    CHECK(gatherer.empty());
}

TEST_CASE("receipts: versions that do not step are listed", "[broker]") {
    ReceiptGatherer gatherer;
    for (const std::uint64_t version : {5, 2, 9, 9}) {
        static std::uint64_t id = 0;
        gatherer.add(id, outcome(id, version), false);
        ++id;
    }
    const auto messages = gatherer.take();
    CHECK(messages.at(0).ranges.at(0).versions == std::vector<std::uint64_t>{5, 2, 9, 9});
}

TEST_CASE("receipts: ranges say what was added", "[broker][model]") {
    rc::check([](const std::vector<std::array<std::uint8_t, 4>>& steps) {
        ReceiptGatherer gatherer;
        std::vector<Expectation> expected;
        std::uint64_t id = 0;
        std::uint64_t offset = 0;
        for (const auto& step : steps) {
            id += 1 + (step[0] > 250 ? 1 : 0);
            offset += 1 + (step[1] > 250 ? 3 : 0);
            Expectation e{id, outcome(offset, step[2])};
            e.outcome.partition = Partition{static_cast<std::uint16_t>(step[3] > 250)};
            gatherer.add(e.id, e.outcome, false);
            expected.push_back(e);
        }
        std::size_t at = 0;
        for (const auto& message : gatherer.take()) {
            for (const auto& r : message.ranges) {
                for (std::uint32_t i = 0; i < r.count; ++i, ++at) {
                    const Expectation& e = expected.at(at);
                    RC_ASSERT(e.id == r.first_id + i);
                    RC_ASSERT(e.outcome.partition == r.partition);
                    RC_ASSERT(e.outcome.offset == r.offset + std::uint64_t{i} * r.offset_step);
                    const auto version = r.versions.empty()
                                             ? r.version + std::uint64_t{i} * r.version_step
                                             : Version{r.versions.at(i)};
                    RC_ASSERT(e.outcome.version == version);
                }
            }
        }
        RC_ASSERT(at == expected.size());
    });
}

TEST_CASE("receipts: one range a partition, however they alternate", "[broker]") {
    ReceiptGatherer gatherer;
    for (std::uint64_t i = 0; i < 300; ++i) {
        auto o = outcome(i / 3, i / 3);
        o.partition = Partition{static_cast<std::uint16_t>(i % 3)};
        gatherer.add(i / 3, o, false);
    }
    for (int round = 0; round < 2; ++round) {
        const auto messages = gatherer.take();
        REQUIRE(messages.size() == 1);
        REQUIRE(messages[0].ranges.size() == (round == 0 ? 3 : 1));
        CHECK(messages[0].ranges[0].count == (round == 0 ? 100 : 1));
        gatherer.add(100, outcome(100, 100), false);
    }
}

}  // namespace skald::broker
