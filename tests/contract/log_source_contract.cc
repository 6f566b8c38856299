#include "tests/contract/log_source_contract.h"

#include <catch2/catch.hpp>

#include "wire/batch.h"

namespace skald::contract {
namespace {

using Offsets = std::vector<std::uint64_t>;

// Where the batches of a run begin; checks that they are whole and sound.
Offsets bases_of(LogSource& source, const LogRange& range) {
    auto run = source.batches(range);
    INFO((run ? "" : run.error().message));
    REQUIRE(run);
    Offsets bases;
    for (const Bytes bytes : run->batches) {
        auto batch = wire::BatchView::open(bytes);
        REQUIRE(batch);
        CHECK(batch->verify());
        CHECK_FALSE(batch->slice());
        bases.push_back(batch->base().value);
    }
    return bases;
}

}  // namespace

void fill_log(EventStore& store) {
    for (const std::size_t count : {2U, 1U, 3U}) {
        NewEvent event;
        event.type = "made";
        event.data = "some";
        REQUIRE(store.append(Append::many("s", std::vector<NewEvent>(count, event))));
    }
}

void run_log_source_contract(LogSource& source) {
    const std::size_t all = 1 << 20;
    const Partition zero;
    const Offset far{1000};

    const auto state = source.state();
    REQUIRE(state);
    CHECK_FALSE(state->cluster.is_nil());
    CHECK(state->bytes > 0);
    REQUIRE(state->partitions.size() == 1);
    const PartitionState& partition = state->partitions[0];
    CHECK(partition.high_watermark == Offset{6});
    CHECK(partition.meta.start == Offset{0});
    REQUIRE(partition.meta.lineages.size() == 1);
    CHECK_FALSE(partition.meta.lineages[0].id.is_nil());
    CHECK_FALSE(partition.meta.lifecycle);

    CHECK(bases_of(source, {zero, Offset{0}, far, all}) == Offsets{0, 2, 3});
    CHECK(bases_of(source, {zero, Offset{2}, far, all}) == Offsets{2, 3});
    CHECK(bases_of(source, {zero, Offset{0}, far, 1}) == Offsets{0});
    CHECK(bases_of(source, {zero, Offset{0}, Offset{3}, all}) == Offsets{0, 2});
    CHECK(bases_of(source, {zero, Offset{6}, far, all}).empty());
    CHECK(bases_of(source, {zero, Offset{3}, Offset{3}, all}).empty());
    CHECK(source.batches({zero, Offset{1}, far, all}).error().code == Errc::invalid_argument);
    CHECK(source.batches({Partition{7}, Offset{0}, far, all}).error().code ==
          Errc::invalid_argument);

    auto rows = source.producers(zero, "", 1);
    for (int pages = 0; rows && !rows->next.empty() && pages < 100; ++pages) {
        rows = source.producers(zero, rows->next, 1);
    }
    REQUIRE(rows);
    CHECK(rows->next.empty());
    CHECK(source.producers(Partition{7}, "", 1).error().code == Errc::invalid_argument);
}

}  // namespace skald::contract
