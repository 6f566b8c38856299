// Records of consumers that are dead, as a scavenge takes them out of the log.
#include "store/needed_controls.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include "skald/admin.h"
#include "tests/store/consumer_log.h"

namespace skald::store {
namespace {

using Done = std::vector<std::uint64_t>;

const wire::CatalogueEntry kMailer = consumer_entry("mailer", 1);
const wire::CatalogueEntry kLedger = consumer_entry("ledger", 2);

// What stands before it goes, and what it says is read, also after a restart.
void check_stands(ConsumerLog& log, const wire::CatalogueEntry& entry, const Done& done) {
    CHECK(log.stands(entry) == done);
    log.check_sound();
    CHECK(log.stands(entry) == done);
}

// Five records each of two consumers.
void write_both(ConsumerLog& log) {
    log.declare({kMailer, kLedger}, 2);
    for (std::uint64_t i = 1; i <= 5; ++i) {
        log.done(kMailer, i);
        log.done(kLedger, i);
    }
}

}  // namespace

TEST_CASE("needed controls: of the catalogues only the newest", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.append("a", {"a0"});
    log.declare({kMailer, kLedger}, 2);
    const Offset newest = log.declare({kMailer, kLedger}, 2);
    log.append("a", {"a1"});
    const ScavengeReport report = log.scavenge();
    CHECK(report.records_removed == 2);
    CHECK(report.batches_dropped == 1);
    CHECK(log.start() == Offset{1});
    CHECK(log.scavenge().records_removed == 0);
    log.check_sound();
    const auto last = log.volume().last_control(wire::kCatalogueStream);
    REQUIRE(last);
    CHECK((*last)->offset == newest);
    CHECK(wire::decode_catalogue(as_bytes((*last)->data))->consumers.size() == 2);
    log.declare({kMailer}, 2);
    CHECK(log.data("a") == std::vector<std::string>{"a0", "a1"});
}

TEST_CASE("needed controls: what stands before a whole record goes", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.append("a", {"a0"});
    for (std::uint64_t i = 1; i <= 3; ++i) {
        log.done(kMailer, i);
    }
    CHECK(log.scavenge().records_removed == 0);
    log.done(kMailer, 4, 0, 2);
    log.done(kMailer, 5, 1, 2);
    log.done(kMailer, 6);
    CHECK(log.scavenge().records_removed == 3);
    check_stands(log, kMailer, {4, 5, 6});
    log.done(kMailer, 7);
    check_stands(log, kMailer, {4, 5, 6, 7});
    log.done(kMailer, 8, 0, 1);
    CHECK(log.scavenge().records_removed == 4);
    check_stands(log, kMailer, {8});
}

TEST_CASE("needed controls: a whole record without all its parts ends nothing", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.done(kMailer, 1, 0, 1);
    log.done(kMailer, 2);
    log.done(kMailer, 3, 0, 3);
    log.done(kMailer, 4, 1, 3);
    const auto nothing_goes = [&log](const Done& stands) {
        CHECK(log.scavenge().records_removed == 0);
        check_stands(log, kMailer, stands);
    };
    nothing_goes({1, 2, 3, 4});
    log.done(kMailer, 5);  // the node had ended between the parts
    nothing_goes({1, 2, 3, 4, 5});
    log.done(kMailer, 6, 2, 3);
    nothing_goes({1, 2, 3, 4, 5, 6});
    log.done(kMailer, 7, 0, 2);
    nothing_goes({1, 2, 3, 4, 5, 6, 7});
    log.done(kMailer, 8, 1, 2);
    CHECK(log.scavenge().records_removed == 6);
    check_stands(log, kMailer, {7, 8});
}

TEST_CASE("needed controls: the records of a deleted consumer go, and the log's head", "[store]") {
    const auto partitions = GENERATE(std::uint16_t{1}, std::uint16_t{4});
    ConsumerLog log(partitions);
    write_both(log);
    log.declare({kLedger}, 2);
    log.done(kMailer, 6);  // was on its way
    CHECK(log.scavenge().records_removed == 7);
    log.check_sound();
    CHECK(log.volume().control_at(wire::stream_of(kMailer), Offset{1}).error().code ==
          Errc::corrupt);
    CHECK(log.stands(kLedger) == Done{1, 2, 3, 4, 5});
    const wire::CatalogueEntry again = consumer_entry("mailer", 3);
    log.declare({kLedger, again}, 3);
    CHECK(log.stands(again).empty());
    log.done(again, 1);
    CHECK(log.scavenge().records_removed == 1);
    check_stands(log, again, {1});
    log.declare({}, 3);
    log.append("a", {"last"});
    log.scavenge();
    log.check_sound();
    CHECK(log.scavenge().records_removed == 0);
    if (partitions == 1) {
        CHECK(log.start() == Offset{15});  // of the newest catalogue
        log.declare({}, 3);
        CHECK(log.scavenge().batches_dropped == 1);
        CHECK(log.start() == Offset{16});
    }
}

TEST_CASE("needed controls: a consumer that is not in the catalogue yet keeps all", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.done(kMailer, 1);
    log.done(kLedger, 1);
    log.done(kLedger, 2, 0, 1);
    CHECK(log.scavenge().records_removed == 0);
    log.declare({kMailer, kLedger}, 2);
    CHECK(log.scavenge().records_removed == 2);
    check_stands(log, kLedger, {2});
    CHECK(log.stands(kMailer) == Done{1});
}

TEST_CASE("needed controls: other control records stay", "[store]") {
    ConsumerLog log;
    const auto entry = [&log] { return log.write("$else", "data"); };
    entry();
    entry();
    log.declare({}, 0);
    log.append("a", {"a0"});
    log.change("a", SetLimits{});
    log.change("a", TruncateStream{Version{1}});
    log.declare({}, 0);
    CHECK(log.scavenge().records_removed == 2);
    CHECK(log.start() == Offset{0});
    CHECK(log.volume().control_at("$else", Offset{0}).value() == "data");
    CHECK(log.volume().control_at("$else", Offset{2}).error().code == Errc::corrupt);
    log.check_sound();
}

TEST_CASE("needed controls: events and records go from one head of the log", "[store]") {
    ConsumerLog log;
    StreamLimits newest;
    newest.max_count = 1;
    log.change("a", SetLimits{newest});
    log.declare({kMailer}, 1);
    for (std::uint64_t i = 1; i <= 4; ++i) {
        log.append("a", {"a" + std::to_string(i)});
        log.done(kMailer, i);
    }
    log.change("a", SetLimits{newest});
    log.declare({kMailer}, 1);
    log.done(kMailer, 5, 0, 1);
    CHECK(log.scavenge().records_removed == 8);
    CHECK(log.start() == Offset{0});  // of a lifecycle record
    check_stands(log, kMailer, {5});
    CHECK(log.data("a") == std::vector<std::string>{"a4"});
}

TEST_CASE("needed controls: what cannot be read is kept", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.declare({kMailer, kLedger}, 2);
    for (std::uint64_t i = 1; i <= 3; ++i) {
        log.done(kMailer, i);
        log.done(kLedger, i);
    }
    log.write(wire::stream_of(kMailer), "no record");
    log.done(kLedger, 4, 0, 1);
    CHECK(log.scavenge().records_removed == 4);
    CHECK(log.stands(kLedger) == Done{4});
    log.declare({}, 2);
    log.write(std::string(wire::kCatalogueStream), "no catalogue");
    CHECK(log.scavenge().records_removed == 0);
}

TEST_CASE("needed controls: a backup stands where the log stood", "[store]") {
    const auto partitions = GENERATE(std::uint16_t{1}, std::uint16_t{4});
    ConsumerLog log(partitions);
    write_both(log);
    log.done(kMailer, 6, 0, 2);
    log.done(kMailer, 7, 1, 2);
    log.declare({kMailer}, 2);
    log.close();
    REQUIRE(scavenge_directory(log.directory())->records_removed == 11);
    const TempDirectory dir;
    REQUIRE(backup_directory(log.directory(), dir.path("backup")));
    std::filesystem::remove_all(log.directory());
    REQUIRE(restore_directory(dir.path("backup"), log.directory()));
    log.reopen();
    check_stands(log, kMailer, {6, 7});
    log.done(kMailer, 8);
    CHECK(log.stands(kMailer) == Done{6, 7, 8});
}

TEST_CASE("needed controls: why an event was parked leaves no byte behind", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.append("a", {"a0"});
    wire::ConsumerRecord record;
    record.parked.push_back({{Partition{}, Offset{1}}, {}, 10, 0, {}, 1, false, "TheSecret"});
    log.move(kMailer, record);
    log.done(kMailer, 1, 0, 1);
    const std::string file = log.directory() + "/data.mdb";
    CHECK(bytes_of_file(file).find("TheSecret") != std::string::npos);
    CHECK(log.scavenge().records_removed == 1);
    CHECK(bytes_of_file(file).find("TheSecret") == std::string::npos);
}

TEST_CASE("needed controls: found beside a writer", "[store]") {
    ConsumerLog log(4, true);
    log.declare({kMailer, kLedger}, 2);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> removed{0};
    std::atomic<int> failures{0};
    std::thread scavenger([&] {
        while (!stop) {
            const auto report = log.volume().scavenge({}, {});
            failures += report ? 0 : 1;
            removed += report ? report->records_removed : 0;
        }
    });
    constexpr std::uint64_t kLast = 210;
    for (std::uint64_t i = 1; i <= kLast; ++i) {
        log.done(kMailer, i);
        if (i < 50) {
            log.done(kLedger, i);
        } else if (i == 50) {
            log.declare({kMailer}, 2);
        }
        if (i % 7 == 0) {
            log.done(kMailer, i, 0, 2);
            log.done(kMailer, i, 1, 2);
        }
        const Done stands = log.stands(kMailer);
        CHECK(stands.back() == i);
        CHECK(stands.size() == (i < 7 ? i : i % 7 + 2));
    }
    stop = true;
    scavenger.join();
    CHECK(failures == 0);
    removed += log.scavenge().records_removed;
    CHECK(removed == 1 + 49 + (kLast / 7 - 1) * 9 + 7);
    check_stands(log, kMailer, {kLast, kLast});
}

TEST_CASE("needed controls: any consumers stand where they stood", "[store][model]") {
    CHECK(rc::check("any consumers stand where they stood", [] {
        ConsumerLog log(one_of<std::uint16_t>({1, 4}));
        std::vector<wire::CatalogueEntry> consumers;
        std::uint64_t births = 0;
        std::uint64_t done = 0;
        const auto write_some = [&](const wire::CatalogueEntry& entry) {
            const auto parts = *rc::gen::inRange<std::uint32_t>(0, 4);
            const auto from = parts == 0 ? 0 : *rc::gen::inRange<std::uint32_t>(0, parts);
            const auto upto = parts == 0 ? 1 : *rc::gen::inRange<std::uint32_t>(from, parts + 1);
            for (std::uint32_t part = from; part < upto; ++part) {
                log.done(entry, ++done, part, parts);
            }
        };
        const int steps = *rc::gen::inRange(1, 30);
        for (int i = 0; i < steps; ++i) {
            const int kind = *rc::gen::inRange(0, 10);
            const auto at = *rc::gen::inRange<std::size_t>(0, consumers.size() + 1);
            if (kind == 0) {
                consumers.push_back(consumer_entry("c" + std::to_string(births % 2), births + 1));
                log.declare(consumers, ++births);
            } else if (at == consumers.size()) {
                log.append("s", {"event"});
            } else if (kind == 1) {
                consumers.erase(consumers.begin() + static_cast<std::ptrdiff_t>(at));
                log.declare(consumers, births);
            } else {
                write_some(consumers[at]);
            }
            if (*rc::gen::inRange(0, 8) != 0) {
                continue;
            }
            std::vector<Done> before;
            for (const wire::CatalogueEntry& entry : consumers) {
                before.push_back(log.stands(entry));
            }
            log.scavenge();
            if (*rc::gen::arbitrary<bool>()) {
                log.reopen();
            }
            for (std::size_t c = 0; c < consumers.size(); ++c) {
                RC_ASSERT(log.stands(consumers[c]) == before[c]);
            }
        }
        log.scavenge();
        RC_ASSERT(log.scavenge().records_removed == 0U);
        const auto report = log.verify();
        RC_ASSERT(report.problem_count == 0U);
        RC_ASSERT(report.index_checked);
        // The catalogue, what each consumer needs, and the log's last batch.
        log.reopen();
        std::size_t needed = births == 0 && consumers.empty() ? 0 : 1;
        for (const wire::CatalogueEntry& entry : consumers) {
            needed += log.stands(entry).size();
        }
        RC_ASSERT(report.control_records == needed);
    }));
}

}  // namespace skald::store
