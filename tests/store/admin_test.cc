// Verify, backup and restore of a directory: what is sound is found sound, and what was changed
// behind the log's back is found, with its place.
#include "skald/admin.h"

#include <algorithm>
#include <filesystem>

#include "base/crc32c.h"
#include "store/admin/directory.h"
#include "store/eraser.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

// A log with batches at offsets 0, 2, 3 (a lifecycle record), 4.
class Damaged {
  public:
    Damaged() {
        log_.append("a", {"first", "second"});
        log_.append("b", {"third"});
        log_.change("b", SetLimits{});
        log_.append("a", {"fourth"});
        log_.close();
    }
    const std::string& directory() const { return log_.directory(); }

    // Changes the value under the key in one of partition 0's databases.
    template <typename Change>
    void edit_batch(std::uint64_t base, Change change) {
        auto directory = open_exclusively(log_.directory());
        REQUIRE(directory);
        auto txn = directory->env->write();
        const lmdb::Database database = directory->databases[0].log;
        std::string value(as_text(*txn->get(database, base).value()));
        change(value);
        REQUIRE(txn->put(database, base, as_bytes(value)));
        REQUIRE(std::move(*txn).commit());
    }
    template <typename Change>
    void edit(Change change) {
        auto directory = open_exclusively(log_.directory());
        REQUIRE(directory);
        auto txn = directory->env->write();
        change(*txn, directory->databases[0]);
        REQUIRE(std::move(*txn).commit());
    }
    VerifyReport verify() const {
        auto report = verify_directory(log_.directory());
        INFO((report ? "" : report.error().message));
        REQUIRE(report);
        return *report;
    }

  private:
    TestLog log_;
};

bool reports(const VerifyReport& report, const std::string& place, std::uint64_t offset) {
    return std::any_of(report.problems.begin(), report.problems.end(), [&](const auto& problem) {
        return problem.place == place && problem.offset == Offset{offset};
    });
}

// The batch with its header made right again after a change of its tables.
void reseal(std::string& batch) {
    auto header = load_as<wire::BatchHeader>(batch.data());
    wire::seal_batch(batch, header);
}

}  // namespace

TEST_CASE("verify: a sound log has no problems", "[store]") {
    const Damaged log;
    const VerifyReport report = log.verify();
    CHECK(report.problem_count == 0);
    CHECK(report.index_checked);
    CHECK(report.batches == 4);
    CHECK(report.events == 4);
    CHECK(report.control_records == 1);
    CHECK(report.holes == 0);
}

TEST_CASE("verify: a flipped bit anywhere in a batch is found", "[store]") {
    std::size_t bytes = 0;
    {
        Damaged log;
        log.edit_batch(0, [&](std::string& batch) { bytes = batch.size(); });
    }
    for (std::size_t at = 0; at < bytes; at += 41) {
        Damaged log;
        log.edit_batch(0, [&](std::string& batch) { batch[at] ^= 4; });
        const VerifyReport report = log.verify();
        INFO("byte " << at << " of " << bytes);
        CHECK((reports(report, "batch", 0) || reports(report, "record", 0)));
        CHECK_FALSE(report.index_checked);
    }
}

TEST_CASE("verify: a missing batch is found", "[store]") {
    for (const std::uint64_t base : {0U, 2U, 3U}) {
        Damaged log;
        log.edit([&](lmdb::WriteTxn& txn, const LogDatabases& databases) {
            REQUIRE(txn.erase(databases.log, base).value());
        });
        CHECK(reports(log.verify(), "log", base));
    }
}

TEST_CASE("verify: a batch below the log's start is found", "[store]") {
    Damaged log;
    log.edit([&](lmdb::WriteTxn& txn, const LogDatabases& databases) {
        const auto batch = wire::BatchView::open(*txn.get(databases.log, 2).value()).value();
        const auto header = batch.header();
        REQUIRE(write_log_start(txn, databases.meta, Offset{2}, header.chain_before));
    });
    CHECK(reports(log.verify(), "log", 0));
}

