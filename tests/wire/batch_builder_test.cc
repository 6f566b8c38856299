#include "wire/batch_builder.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

namespace skald::wire {
namespace {

NewEvent event(std::string type, std::string data = "") {
    NewEvent made;
    made.type = std::move(type);
    made.data = std::move(data);
    return made;
}

Producer producer(std::uint8_t name, std::uint64_t sequence, std::uint64_t epoch = 1) {
    Producer made;
    made.id.bytes[15] = name;
    made.sequence = sequence;
    made.epoch = Epoch{epoch};
    return made;
}

// A builder that keeps stream versions as a log would.
class Log {
  public:
    Log() { builder_.begin(Epoch{3}, Offset{100}, chain_before_); }

    std::uint32_t add(const Append& append, std::optional<Producer> from = std::nullopt) {
        requests_.push_back(encode_request(append, ids_).value().bytes);
        std::vector<Version> versions;
        for (const StreamAppend& stream : append.streams) {
            versions.push_back(Version{next_[stream.stream]});
            for (const NewEvent& e : stream.events) {
                expected_.push_back({stream.stream, e.type, e.data, next_[stream.stream]++});
            }
        }
        return builder_.add(RequestView::open(as_bytes(requests_.back())).value(), versions,
                            from ? &*from : nullptr);
    }
    std::uint32_t add_control(std::string_view stream) {
        requests_.push_back(
            encode_control(stream, Expected::any(), event("$changed", "!"), ids_).bytes);
        expected_.push_back({std::string(stream), "$changed", "!", 0});
        const Version unused;
        return builder_.add(RequestView::open(as_bytes(requests_.back()), true).value(),
                            {&unused, 1}, nullptr);
    }
    // Sets versions that streams already had.
    void had(const std::string& stream, std::uint64_t next) { next_[stream] = next; }
    const std::string& finish() {
        bytes_before_ = builder_.bytes();
        batch_ = builder_.finish(Offset{90}, 555);
        return batch_;
    }
    BatchView view() const { return BatchView::open(as_bytes(batch_)).value(); }
    std::size_t bytes_before() const { return bytes_before_; }

    // The batch holds what was added, in order.
    void check() const {
        const BatchView batch = view();
        REQUIRE(batch.verify());
        REQUIRE(batch.size() == expected_.size());
        EventCursor cursor(batch);
        for (const Row& row : expected_) {
            REQUIRE(cursor.next());
            const EventView& seen = cursor.event();
            REQUIRE(Row{std::string(seen.stream), std::string(seen.type), std::string(seen.data),
                        seen.version.value} == row);
        }
        REQUIRE_FALSE(cursor.next());
    }

  private:
    struct Row {
        std::string stream;
        std::string type;
        std::string data;
        std::uint64_t version;
        bool operator==(const Row&) const = default;
    };

