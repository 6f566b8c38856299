#include "store/partition_cursor.h"

#include "base/limits.h"
#include "store/admin/directory.h"
#include "store/log_set.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

// One partition of a log that nobody writes any more, read page by page.
class Pages {
  public:
    Pages(const std::string& directory, CursorOptions options)
        : options_(std::move(options)),
          directory_(open_exclusively(directory).value()),
          set_(LogSet::open(*directory_.env, directory_.databases).value()),
          visible_{{log().next, log().clock, digest_of(log().chain)}},
          place_{0, options_.backward ? log().next : Offset{}, 0, Version{}},
          cursor_(log(), options_, place_) {}

    PartitionLog& log() { return *set_->logs().front(); }
    // The offsets of one page, in the order of the read; empty at the end.
    std::vector<std::uint64_t> next(std::uint32_t events) {
        auto txn = directory_.env->read().value();
        const ReadView view{txn, visible_};
        std::vector<std::uint64_t> offsets;
        ReadBudget budget{events, limits::kMiB};
        if (cursor_.load(view, {limits::kScanRecordsMax, events}).value()) {
            EventBuffer buffer;
            CHECK(cursor_.take_events(budget, true, buffer).value() > 0);
            for (const EventView& event : buffer.events()) {
                offsets.push_back(event.offset.value);
            }
        }
        scanned_ = cursor_.scanned();
        cursor_.release();
        return offsets;
    }
    // Records that the last page looked at.
    std::size_t scanned() const { return scanned_; }

  private:
    CursorOptions options_;
    Directory directory_;
    std::unique_ptr<LogSet> set_;
    std::vector<Visible> visible_;
    Place place_;
    PartitionCursor cursor_;
    std::size_t scanned_ = 0;
};

constexpr std::size_t kBatches = 3;
constexpr std::size_t kBatchRecords = 200;

// Every batch is the stream's alone.
void fill(TestLog& log) {
    for (std::size_t i = 0; i < kBatches; ++i) {
        log.append("a-1", std::vector<std::string>(kBatchRecords, "d"));
    }
    log.close();
}

Selection any_type(Selection selection) {
    selection.types = {"m*"};
    return selection;
}

}  // namespace

TEST_CASE("partition_cursor: no more is chosen than a page may take", "[store]") {
    const bool backward = GENERATE(false, true);
    const auto selection =
        GENERATE(Selection::stream("a-1"), Selection::category("a"), any_type(Selection::all()));
    if (backward && selection.kind != Selection::Kind::stream) {
        return;
    }
    TestLog log;
    fill(log);
    CursorOptions options;
    options.selection = selection;
    options.backward = backward;
    Pages pages(log.directory(), options);
    CHECK(pages.next(1).size() == 1);
    CHECK(pages.scanned() == 1);
    CHECK(pages.next(7).size() == 7);
    CHECK(pages.scanned() <= 8);
}

TEST_CASE("partition_cursor: small pages together hold everything once", "[store]") {
    const auto selection = GENERATE(Selection::stream("a-1"), Selection::category("a"),
                                    any_type(Selection::all()), Selection::all());
    const std::uint32_t events = GENERATE(1U, 7U, 199U, 200U, 1000U);
    TestLog log;
    fill(log);
    CursorOptions options;
    options.selection = selection;
    Pages pages(log.directory(), options);
    std::vector<std::uint64_t> all;
    for (auto page = pages.next(events); !page.empty(); page = pages.next(events)) {
        CHECK(page.size() <= events);
        all.insert(all.end(), page.begin(), page.end());
        REQUIRE(all.size() <= kBatches * kBatchRecords);
    }
    REQUIRE(all.size() == kBatches * kBatchRecords);
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i] == i);
    }
}

}  // namespace skald::store