TEST_CASE("verify: a record that was replaced is found", "[store]") {
    Damaged log;
    log.edit_batch(0, [](std::string& batch) {
        const std::size_t at = batch.find("second");
        REQUIRE(at != std::string::npos);
        batch[at] = 'S';
        const auto view = wire::BatchView::open(as_bytes(batch)).value();
        const std::uint32_t crc = crc32c(view.record_bytes(1));
        const std::size_t entry = view.header().tables + sizeof(wire::RecordEntry);
        store_le(batch.data() + entry + 4, crc);
        reseal(batch);
    });
    CHECK(reports(log.verify(), "record", 0));
}

TEST_CASE("verify: a wrong version is found", "[store]") {
    Damaged log;
    log.edit_batch(4, [](std::string& batch) {
        const auto header = load_as<wire::BatchHeader>(batch.data());
        const std::size_t names = header.tables + header.records * sizeof(wire::RecordEntry) +
                                  header.requests * sizeof(wire::RequestEntry) +
                                  header.producers * sizeof(wire::ProducerEntry);
        store_le(batch.data() + names + 8, std::uint64_t{7});
        reseal(batch);
    });
    CHECK(reports(log.verify(), "record", 4));
}

TEST_CASE("verify: a batch of another history is found", "[store]") {
    Damaged log;
    Damaged other;
    std::string foreign;
    other.edit_batch(2, [&](std::string& batch) { foreign = batch; });
    log.edit_batch(2, [&](std::string& batch) { batch = foreign; });
    const VerifyReport report = log.verify();
    CHECK(reports(report, "chain", 2));
}

TEST_CASE("verify: a hole that nothing explains is found", "[store]") {
    Damaged log;
    log.edit([](lmdb::WriteTxn& txn, const LogDatabases& databases) {
        const std::uint32_t dead[] = {1};
        REQUIRE(punch_batch(txn, databases.log, Offset{0}, dead));
    });
    const VerifyReport report = log.verify();
    CHECK(report.problem_count == 1);
    CHECK(reports(report, "hole", 1));
}

TEST_CASE("verify: a lifecycle record that became a hole is found", "[store]") {
    Damaged log;
    log.edit([](lmdb::WriteTxn& txn, const LogDatabases& databases) {
        const std::uint32_t dead[] = {0};
        REQUIRE(punch_batch(txn, databases.log, Offset{3}, dead));
    });
    CHECK(reports(log.verify(), "hole", 3));
}

TEST_CASE("verify: damaged meta data is found", "[store]") {
    Damaged log;
    log.edit([](lmdb::WriteTxn& txn, const LogDatabases& databases) {
        REQUIRE(txn.put(databases.meta, as_bytes("lineage"), as_bytes("short")));
    });
    const VerifyReport report = log.verify();
    REQUIRE(report.problem_count == 1);
    CHECK(report.problems[0].place == "meta");
}

TEST_CASE("verify: the index's runs are read too", "[store]") {
    TestLog log;
    std::vector<NewEvent> many(4096, event_of("made", "x"));
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i].correlation_id = "c" + std::to_string(i % 50);
    }
    // More than the index keeps in memory before it makes appends wait for it.
    for (int i = 0; i < 96; ++i) {
        REQUIRE(log.store().append(Append::many("s" + std::to_string(i), many)));
    }
    log.reopen();
    log.close();
    std::size_t blocks = 0;
    const auto edit_block = [&](std::size_t nth) {
        auto directory = open_exclusively(log.directory());
        auto txn = directory->env->write();
        const auto runs = txn->find("p0.runs", lmdb::Keys::integers).value();
        REQUIRE(runs);
        std::vector<std::uint64_t> keys;
        {
            auto cursor = lmdb::Cursor::open(*txn, *runs);
            for (auto found = cursor->first(); *found; found = cursor->next()) {
                keys.push_back((*found)->number());
            }
        }
        blocks = keys.size();
        if (nth >= blocks) {
            return;
        }
        std::string block(as_text(*txn->get(*runs, keys[nth]).value()));
        block[block.size() / 2] ^= 1;
        REQUIRE(txn->put(*runs, keys[nth], as_bytes(block)));
        REQUIRE(std::move(*txn).commit());
    };
    CHECK(verify_directory(log.directory()).value().problem_count == 0);
    edit_block(~std::size_t{0});
    REQUIRE(blocks > 0);
    edit_block(blocks / 2);
    const auto report = verify_directory(log.directory());
    REQUIRE(report);
    REQUIRE(report->problem_count >= 1);
    CHECK(report->problems[0].place == "index");
    edit_block(blocks / 2);
    CHECK(verify_directory(log.directory()).value().problem_count == 0);
}

