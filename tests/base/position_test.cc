#include "skald/position.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace skald {
namespace {

PartitionPosition part(std::uint16_t partition, std::uint64_t next, std::uint8_t lineage = 1) {
    PartitionPosition position;
    position.partition = Partition{partition};
    position.lineage.bytes[0] = lineage;
    position.epoch = Epoch{1};
    position.next = Offset{next};
    return position;
}

Position at(std::vector<PartitionPosition> partitions, std::uint8_t cluster = 7) {
    Position position;
    position.cluster.bytes[0] = cluster;
    position.partitions = std::move(partitions);
    return position;
}

}  // namespace

TEST_CASE("position: compares what lies behind", "[base]") {
    CHECK(compare(at({part(0, 5)}), at({part(0, 5)})) == Order::equal);
    CHECK(compare(at({part(0, 4)}), at({part(0, 5)})) == Order::before);
    CHECK(compare(at({part(0, 6)}), at({part(0, 5)})) == Order::after);
    CHECK(compare(at({part(0, 5), part(1, 1)}), at({part(0, 5), part(1, 2)})) == Order::before);
    CHECK(compare(at({part(0, 5), part(1, 2)}), at({part(0, 6), part(1, 1)})) == Order::concurrent);
}

TEST_CASE("position: a partition that is not listed stands at its beginning", "[base]") {
    CHECK(compare(Position{}, Position{}) == Order::equal);
    CHECK(compare(Position{}, at({part(3, 1)})) == Order::before);
    CHECK(compare(at({part(3, 1)}), Position{}) == Order::after);
    CHECK(compare(at({part(3, 0)}), at({})) == Order::equal);
    CHECK(compare(at({part(1, 9)}), at({part(2, 9)})) == Order::concurrent);
    CHECK(compare(at({part(1, 9), part(2, 9)}), at({part(2, 9)})) == Order::after);
}

TEST_CASE("position: logs that parted cannot be compared", "[base]") {
    CHECK(compare(at({part(0, 5, 1)}), at({part(0, 5, 2)})) == Order::concurrent);
    CHECK(compare(at({part(0, 5)}, 7), at({part(0, 6)}, 8)) == Order::concurrent);
    CHECK(compare(at({part(0, 0, 1)}), at({part(0, 5, 2)})) == Order::before);
}

TEST_CASE("position: the token of one position", "[base][golden]") {
    const Position position = at({part(2, 258)});
    const std::string token = to_token(position);
    CHECK(token ==
          "AQcAAAAAAAAAAAAAAAAAAAABAAIAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAgEAAAAAAAAAAAAA_OaTaw");
    const auto parsed = parse_position(token);
    REQUIRE(parsed);
    CHECK(*parsed == position);
}

TEST_CASE("position: any position comes back from its token", "[base]") {
    CHECK(rc::check("round trip", [] {
        Position position;
        position.cluster.bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 16>>();
        std::uint16_t partition = 0;
        for (int i = *rc::gen::inRange(0, 20); i > 0; --i) {
            PartitionPosition each;
            partition = static_cast<std::uint16_t>(partition + *rc::gen::inRange(1, 20));
            each.partition = Partition{partition};
            each.lineage.bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 16>>();
            each.epoch = Epoch{*rc::gen::arbitrary<std::uint64_t>()};
            each.next = Offset{*rc::gen::arbitrary<std::uint64_t>()};
            each.digest = *rc::gen::arbitrary<std::uint32_t>();
            position.partitions.push_back(each);
        }
        const auto parsed = parse_position(to_token(position));
        RC_ASSERT(parsed.has_value());
        RC_ASSERT(*parsed == position);
    }));
}

TEST_CASE("position: what is no token is refused", "[base]") {
    const std::string token = to_token(at({part(0, 5), part(1, 6)}));
    const auto refused = [](const std::string& text) {
        const auto parsed = parse_position(text);
        return !parsed && parsed.error().code == Errc::invalid_position;
    };
    CHECK(refused(""));
    CHECK(refused("hello"));
    CHECK(refused(token + "A"));
    CHECK(refused(token + "="));
    CHECK(refused(" " + token));
    CHECK(refused(std::string(1'000'000, 'A')));
    CHECK(refused(to_token(at({part(1, 5), part(0, 6)}))));
    CHECK(refused(to_token(at({part(1, 5), part(1, 6)}))));
    CHECK(refused(to_token(at({part(2000, 5)}))));
    for (std::size_t i = 0; i < token.size(); ++i) {
        CHECK(refused(token.substr(0, i)));
        std::string changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CHECK(refused(changed));
    }
}

}  // namespace skald
