// A consumer and its records in the log.
#include "broker/consumers/consumer_log.h"

#include <algorithm>

#include "tests/broker/consumer_fixture.h"
#include "tests/temp_directory.h"

namespace skald::broker {
namespace {

using Fixture = ConsumerFixture;

}  // namespace

TEST_CASE("consumer: a look at much that does not match is recorded once", "[broker]") {
    Fixture f;
    f.read(1);
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 1);
    f.answer(member, 0, RetryWork{1h, ""});
    f.write();
    const std::size_t before = f.records.size();
    f.consumer->looked(Partition{}, Offset{2 * limits::kConsumerLookedMax});
    f.write();
    CHECK(f.records.size() == before + 1);
    f.consumer->looked(Partition{}, Offset{2 * limits::kConsumerLookedMax + 1});
    f.write();
    CHECK(f.records.size() == before + 1);
    f.restart();
    CHECK(f.next == 2 * limits::kConsumerLookedMax);
}

TEST_CASE("consumer: what is read once more stays as it stands", "[broker]") {
    Fixture f(GENERATE(ConsumerMode::shared, ConsumerMode::per_key));
    f.read(4, 4);
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 4);
    f.answer(member, 0, AckWork{});
    f.answer(member, 1, RetryWork{1h, ""});
    f.answer(member, 2, ParkWork{"never"});
    f.next = 0;
    f.read(5, 5);
    const ConsumerStatus status = f.consumer->status();
    CHECK(status.done == 1);
    CHECK(status.in_flight == 1);
    CHECK(status.parked == 1);
    CHECK(status.waiting == 2);
    CHECK(offsets_of(f.fetch(member)) == Offsets{4});
    f.answer(member, 3, AckWork{});
    CHECK(f.consumer->status().in_flight == 1);
}

TEST_CASE("consumer: what a start reads is bounded over many of them", "[broker]") {
    Fixture f;
    for (std::uint64_t i = 0; i < 2 * limits::kConsumerRecordsMax; ++i) {
        f.read(1);
        const auto member = f.join();
        REQUIRE(f.fetch(member).events.size() == 1);
        f.answer(member, i, AckWork{});
        f.write();
        f.restart();
    }
    const auto whole = std::count_if(f.records.begin(), f.records.end(),
                                     [](const auto& record) { return record.parts != 0; });
    CHECK(whole >= 1);
}

TEST_CASE("consumer log: parts of all there is count when all of them stand", "[broker]") {
    const TempDirectory directory;
    auto volume = store::Volume::open(directory.path("data"), {});
    REQUIRE(volume);
    wire::CatalogueEntry entry;
    entry.settings.name = "work";
    const std::string stream = stream_of(entry);
    wire::IdSource ids;
    struct Unheard final : store::AppendListener {
        void on_outcome(std::uint64_t /*tag*/,
                        const Result<store::AppendOutcome>& /*outcome*/) override {}
        void on_commit(const store::CommitTimes& /*times*/) override {}
    } listener;
    std::uint64_t previous = 0;
    const auto write = [&](std::uint64_t done, std::uint32_t part, std::uint32_t parts) {
        wire::ConsumerRecord record;
        record.previous = previous;
        record.done = done;
        record.part = part;
        record.parts = parts;
        const ControlWrite control(stream, wire::kConsumerType, wire::encode(record), previous,
                                   ids);
        auto outcome = (*volume)->append(control.submission(listener, 0));
        REQUIRE(outcome);
        previous = outcome->offset.value + 1;
    };
    const auto found = [&] {
        auto records = load_records(**volume, stream);
        REQUIRE(records);
        CHECK(records->previous == previous);
        std::vector<std::uint64_t> done;
        for (const wire::ConsumerRecord& record : records->records) {
            done.push_back(record.done);
        }
        return done;
    };
    using Found = std::vector<std::uint64_t>;
    CHECK(found() == Found{});
    write(1, 0, 0);
    write(2, 0, 2);
    CHECK(found() == Found{1, 2});  // a crash came between its parts
    write(3, 0, 2);
    CHECK(found() == Found{1, 2, 3});  // another
    write(4, 1, 2);
    CHECK(found() == Found{3, 4});
    write(5, 0, 0);
    CHECK(found() == Found{3, 4, 5});
    write(6, 0, 3);
    write(7, 1, 3);
    write(8, 0, 3);
    CHECK(found() == Found{3, 4, 5, 6, 7, 8});
}

}  // namespace skald::broker