TEST_CASE("admin: a directory that is open, or none, is left alone", "[store]") {
    const TestLog log;
    const TempDirectory dir;
    CHECK(verify_directory(log.directory()).error().code == Errc::already_open);
    CHECK(scavenge_directory(log.directory()).error().code == Errc::already_open);
    CHECK(verify_directory(dir.path("none")).error().code == Errc::not_found);
    CHECK(scavenge_directory(dir.path("none")).error().code == Errc::not_found);
    CHECK(directory_info(dir.path("none")).error().code == Errc::not_found);
    CHECK(backup_directory(dir.path("none"), dir.path("out")).error().code == Errc::not_found);
}

TEST_CASE("admin: scavenges a directory", "[store]") {
    TestLog log;
    log.append("s", {"0", "1", "2"});
    log.append("s", {"3"});
    log.change("s", TruncateStream{Version{3}});
    log.close();
    std::uint64_t last_done = 0;
    const auto report =
        scavenge_directory(log.directory(), [&](std::uint64_t done, std::uint64_t total) {
            CHECK(done >= last_done);
            CHECK(done <= total);
            last_done = done;
        });
    REQUIRE(report);
    CHECK(report->records_removed == 3);
    CHECK(report->batches_dropped == 1);
    CHECK(last_done > 0);
    CHECK(directory_info(log.directory()).value().partitions.at(0).start == Offset{3});
    CHECK(verify_directory(log.directory()).value().problem_count == 0);
}

TEST_CASE("admin: a restored log is the backed up one under a lineage of its own", "[store]") {
    for (const std::uint16_t partitions : {std::uint16_t{1}, std::uint16_t{4}}) {
        TestLog log(partitions);
        for (int i = 0; i < 30; ++i) {
            log.append("s" + std::to_string(i % 7), {std::to_string(i)});
        }
        log.change("s1", TruncateStream{Version{2}});
        const auto before = log.read(Selection::all());
        log.close();
        const TempDirectory dir;
        const auto backup = backup_directory(log.directory(), dir.path("backup"));
        REQUIRE(backup);
        CHECK(backup->records == 31);
        CHECK(verify_directory(dir.path("backup")).value().problem_count == 0);
        CHECK(backup_directory(log.directory(), dir.path("backup")).error().code ==
              Errc::already_exists);
        CHECK(restore_directory(dir.path("backup"), log.directory()).error().code ==
              Errc::already_exists);
        std::filesystem::remove_all(log.directory());
        REQUIRE(restore_directory(dir.path("backup"), log.directory()));
        const auto info = directory_info(log.directory()).value();
        CHECK(info.partitions.at(0).parent == backup->partitions.at(0).lineage);
        CHECK(info.partitions.at(0).fork == backup->partitions.at(0).next);
        log.reopen();
        CHECK(log.read(Selection::all()) == before);
        log.close();
        CHECK(verify_directory(log.directory()).value().problem_count == 0);
    }
}

TEST_CASE("admin: a damaged batch does not get into a backup", "[store]") {
    Damaged log;
    log.edit_batch(2, [](std::string& batch) { batch[130] ^= 1; });
    const TempDirectory dir;
    const auto backup = backup_directory(log.directory(), dir.path("backup"));
    REQUIRE_FALSE(backup);
    CHECK(backup.error().code == Errc::corrupt);
    CHECK(backup.error().offset == 2U);
}

}  // namespace skald::store
