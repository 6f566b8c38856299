// Copies of a log that changes under the copier's hands.
#include "store/admin/log_copy.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "store/database_log.h"
#include "tests/contract/log_source_contract.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

// A log with somebody at work between its answers.
class BusyLog final : public LogSource {
  public:
    explicit BusyLog(LogSource& log) : log_(log) {}
    Result<LogState> state() override {
        before_state(states++);
        return log_.state();
    }
    Result<BatchRun> batches(const LogRange& range) override {
        before_batches(runs++);
        LogRange small = range;
        small.bytes = 1;
        auto run = log_.batches(small);
        return run ? change(std::move(*run)) : std::move(run);
    }
    Result<ProducerRows> producers(Partition partition, const std::string& after,
                                   std::size_t) override {
        ++pages;
        return log_.producers(partition, after, 1);
    }

    std::function<void(int)> before_state = [](int) {};
    std::function<void(int)> before_batches = [](int) {};
    std::function<BatchRun(BatchRun)> change = [](BatchRun run) { return run; };
    int states = 0;
    int runs = 0;
    int pages = 0;

  private:
    LogSource& log_;
};

CopyTotals copied(LogSource& from, const std::string& to, bool fork = false) {
    auto totals = copy_log(from, to, fork, {});
    INFO((totals ? "" : totals.error().message));
    REQUIRE(totals);
    const auto report = verify_directory(to);
    REQUIRE(report);
    for (const VerifyProblem& problem : report->problems) {
        FAIL_CHECK(problem.place << ": " << problem.message);
    }
    CHECK(report->index_checked);
    return *totals;
}

void append_ten(TestLog& log, const std::string& stream) {
    for (int i = 0; i < 10; ++i) {
        log.append(stream, {std::to_string(i)});
    }
}

Append produced(const std::string& stream, std::uint64_t sequence, std::uint8_t producer = 7) {
    Append append = Append::one(stream, event_of("made", "x"));
    append.producer = Producer{Uuid{{producer}}, Epoch{1}, sequence, sequence};
    return append;
}

}  // namespace

TEST_CASE("log source: the contract, of a volume at work", "[store][contract]") {
    TestLog log;
    contract::fill_log(log.store());
    contract::run_log_source_contract(log.volume().log());
}

TEST_CASE("log copy: writes that go on do not get into it", "[store]") {
    TestLog log(4);
    for (int i = 0; i < 20; ++i) {
        log.append("s" + std::to_string(i), {"early"});
    }
    BusyLog busy(log.volume().log());
    busy.before_batches = [&](int n) { log.append("s" + std::to_string(n % 7), {"late"}); };
    const TempDirectory dir;
    const CopyTotals totals = copied(busy, dir.path("copy"));
    CHECK(totals.records == 20);
    CHECK(totals.partitions.size() == 4);
}

TEST_CASE("log copy: it holds the reason of every hole that is in it", "[store]") {
    TestLog log;
    append_ten(log, "s");
    BusyLog busy(log.volume().log());
    busy.before_batches = [&](int n) {
        if (n == 3) {
            log.change("s", EraseEvent{Version{7}});
        }
    };
    const TempDirectory dir;
    CHECK(copied(busy, dir.path("copy")).partitions.at(0).next == Offset{11});
}

TEST_CASE("log copy: it begins anew when the head of the log moved past it", "[store]") {
    TestLog log;
    append_ten(log, "old");
    const auto first = log.store().append(produced("old", 0));
    append_ten(log, "new");
    BusyLog busy(log.volume().log());
    busy.before_batches = [&](int n) {
        if (n == 3) {
            log.change("old", DeleteStream{});
            log.append("new", {"last"});
            CHECK(log.scavenge().batches_dropped == 11);
        }
    };
    const TempDirectory dir;
    const CopyTotals totals = copied(busy, dir.path("copy"), true);
    CHECK(totals.partitions.at(0).start == Offset{11});
    CHECK(totals.records == 12);
    CHECK(totals.batches == 12);
    auto copy = Volume::open(dir.path("copy"), {}, log.clock());
    REQUIRE(copy);
    const auto again = make_local_store(**copy)->append(produced("old", 0));
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::log_truncated);
}

TEST_CASE("log copy: producers are known up to where the log begins", "[store]") {
    TestLog log;
    REQUIRE(log.store().append(produced("old", 0)));
    append_ten(log, "new");
    BusyLog busy(log.volume().log());
    // Between the producers and the second question for the state.
    busy.before_state = [&](int n) {
        if (n == 1) {
            log.change("old", DeleteStream{});
            CHECK(log.scavenge().batches_dropped == 1);
        }
    };
    const TempDirectory dir;
    copied(busy, dir.path("copy"));
    auto copy = Volume::open(dir.path("copy"), {}, log.clock());
    REQUIRE(copy);
    CHECK(make_local_store(**copy)->append(produced("old", 0)).error().code == Errc::log_truncated);
}

