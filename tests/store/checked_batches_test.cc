#include "store/checked_batches.h"

#include "tests/store/fixture.h"

namespace skald::store {
namespace {

std::string batch_of(const std::string& data) {
    TestLog log;
    log.append("stream", {data, data});
    const BatchRun run = log.volume().log().batches({Partition{0}, Offset{0}, Offset{2}}).value();
    return std::string(as_text(run.batches.at(0)));
}

}  // namespace

TEST_CASE("checked_batches: tables are checked when a batch is read first", "[store]") {
    std::string batch = batch_of("x");
    batch[batch.find("stream")] = 'S';
    CheckedBatches checked;
    CHECK(checked.open(as_bytes(batch), Partition{}).error().code == Errc::corrupt);
    CHECK(checked.open(as_bytes(batch), Partition{}).error().code == Errc::corrupt);
}

TEST_CASE("checked_batches: and not again as long as it is the same batch", "[store]") {
    std::string batch = batch_of("x");
    CheckedBatches checked;
    REQUIRE(checked.open(as_bytes(batch), Partition{}));
    batch[batch.find("stream")] = 'S';
    CHECK(checked.open(as_bytes(batch), Partition{}));
    CHECK(checked.open(as_bytes(batch).first(batch.size() - 8), Partition{}).error().code ==
          Errc::corrupt);
}

TEST_CASE("checked_batches: one that is rewritten in its place is checked again", "[store]") {
    const std::string before = batch_of("x");
    std::string after = batch_of("something else");
    CheckedBatches checked;
    REQUIRE(checked.open(as_bytes(before), Partition{}));
    after[after.find("stream")] = 'S';
    CHECK(checked.open(as_bytes(after), Partition{}).error().code == Errc::corrupt);
}

}  // namespace skald::store