    IdSource ids_;
    BatchBuilder builder_;
    ChainHash chain_before_{1, 2, 3};
    std::vector<std::string> requests_;
    std::map<std::string, std::uint64_t> next_;
    std::vector<Row> expected_;
    std::string batch_;
    std::size_t bytes_before_ = 0;
};

}  // namespace

TEST_CASE("batch builder: what was added is what is read", "[wire]") {
    Log log;
    log.had("b", 7);
    CHECK(log.add(Append::one("a", event("x", "1"))) == 0);
    Append both;
    both.streams = {{"a", Expected::any(), {event("y", "2"), event("x", "3")}},
                    {"b", Expected::any(), {event("a", std::string(1000, 'z'))}}};
    CHECK(log.add(both) == 1);
    CHECK(log.add(Append::one("b", event("y"))) == 4);
    log.finish();
    log.check();
    const BatchView batch = log.view();
    CHECK(batch.header().epoch == 3);
    CHECK(batch.base() == Offset{100});
    CHECK(batch.header().high_watermark == 90);
    CHECK(batch.recorded_at() == Time{555});
    CHECK(batch.header().chain_before == ChainHash{1, 2, 3});
    CHECK(batch.header().flags == 0);
    CHECK(log.bytes_before() >= batch.bytes().size());
}

TEST_CASE("batch builder: versions are the first of each stream", "[wire]") {
    Log log;
    log.had("s", 41);
    log.add(Append::many("s", {event("a"), event("a")}));
    log.add(Append::one("s", event("a")));
    log.finish();
    const BatchView batch = log.view();
    CHECK(batch.name(0) == "s");
    CHECK(batch.first_version(0) == Version{41});
    CHECK(batch.first_version(1) == Version{0});  // a type
}

TEST_CASE("batch builder: a control record takes no version", "[wire]") {
    Log log;
    log.had("s", 5);
    log.add_control("s");
    log.add(Append::one("s", event("a")));
    log.add_control("other");
    log.finish();
    log.check();
    CHECK(log.view().first_version(0) == Version{5});
    CHECK(log.view().header().flags == kBatchControl);
}

TEST_CASE("batch builder: one entry for a producer's run of requests", "[wire]") {
    Log log;
    for (std::uint64_t sequence = 10; sequence < 14; ++sequence) {
        log.add(Append::one("s", event("a")), producer(1, sequence));
    }
    log.finish();
    const BatchView batch = log.view();
    REQUIRE(batch.header().requests == 1);
    CHECK(batch.request(0).first_record == 0);
    CHECK(batch.request(0).requests == 4);
    CHECK(batch.request(0).records == 1);
    CHECK(batch.request(0).sequence == 10);
    CHECK(batch.producer(batch.request(0).producer).id == producer(1, 0).id);
}

TEST_CASE("batch builder: what differs gets an entry of its own", "[wire]") {
    Log log;
    Append fenced = Append::one("s", event("a"));
    fenced.fence = Fence{"lock", 3};
    log.add(Append::one("s", event("a")), producer(1, 10));
    log.add(Append::one("s", event("a")), producer(1, 12));                 // a gap
    log.add(Append::many("s", {event("a"), event("a")}), producer(1, 13));  // more records
    log.add(Append::one("s", event("a")), producer(2, 14));                 // another producer
    log.add(Append::one("s", event("a")), producer(2, 15, 2));              // another epoch
    log.add(fenced, producer(2, 16, 2));                                    // a fence
    log.add(Append::one("s", event("a")), producer(2, 17, 2));              // none again
    log.add(Append::one("s", event("a")));                                  // no producer
    log.add(Append::one("t", event("a")));                                  // merges
    log.finish();
    log.check();
    const BatchView batch = log.view();
    REQUIRE(batch.header().requests == 8);
    CHECK(batch.header().producers == 3);
    CHECK(batch.request(2).first_record == 2);
    CHECK(batch.request(2).records == 2);
    CHECK(batch.name(batch.request(5).fence) == "lock");
    CHECK(batch.request(5).fence_token == 3);
    CHECK(batch.request(7).producer == kNone16);
    CHECK(batch.request(7).requests == 2);
}

TEST_CASE("batch builder: a name may be stream, type and fence at once", "[wire]") {
    Log log;
    log.had("n", 9);
    Append append = Append::one("m", event("n"));
    append.fence = Fence{"n", 1};
    log.add(append);
    log.add(Append::one("n", event("m")));
    log.finish();
    log.check();
    CHECK(log.view().header().names == 2);
}

TEST_CASE("batch builder: ids survive, shared half or not", "[wire]") {
    IdSource ids;
    BatchBuilder builder;
    builder.begin(Epoch{1}, Offset{0}, {});
    std::vector<Uuid> made;
    for (std::uint8_t i = 0; i < 100; ++i) {
        NewEvent e = event("a");
        e.id = i % 3 == 0 ? Uuid{{i, 7, 7, 7, 7, 7, 7, 7, 1}} : ids.next();
        const std::string bytes = encode_request(Append::one("s", e), ids).value().bytes;
        const Version version{i};
        builder.add(RequestView::open(as_bytes(bytes)).value(), {&version, 1}, nullptr);
        made.push_back(*e.id);
    }
    const std::string bytes = builder.finish(Offset{0}, 0);
    const BatchView batch = BatchView::open(as_bytes(bytes)).value();
    EventCursor cursor(batch);
    for (const Uuid& id : made) {
        REQUIRE(cursor.next());
        CHECK(cursor.event().id == id);
    }
}

TEST_CASE("batch builder: begins anew after each batch", "[wire]") {
    IdSource ids;
    BatchBuilder builder;
    ChainHash chain{};
    for (std::uint64_t round = 0; round < 3; ++round) {
        builder.begin(Epoch{1}, Offset{round}, chain);
        // Enough names to let the table grow once.
        for (int i = 0; i < (round == 1 ? 1000 : 1); ++i) {
            const std::string bytes =
                encode_request(Append::one("s" + std::to_string(i), event("a")), ids).value().bytes;
            const Version version{round};
            builder.add(RequestView::open(as_bytes(bytes)).value(), {&version, 1}, nullptr);
        }
        const std::string bytes = builder.finish(Offset{0}, 0);
        const BatchView batch = BatchView::open(as_bytes(bytes)).value();
        REQUIRE(batch.verify());
        CHECK(batch.header().chain_before == chain);
        CHECK(builder.chain() == batch.header().chain);
        CHECK(batch.names() == (round == 1 ? 1001 : 2));
        chain = builder.chain();
    }
}

TEST_CASE("batch builder: any requests come back as they were", "[wire]") {
    const auto holds = [] {
        Log log;
        const int requests = *rc::gen::inRange(1, 20);
        std::uint64_t sequence = 0;
        for (int i = 0; i < requests; ++i) {
            Append append;
            for (int s = *rc::gen::inRange(0, 3); s >= 0; --s) {
                const auto name = "s" + std::to_string(s * 10 + *rc::gen::inRange(0, 4));
                append.streams.push_back({name, Expected::any(), {}});
                for (int e = *rc::gen::inRange(0, 3); e >= 0; --e) {
                    append.streams.back().events.push_back(
                        event("t" + std::to_string(*rc::gen::inRange(0, 4)),
                              *rc::gen::arbitrary<std::string>()));
                }
            }
            sequence += *rc::gen::inRange<std::uint64_t>(1, 3);
            log.add(append, producer(1, sequence));
        }
        log.finish();
        log.check();
    };
    CHECK(rc::check("round trip", holds));
}

}  // namespace skald::wire