TEST_CASE("log copy: requests of many producers are known in the copy", "[store]") {
    constexpr std::uint8_t kProducers = 30;
    TestLog log;
    log.append("gone", {"x"});
    for (std::uint8_t producer = 1; producer <= kProducers; ++producer) {
        for (std::uint64_t sequence = 0; sequence < 5; ++sequence) {
            REQUIRE(log.store().append(produced("s", sequence, producer)));
            log.append("between", {"x"});
        }
    }
    // It puts what is known of producers into their database.
    log.change("gone", DeleteStream{});
    CHECK(log.scavenge().batches_dropped == 1);
    BusyLog busy(log.volume().log());
    const TempDirectory dir;
    copied(busy, dir.path("copy"));
    CHECK(busy.pages >= kProducers);
    auto copy = Volume::open(dir.path("copy"), {}, log.clock());
    REQUIRE(copy);
    const auto store = make_local_store(**copy);
    for (std::uint8_t producer = 1; producer <= kProducers; ++producer) {
        for (std::uint64_t sequence = 0; sequence < 5; ++sequence) {
            const auto again = store->append(produced("s", sequence, producer));
            REQUIRE(again);
            CHECK(again->repeated);
        }
    }
}

TEST_CASE("log copy: a log whose head is always faster is given up, and nothing is left",
          "[store]") {
    TestLog log;
    for (int i = 0; i < 30; ++i) {
        log.append("s" + std::to_string(i), {"x"});
    }
    BusyLog busy(log.volume().log());
    busy.before_batches = [&](int n) {
        log.change("s" + std::to_string(n), DeleteStream{});
        CHECK(log.scavenge().batches_dropped == 1);
    };
    const TempDirectory dir;
    const auto totals = copy_log(busy, dir.path("copy"), false, {});
    REQUIRE_FALSE(totals);
    CHECK(totals.error().code == Errc::log_truncated);
    CHECK(totals.error().offset == static_cast<std::uint64_t>(busy.runs));
    CHECK_FALSE(std::filesystem::exists(dir.path("copy")));
}

TEST_CASE("log copy: what does not continue the log is refused with its offset", "[store]") {
    TestLog log;
    append_ten(log, "s");
    const TempDirectory dir;
    std::string other;
    const auto refused_at = [&](const std::function<BatchRun(BatchRun)>& change) {
        BusyLog busy(log.volume().log());
        busy.change = [&](BatchRun run) {
            return busy.runs == 4 ? change(std::move(run)) : std::move(run);
        };
        const auto totals = copy_log(busy, dir.path("copy"), false, {});
        REQUIRE_FALSE(totals);
        CHECK(totals.error().code == Errc::corrupt);
        CHECK_FALSE(std::filesystem::exists(dir.path("copy")));
        return totals.error().offset;
    };
    CHECK(refused_at([&](BatchRun run) {
              other = as_text(run.batches[0]);
              other[other.size() / 2] ^= 1;
              run.batches[0] = as_bytes(other);
              return run;
          }) == 3U);
    CHECK(refused_at([&](BatchRun) {
              return log.volume().log().batches({Partition{}, Offset{4}, Offset{9}, 1}).value();
          }) == 3U);
    CHECK(refused_at([](BatchRun) { return BatchRun{}; }) == 3U);
    TestLog stranger;
    append_ten(stranger, "t");
    CHECK(
        refused_at([&](BatchRun) {
            return stranger.volume().log().batches({Partition{}, Offset{3}, Offset{9}, 1}).value();
        }) == 3U);
}

TEST_CASE("log copy: while it is not whole nobody takes it for a log", "[store]") {
    TestLog log;
    const std::string large(1 << 20, 'x');
    for (int i = 0; i < 20; ++i) {
        log.append("s", {large});
    }
    log.close();
    const TempDirectory dir;
    bool seen = false;
    REQUIRE(
        backup_directory(log.directory(), dir.path("copy"), [&](std::uint64_t done, std::uint64_t) {
            if (done > 17U << 20U && !seen) {
                seen = true;
                std::filesystem::copy(dir.path("copy"), dir.path("torn"));
            }
        }));
    REQUIRE(seen);
    REQUIRE(std::filesystem::file_size(dir.path("torn") + "/data.mdb") > 16U << 20U);
    CHECK(verify_directory(dir.path("torn")).error().code == Errc::unknown_format);
    CHECK(directory_info(dir.path("torn")).error().code == Errc::unknown_format);
    CHECK(restore_directory(dir.path("torn"), dir.path("r")).error().code == Errc::unknown_format);
    CHECK(Volume::open(dir.path("torn"), {}).error().code == Errc::unknown_format);
    CHECK(verify_directory(dir.path("copy")).value().problem_count == 0);
}

}  // namespace skald::store
