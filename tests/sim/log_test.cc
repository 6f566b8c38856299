#include "sim/log.h"

#include <catch2/catch.hpp>

namespace skald::sim {

TEST_CASE("sim log: batches chain, and a cut takes back what they added") {
    Log log;
    log.append(log.make(Epoch{1}, {7, 8}));
    log.append(log.make(Epoch{1}, {}));
    const auto before = log.chain_at(Offset{3});
    log.append(log.make(Epoch{3}, {9}));
    CHECK(log.end() == Offset{4});
    CHECK(log.events() == 3);
    CHECK(log.find(8) == Offset{1});
    CHECK(log.chain_at(Offset{1}) == std::nullopt);
    CHECK(log.chain_at(Offset{3}) == before);
    CHECK(log.epochs().last() == Epoch{3});
    CHECK(log.from(Offset{2}, 10).size() == 2);
    CHECK(log.from(Offset{2}, 1).size() == 1);

    log.cut(Offset{3});
    CHECK(log.end() == Offset{3});
    CHECK(log.find(9) == std::nullopt);
    CHECK(log.epochs().last() == Epoch{1});
    CHECK(log.chain_at(Offset{3}) == before);
}

TEST_CASE("sim log: other events or another epoch make another chain") {
    Log log;
    const auto chain = [&](Epoch epoch, std::vector<EventId> events) {
        return log.make(epoch, std::move(events))->head.chain;
    };
    CHECK(chain(Epoch{1}, {1}) != chain(Epoch{1}, {2}));
    CHECK(chain(Epoch{1}, {1}) != chain(Epoch{2}, {1}));
    CHECK(chain(Epoch{1}, {1, 2}) != chain(Epoch{1}, {2, 1}));
    CHECK(chain(Epoch{1}, {1}) == chain(Epoch{1}, {1}));
}

}  // namespace skald::sim
