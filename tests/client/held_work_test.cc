#include "client/held_work.h"

#include "tests/client/fake_services.h"

namespace skald::client {
namespace {

// Takes the events of a page, one after the other: which of them are behind a failure.
std::vector<bool> behind(HeldWork& held) {
    std::vector<bool> list;
    while (!held.empty()) {
        list.push_back(held.behind_failure(held.take()));
    }
    return list;
}

// A reply whose first event is announced twice.
std::string overstated() {
    const std::string page = page_of({{5, "a"}});
    auto reply = wire::decode_member_reply(as_bytes(page)).value();
    reply.heads[0].events = 2;
    reply.attempts.clear();
    return wire::encode(reply);
}

using Flags = std::vector<bool>;

}  // namespace

TEST_CASE("held work: events in order, with what is known of them", "[client]") {
    HeldWork held;
    CHECK(held.empty());
    REQUIRE(held.add(page_of({{5, "a"}, {7, "b", 3}}, 9)));
    REQUIRE(held.add(page_of({})));
    REQUIRE(held.add(page_of({{6, "c"}})));
    HeldWork::Piece piece = held.take();
    CHECK(piece.event.stream == "a");
    CHECK(piece.event.data == "5");
    CHECK(piece.place() == Place{Partition{0}, Offset{5}});
    CHECK(piece.attempt == 1);
    CHECK(piece.term == 9);
    piece = held.take();
    CHECK(piece.event.stream == "b");
    CHECK(piece.attempt == 3);
    piece = held.take();
    CHECK(held.empty());
    held.clear();
    CHECK(piece.event.stream == "c");
    CHECK(piece.term == 0);
}

TEST_CASE("held work: what is no page is refused", "[client]") {
    HeldWork held;
    CHECK(held.add("noise").error().code == Errc::malformed);
    CHECK(held.add(overstated()).error().code == Errc::malformed);
    std::string damaged = page_of({{5, "a"}});
    damaged[damaged.find("SKB1") + 140] ^= 1;  // in the record
    CHECK(held.add(damaged).error().code == Errc::corrupt);
    CHECK(held.empty());
}

TEST_CASE("held work: what comes behind a failure is held back until the node knows", "[client]") {
    HeldWork held;
    held.keep_order(ConsumerMode::per_key, "");
    REQUIRE(held.add(page_of({{5, "a"}, {6, "b"}, {7, "a"}})));
    held.failed(held.take(), 4);
    CHECK(behind(held) == Flags{false, true});
    REQUIRE(held.add(page_of({{8, "a"}}, 0, 3)));
    CHECK(behind(held) == Flags{true});
    REQUIRE(held.add(page_of({{5, "a"}, {7, "a"}}, 0, 4)));
    CHECK(behind(held) == Flags{false, false});
}

TEST_CASE("held work: a key is what its metadata says", "[client]") {
    HeldWork held;
    held.keep_order(ConsumerMode::per_key, "customer");
    REQUIRE(held.add(page_of({{5, "a", 1, {{"customer", "ann"}}},
                              {6, "a", 1, {{"customer", "bob"}}},
                              {7, "b", 1, {{"customer", "ann"}}},
                              {8, "ann"}})));
    held.failed(held.take(), 1);
    CHECK(behind(held) == Flags{false, true, true});
}

TEST_CASE("held work: of an exclusive consumer all comes behind, of a shared one nothing",
          "[client]") {
    HeldWork held;
    held.keep_order(ConsumerMode::exclusive, "");
    REQUIRE(held.add(page_of({{5, "a"}, {6, "b"}}, 1)));
    held.failed(held.take(), 1);
    CHECK(behind(held) == Flags{true});
    held.clear();
    REQUIRE(held.add(page_of({{6, "b"}}, 1)));
    CHECK(behind(held) == Flags{false});
    held.keep_order(ConsumerMode::shared, "");
    REQUIRE(held.add(page_of({{5, "a"}, {6, "a"}})));
    held.failed(held.take(), 2);
    CHECK(behind(held) == Flags{false});
}

}  // namespace skald::client
