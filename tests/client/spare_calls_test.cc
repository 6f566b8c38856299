#include "client/spare_calls.h"

#include <catch2/catch.hpp>

namespace skald::client {
namespace {

Resolved finished(std::size_t bytes) {
    Resolved resolved{std::make_unique<Sequenced>(), Written{}};
    resolved.call->request.assign(bytes, 'x');
    resolved.call->stream = "s";
    resolved.call->connection = 3;
    resolved.call->sends = 2;
    resolved.call->at_once = true;
    resolved.call->room = bytes;
    resolved.call->members.emplace_back();
    return resolved;
}

std::size_t give(SpareCalls& spare, std::size_t count, std::size_t bytes) {
    std::vector<Resolved> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(finished(bytes));
    }
    spare.give(all);
    std::size_t kept = 0;
    for (std::vector<std::unique_ptr<Sequenced>> taken;; taken.clear()) {
        spare.take(taken);
        if (taken.empty()) {
            return kept;
        }
        kept += taken.size();
    }
}

}  // namespace

TEST_CASE("spare calls: come back as new, with their memory", "[client]") {
    SpareCalls spare;
    std::vector<std::unique_ptr<Sequenced>> taken;
    spare.take(taken);
    CHECK(taken.empty());

    std::vector<Resolved> all;
    all.push_back(finished(1000));
    spare.give(all);
    spare.take(taken);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0]->request.capacity() >= 1000);
    CHECK(taken[0]->stream.empty());
    CHECK(taken[0]->connection == 0);
    CHECK(taken[0]->sends == 0);
    CHECK(taken[0]->room == 0);
    CHECK(taken[0]->members.empty());
    CHECK(taken[0]->members.capacity() == 1);
    CHECK_FALSE(taken[0]->at_once);
}

TEST_CASE("spare calls: so many bytes are kept", "[client]") {
    constexpr std::size_t kEach = limits::kClientSpareBytes / 4;
    SpareCalls spare;
    CHECK(give(spare, 3, limits::kClientSpareBytes + 1) == 0);
    CHECK(give(spare, 7, kEach) == 3);
    // What was taken makes room.
    CHECK(give(spare, 7, kEach) == 3);
}

}  // namespace skald::client
