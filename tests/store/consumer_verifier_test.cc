// What verify says of the records of consumers.
#include "store/admin/consumer_verifier.h"

#include "store/admin/directory.h"
#include "store/eraser.h"
#include "store/log_set.h"
#include "store/sequence_store.h"
#include "tests/store/consumer_log.h"

namespace skald::store {
namespace {

const wire::CatalogueEntry kMailer = consumer_entry("mailer", 1);
const wire::CatalogueEntry kLedger = consumer_entry("ledger", 2);
const std::string kMailerStream = wire::stream_of(kMailer);

// The only problem.
void check_found(ConsumerLog& log, const std::string& place, Offset offset) {
    const VerifyReport report = log.verify();
    for (const VerifyProblem& problem : report.problems) {
        UNSCOPED_INFO(problem.place << ": " << problem.message);
    }
    REQUIRE(report.problem_count == 1);
    CHECK(report.problems[0].place == place);
    CHECK(report.problems[0].offset == offset);
}

// The record of one that is alone in its batch, behind the log's back.
void punch(ConsumerLog& log, Offset offset) {
    log.close();
    auto directory = open_exclusively(log.directory());
    REQUIRE(directory);
    auto txn = directory->env->write();
    const std::uint32_t dead[] = {0};
    REQUIRE(punch_batch(*txn, directory->databases[0].log, offset, dead));
    REQUIRE(std::move(*txn).commit());
}

wire::ConsumerRecord resting_on(std::uint64_t previous) {
    wire::ConsumerRecord record;
    record.previous = previous;
    return record;
}

}  // namespace

TEST_CASE("consumer verifier: sound records have no problems", "[store]") {
    const auto partitions = GENERATE(std::uint16_t{1}, std::uint16_t{4});
    ConsumerLog log(partitions);
    log.append("a", {"a0", "a1"});
    log.declare({kMailer}, 1);
    log.done(kMailer, 1);
    log.done(kMailer, 2, 0, 2);
    log.done(kMailer, 3, 1, 2);
    log.check_sound();
    log.declare({kMailer, kLedger}, 2);
    log.done(kLedger, 1, 1, 2);
    log.scavenge();
    log.done(kMailer, 4);
    log.declare({kLedger}, 2);
    log.done(kMailer, 5);
    log.check_sound();
    log.scavenge();
    log.check_sound();
}

TEST_CASE("consumer verifier: a record that is none is found", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.done(kMailer, 1);
    SECTION("of a consumer") {
        const Offset bad = log.write(kMailerStream, "no record");
        check_found(log, "record", bad);
    }
    SECTION("a catalogue") {
        const Offset bad = log.write(std::string(wire::kCatalogueStream), "no catalogue");
        check_found(log, "record", bad);
    }
    SECTION("one in place of the other") {
        const Offset bad = log.write(kMailerStream, wire::encode(wire::ConsumerCatalogue{}));
        check_found(log, "record", bad);
    }
}

TEST_CASE("consumer verifier: a record that rests on another is found", "[store]") {
    ConsumerLog log;
    log.declare({kMailer, kLedger}, 2);
    log.done(kMailer, 1);
    log.done(kLedger, 1);
    log.done(kMailer, 2);
    // The catalogue, one of its own that is not the newest, another's, none, itself, one to come.
    const std::uint64_t previous = GENERATE(1, 2, 3, 0, 5, 9);
    const Offset bad = log.write(kMailerStream, wire::encode(resting_on(previous)));
    REQUIRE(bad == Offset{4});
    check_found(log, "consumer", bad);
}

TEST_CASE("consumer verifier: a first record that rests on one is found", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    const Offset bad = log.write(kMailerStream, wire::encode(resting_on(1)));
    check_found(log, "consumer", bad);
}

TEST_CASE("consumer verifier: places ahead of the log are found", "[store]") {
    ConsumerLog log;
    log.append("a", {"a0"});
    log.declare({kMailer}, 1);
    const auto last = GENERATE(std::uint64_t{1}, std::uint64_t{2}, ~std::uint64_t{0} - 1);
    const skald::Place place{Partition{}, Offset{last}};
    wire::ConsumerRecord record;
    SECTION("taken") {
        record.taken.push_back({Partition{}, Offset{}, Offset{last + 1}});
    }
    SECTION("waiting") {
        record.waiting.push_back({place, {}, 1, 0, {}, 1});
    }
    SECTION("parked") {
        record.parked.push_back({place, {}, 1, 0, {}, 1, false, ""});
    }
    SECTION("settled") {
        record.settled.push_back(place);
    }
    const Offset moved = log.move(kMailer, record);
    REQUIRE(moved == Offset{2});
    if (last < 2) {
        log.check_sound();
    } else {
        check_found(log, "consumer", moved);
    }
}

TEST_CASE("consumer verifier: places in other partitions are below their ends", "[store]") {
    ConsumerLog log(4);
    log.declare({kMailer}, 1);
    for (int i = 0; i < 16; ++i) {
        log.append("s" + std::to_string(i), {"x"});
    }
    const Partition own = log.volume().partition_of(kMailerStream);
    const auto ends = log.volume().info().partitions;
    const auto next = [&](std::uint16_t p) { return ends.at(p).high_watermark; };
    wire::ConsumerRecord record;
    for (std::uint16_t p = 0; p < 4; ++p) {
        if (next(p) != Offset{}) {
            record.taken.push_back({Partition{p}, Offset{}, next(p)});
        }
    }
    log.move(kMailer, record);
    log.check_sound();
    const auto other = static_cast<std::uint16_t>((own.value + 1) % 4);
    record.taken = {{Partition{other}, Offset{}, next(other) + 1}};
    SECTION("of another partition") {}
    SECTION("of none") {
        record.taken[0].partition = Partition{4};
    }
    const Offset moved = log.move(kMailer, record);
    log.done(kMailer, 1);
    check_found(log, "consumer", moved);
}

TEST_CASE("consumer verifier: a record that a consumer needs and that is gone is found",
          "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.done(kMailer, 1);
    const Offset whole = log.done(kMailer, 2, 0, 2);
    const Offset part = log.done(kMailer, 3, 1, 2);
    const Offset newest = log.done(kMailer, 4);
    const Offset all[] = {whole, part, newest};
    const Offset gone = all[GENERATE(0, 1, 2)];
    punch(log, gone);
    check_found(log, "consumer", gone);
}

TEST_CASE("consumer verifier: records that were dropped are missed", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    const Offset first = log.done(kMailer, 1);
    log.done(kMailer, 2);
    log.declare({kMailer}, 1);
    log.close();
    {
        auto directory = open_exclusively(log.directory());
        auto txn = directory->env->write();
        const LogDatabases& databases = directory->databases[0];
        const auto second = wire::BatchView::open(*txn->get(databases.log, 2).value()).value();
        const auto chain = second.header().chain_before;
        REQUIRE(txn->erase(databases.log, 0).value());
        REQUIRE(txn->erase(databases.log, 1).value());
        REQUIRE(write_log_start(*txn, databases.meta, Offset{2}, chain));
        REQUIRE(write_covered(*txn, databases.producers, Offset{2}));
        REQUIRE(std::move(*txn).commit());
    }
    check_found(log, "consumer", first);
}

TEST_CASE("consumer verifier: the newest catalogue that is gone is found", "[store]") {
    ConsumerLog log;
    const Offset first = log.declare({kMailer}, 1);
    const Offset newest = log.declare({kMailer, kLedger}, 2);
    punch(log, first);
    log.reopen();
    log.check_sound();
    punch(log, newest);
    check_found(log, "hole", newest);
}

TEST_CASE("consumer verifier: a hole that no catalogue explains is found", "[store]") {
    ConsumerLog log;
    const auto catalogue = GENERATE(true, false);
    if (catalogue) {
        log.declare({kMailer}, 1);
    }
    const Offset gone = log.done(kLedger, 1);
    log.done(kLedger, 2);
    punch(log, gone);
    check_found(log, "hole", gone);
    log.reopen();
    log.declare({kMailer}, 2);
    log.check_sound();
}

TEST_CASE("consumer verifier: another control record of ours that is gone is found", "[store]") {
    ConsumerLog log;
    const Offset gone = log.write("$else", "data");
    log.write("$else", "data");
    log.check_sound();
    punch(log, gone);
    check_found(log, "hole", gone);
}

TEST_CASE("consumer verifier: an index that leads elsewhere is found", "[store]") {
    ConsumerLog log;
    log.declare({kMailer}, 1);
    log.done(kMailer, 1);
    log.done(kMailer, 2);
    log.declare({kMailer}, 1);
    log.close();
    auto directory = open_exclusively(log.directory());
    auto set = LogSet::open(*directory->env, directory->databases);
    REQUIRE(set);
    // The verifier is told of all records but one: the index then knows more than it.
    const std::uint64_t untold = GENERATE(2, 3, 4);
    std::vector<std::string> found;
    ConsumerVerifier verifier(1, [&](const VerifyProblem& problem) {
        found.push_back(problem.place + ": " + problem.message);
    });
    {
        auto txn = directory->env->read();
        for (std::uint64_t offset = 0; offset < 4; ++offset) {
            const auto batch =
                wire::BatchView::open(*txn->get(directory->databases[0].log, offset).value())
                    .value();
            wire::EventCursor cursor(batch);
            REQUIRE(cursor.next());
            if (offset != untold) {
                verifier.note(cursor.event(), false, Offset{});
            }
        }
    }
    verifier.settle({Offset{4}});
    verifier.verify_chains((*set)->logs(), {Offset{4}});
    REQUIRE(found.size() == (untold < 4 ? 1 : 0));
    CHECK((found.empty() || found[0].starts_with("index: ")));
}

}  // namespace skald::store
