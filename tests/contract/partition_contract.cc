// What streams in one partition may do together, and what those in several may not.
#include <set>

#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

void streams_spread(Fixture& f) {
    std::set<std::uint16_t> used;
    for (int i = 0; i < 200; ++i) {
        const StreamInfo info = f.info("spread-" + std::to_string(i));
        CHECK(info.partition.value < f.factory().partitions());
        used.insert(info.partition.value);
    }
    CHECK(used.size() == f.factory().partitions());
}

void braces_keep_together(Fixture& f) {
    const Partition own = f.info("order-{7}-a").partition;
    CHECK(f.info("order-{7}-b").partition == own);
    CHECK(f.info("{7}").partition == own);
    CHECK(f.info("7").partition == own);
    CHECK(f.info("user-{}{7}").partition == own);
    Append both;
    both.streams = {{"order-{7}-a", Expected::any(), events({"a"})},
                    {"order-{7}-b", Expected::any(), events({"b"})}};
    f.append(both);
    CHECK(f.types(Selection::category("order")) == Types{"a", "b"});
}

void several_partitions_are_refused(Fixture& f) {
    if (f.factory().partitions() == 1) {
        return;
    }
    const auto [first, second] = apart(f);
    Append both;
    both.streams = {{first, Expected::any(), events({"a"})},
                    {second, Expected::any(), events({"b"})}};
    CHECK(f.refused(both).code == Errc::cross_partition);
    Append checked = append_of(first, {"a"});
    checked.checks = {{second, Expected::no_stream()}};
    CHECK(f.refused(checked).code == Errc::cross_partition);
    CHECK(f.read_all(Selection::all()).empty());
}

void merged_reads_follow_the_commits(Fixture& f) {
    if (f.factory().partitions() == 1) {
        return;
    }
    const auto [first, second] = apart(f);
    Types all;
    for (int i = 0; i < 30; ++i) {
        all.push_back("t" + std::to_string(i));
        f.append(i % 3 == 0 ? first : second, {all.back()});
    }
    CHECK(f.types(Selection::all()) == all);
    CHECK(f.types(Selection::all(), Beginning{}, false, 1) == all);
    CHECK(f.types(Selection::category("apart0")).size() == 10);
    const auto events = f.read_all(Selection::all());
    for (std::size_t i = 1; i < events.size(); ++i) {
        CHECK(events[i - 1].recorded_at <= events[i].recorded_at);
    }
}

void positions_of_several_partitions(Fixture& f) {
    if (f.factory().partitions() == 1) {
        return;
    }
    const auto [first, second] = apart(f);
    const Receipt a = f.append(first, {"a"});
    const Receipt b = f.append(second, {"b"});
    CHECK(compare(a.position, b.position) == Order::concurrent);
    CHECK(compare(a.position, f.position()) == Order::before);
    CHECK(f.types(Selection::all(), a.position) == Types{"b"});
    CHECK(f.types(Selection::stream(second), a.position) == Types{"b"});
    const auto token = parse_position(to_token(f.position()));
    REQUIRE(token);
    f.append(first, {"c"});
    f.append(second, {"d"});
    CHECK(f.types(Selection::all(), *token) == Types{"c", "d"});
}

void offsets_are_gapless(Fixture& f) {
    std::vector<std::uint64_t> next(f.factory().partitions());
    for (int i = 0; i < 60; ++i) {
        const Receipt receipt = f.append("s" + std::to_string(i % 20), {"a", "b"});
        std::uint64_t& own = next[receipt.partition.value];
        own += 2;
        CHECK(receipt.offset.value == own - 1);
    }
}

constexpr Test kTests[] = {
    {"partitions: streams spread over all", streams_spread},
    {"partitions: braces keep streams together", braces_keep_together},
    {"partitions: an append to several is refused", several_partitions_are_refused},
    {"partitions: merged reads follow the commits", merged_reads_follow_the_commits},
    {"partitions: positions know each", positions_of_several_partitions},
    {"partitions: offsets are gapless", offsets_are_gapless},
};

}  // namespace

std::span<const Test> partition_tests() {
    return kTests;
}

}  // namespace skald::contract
