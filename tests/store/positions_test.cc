#include "store/positions.h"

#include <filesystem>

#include "skald/admin.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

Errc refusal(TestLog& log, const Start& start, const Selection& selection = Selection::all()) {
    Read read;
    read.selection = selection;
    read.start = start;
    const auto page = log.store().read(read);
    REQUIRE_FALSE(page);
    return page.error().code;
}

}  // namespace

TEST_CASE("positions: a receipt's position is just behind the append", "[store]") {
    for (const std::uint16_t partitions : {std::uint16_t{1}, std::uint16_t{4}}) {
        TestLog log(partitions);
        log.append("a", {"0"});
        const Receipt receipt = log.append("a", {"1", "2"});
        log.append("a", {"3"});
        const auto events = log.read(Selection::stream("a"), receipt.position);
        REQUIRE(events.size() == 1);
        CHECK(events[0].data == "3");
        CHECK(parse_position(to_token(receipt.position)).value() == receipt.position);
    }
}

TEST_CASE("positions: of another log they are told apart", "[store]") {
    TestLog log;
    TestLog other;
    log.append("a", {"0"});
    other.append("a", {"0"});
    CHECK(refusal(log, *other.store().position()) == Errc::wrong_lineage);
    Position position = *log.store().position();
    position.partitions[0].lineage = Uuid{{1}};
    CHECK(refusal(log, position) == Errc::wrong_lineage);
    position = *log.store().position();
    position.partitions[0].digest ^= 1;
    CHECK(refusal(log, position) == Errc::wrong_lineage);
    position.partitions[0].partition = Partition{7};
    CHECK(refusal(log, position) == Errc::invalid_position);
}

TEST_CASE("positions: ahead of the log they say where it ends", "[store]") {
    TestLog log;
    log.append("a", {"0"});
    Position position = *log.store().position();
    position.partitions[0].next = Offset{9};
    Read read;
    read.start = position;
    const auto page = log.store().read(read);
    REQUIRE_FALSE(page);
    CHECK(page.error().code == Errc::log_truncated);
    CHECK(page.error().offset == 1U);
}

TEST_CASE("positions: hold on the parent of a restored log up to the fork", "[store]") {
    TestLog log;
    const Receipt kept = log.append("a", {"0"});
    const TempDirectory dir;
    log.close();
    REQUIRE(backup_directory(log.directory(), dir.path("backup")));
    log.reopen();
    const Receipt lost = log.append("a", {"1"});
    log.close();
    std::filesystem::remove_all(log.directory());
    REQUIRE(restore_directory(dir.path("backup"), log.directory()));
    log.reopen();
    log.append("a", {"another"});
    CHECK(log.read(Selection::all(), kept.position).size() == 1);
    CHECK(refusal(log, lost.position) == Errc::log_truncated);
}

TEST_CASE("positions: a start must fit its selection", "[store]") {
    TestLog log(4);
    log.append("a", {"0", "1", "2"});
    CHECK(refusal(log, Version{0}) == Errc::invalid_argument);
    CHECK(refusal(log, Offset{0}) == Errc::invalid_argument);
    CHECK(log.read(Selection::stream("a"), Version{1}).size() == 2);
    CHECK(log.read(Selection::stream("a"), Version{1}, true).size() == 2);
    CHECK(log.read(Selection::stream("a"), Version{9}).empty());
    CHECK(log.read(Selection::stream("a"), End{}).empty());
    CHECK(log.read(Selection::stream("a"), End{}, true).size() == 3);
}

TEST_CASE("positions: a time is the first event recorded at or after it", "[store]") {
    TestLog log;
    std::vector<Time> times;
    for (int i = 0; i < 30; ++i) {
        log.clock().advance(std::chrono::seconds(1));
        log.append("a", {std::to_string(i)});
        times.push_back(log.clock().now());
    }
    for (std::size_t i = 0; i < times.size(); ++i) {
        CHECK(log.read(Selection::all(), AtTime{times[i]}).size() == times.size() - i);
        CHECK(log.read(Selection::all(), AtTime{Time{times[i].us + 1}}).size() ==
              times.size() - i - 1);
    }
    CHECK(log.read(Selection::all(), AtTime{Time{0}}).size() == times.size());
}

}  // namespace skald::store
