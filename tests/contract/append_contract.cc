// Appends: receipts, expected versions and the table of their outcomes, several streams at once.
#include <future>
#include <map>

#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

void receipt_says_where(Fixture& f) {
    const std::string stream = own("s");
    NewEvent last = event_with_id("b", 9);
    const Receipt first = f.append(stream, {"a", "a"});
    CHECK(first.stream == stream);
    CHECK(first.version == Version{1});
    CHECK_FALSE(first.repeated);
    const Receipt second = f.append(Append::one(stream, last));
    CHECK(second.version == Version{2});
    CHECK(second.offset == first.offset + 1);
    CHECK(second.partition == first.partition);
    CHECK(second.id == uuid(9));
    CHECK(second.durability == Ack::quorum);
    CHECK(compare(first.position, second.position) == Order::before);
    CHECK(f.types(Selection::stream(stream), first.position) == Types{"b"});
}

void event_comes_back_whole(Fixture& f) {
    NewEvent made = event_with_id("placed", 1);
    made.data = std::string("\0bytes\xff", 7);
    made.time = Time{1'600'000'000'000'001};
    made.schema_version = 3;
    made.key_id = 4;
    made.content_type = "application/octet-stream";
    made.correlation_id = "corr";
    made.causation_id = "cause";
    made.command_id = "command";
    made.trace_context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    made.hop = 5;
    made.tags = {"red", "blue"};
    made.metadata = {{"b", "2"}, {"a", "1"}, {"b", ""}};
    f.append(Append::one("order-1", made));
    const auto seen = f.read_all(Selection::stream("order-1"));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].id == *made.id);
    CHECK(seen[0].type == made.type);
    CHECK(seen[0].data == made.data);
    CHECK(seen[0].time == *made.time);
    CHECK(seen[0].schema_version == made.schema_version);
    CHECK(seen[0].key_id == made.key_id);
    CHECK(seen[0].content_type == made.content_type);
    CHECK(seen[0].correlation_id == made.correlation_id);
    CHECK(seen[0].causation_id == made.causation_id);
    CHECK(seen[0].command_id == made.command_id);
    CHECK(seen[0].trace_context == made.trace_context);
    CHECK(seen[0].hop == made.hop);
    CHECK(seen[0].tags == made.tags);
    CHECK(seen[0].metadata == made.metadata);
    CHECK_FALSE(seen[0].control);
}

void plain_event_has_defaults(Fixture& f) {
    f.append("order-1", {"placed"});
    const auto seen = f.read_all(Selection::stream("order-1"));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].time == seen[0].recorded_at);
    CHECK(seen[0].content_type == kContentTypeJson);
    CHECK(seen[0].data.empty());
    CHECK_FALSE(seen[0].id.is_nil());
    CHECK(seen[0].tags.empty());
    CHECK(seen[0].metadata.empty());
}

// State of the stream, expectation, and what comes of it; -2: goes through.
struct Row {
    Expected expected;
    std::int64_t actual;
};

void check_table(Fixture& f, const std::function<std::string()>& stream_in_state,
                 const std::vector<Row>& rows) {
    constexpr std::int64_t kGoesThrough = -2;
    for (const Row& row : rows) {
        const std::string stream = stream_in_state();
        CAPTURE(stream, to_string(row.expected));
        if (row.actual == kGoesThrough) {
            f.append(stream, {"x"}, row.expected);
            continue;
        }
        const Error error = f.refused(append_of(stream, {"x"}, row.expected));
        CHECK(error.code == Errc::wrong_expected_version);
        REQUIRE(error.conflicts.size() == 1);
        CHECK(error.conflicts[0] == Conflict{stream, to_string(row.expected), row.actual});
    }
}

void expected_of_no_stream(Fixture& f) {
    int n = 0;
    check_table(f, [&] { return "none-" + std::to_string(n++); },
                {{Expected::any(), -2},
                 {Expected::no_stream(), -2},
                 {Expected::stream_exists(), -1},
                 {Expected::exact(0), -1},
                 {Expected::exact(7), -1}});
}

void expected_of_active_stream(Fixture& f) {
    int n = 0;
    const auto make = [&] {
        const std::string stream = "active-" + std::to_string(n++);
        f.append(stream, {"a", "b"});
        return stream;
    };
    check_table(f, make,
                {{Expected::any(), -2},
                 {Expected::no_stream(), 1},
                 {Expected::stream_exists(), -2},
                 {Expected::exact(1), -2},
                 {Expected::exact(0), 1},
                 {Expected::exact(2), 1}});
}

void expected_of_deleted_stream(Fixture& f) {
    int n = 0;
    const auto make = [&] {
        const std::string stream = "deleted-" + std::to_string(n++);
        f.append(stream, {"a", "b"});
        f.change(stream, DeleteStream{});
        return stream;
    };
    check_table(f, make,
                {{Expected::any(), -2},
                 {Expected::no_stream(), -2},
                 {Expected::stream_exists(), 1},
                 {Expected::exact(1), -2},
                 {Expected::exact(0), 1}});
}

void tombstone_refuses_all(Fixture& f) {
    f.append("s", {"a"});
    f.change("s", DeleteStream{true});
    for (const Expected expected :
         {Expected::any(), Expected::no_stream(), Expected::stream_exists(), Expected::exact(0)}) {
        CHECK(f.refused(append_of("s", {"x"}, expected)).code == Errc::stream_tombstoned);
    }
}

void several_streams_at_once(Fixture& f) {
    Append both;
    both.streams = {{own("a"), Expected::no_stream(), events({"a0", "a1"})},
                    {own("b"), Expected::any(), events({"b0"})}};
    const Receipt receipt = f.append(both);
    CHECK(receipt.stream == own("b"));
    CHECK(receipt.version == Version{0});
    CHECK(f.types(Selection::stream(own("a"))) == Types{"a0", "a1"});
    CHECK(f.types(Selection::stream(own("b"))) == Types{"b0"});
    CHECK(f.types(Selection::all()) == Types{"a0", "a1", "b0"});
}

void one_failure_writes_nothing(Fixture& f) {
    f.append(own("b"), {"old"});
    const Position before = f.position();
    Append both;
    both.streams = {{own("a"), Expected::no_stream(), events({"a0"})},
                    {own("b"), Expected::no_stream(), events({"b0"})}};
    const Error error = f.refused(both);
    CHECK(error.code == Errc::wrong_expected_version);
    CHECK(error.conflicts == std::vector<Conflict>{{own("b"), "none", 0}});
    CHECK(f.info(own("a")).state == StreamState::none);
    CHECK(f.types(Selection::all()) == Types{"old"});
    CHECK(compare(before, f.position()) == Order::equal);
}

void async_appends_keep_their_order(Fixture& f) {
    constexpr std::size_t kAppends = 300;
    std::vector<std::future<Result<Receipt>>> answers;
    for (std::size_t i = 0; i < kAppends; ++i) {
        auto promise = std::make_shared<std::promise<Result<Receipt>>>();
        answers.push_back(promise->get_future());
        f.store().append_async(
            Append::one("s", event("t" + std::to_string(i))),
            [promise](Result<Receipt> receipt) { promise->set_value(std::move(receipt)); });
    }
    for (std::size_t i = 0; i < kAppends; ++i) {
        const Result<Receipt> receipt = answers[i].get();
        REQUIRE(receipt);
        CHECK(receipt->version == Version{i});
    }
    CHECK(f.types(Selection::stream("s")).size() == kAppends);
}

void async_append_reports_its_error(Fixture& f) {
    std::promise<Result<Receipt>> promise;
    f.store().append_async(append_of("s", {"a"}, Expected::exact(3)),
                           [&](Result<Receipt> receipt) { promise.set_value(std::move(receipt)); });
    const Result<Receipt> receipt = promise.get_future().get();
    REQUIRE_FALSE(receipt);
    CHECK(receipt.error().code == Errc::wrong_expected_version);
}

void racing_appends_have_one_winner(Fixture& f) {
    constexpr int kWriters = 4;
    constexpr int kRounds = 25;
    std::vector<std::future<int>> writers;
    for (int w = 0; w < kWriters; ++w) {
        writers.push_back(std::async(std::launch::async, [&f] {
            int won = 0;
            for (std::uint64_t round = 0; round < kRounds; ++round) {
                const Expected expected =
                    round == 0 ? Expected::no_stream() : Expected::exact(round - 1);
                won += f.store().append(append_of("s", {"x"}, expected)).has_value() ? 1 : 0;
            }
            return won;
        }));
    }
    int won = 0;
    for (auto& writer : writers) {
        won += writer.get();
    }
    CHECK(static_cast<std::size_t>(won) == f.read_all(Selection::stream("s")).size());
    CHECK(won <= kRounds);
    CHECK(won >= 1);
}

void reopened_store_has_all(Fixture& f) {
    const Receipt last = f.append("s", {"a", "b"});
    if (!f.reopen()) {
        return;
    }
    CHECK(f.types(Selection::stream("s")) == Types{"a", "b"});
    CHECK(f.append("s", {"c"}, Expected::exact(1)).offset == last.offset + 1);
}

constexpr Test kTests[] = {
    {"append: the receipt says where", receipt_says_where},
    {"append: an event comes back whole", event_comes_back_whole},
    {"append: a plain event has defaults", plain_event_has_defaults},
    {"append: expectations of a stream that never was", expected_of_no_stream},
    {"append: expectations of an active stream", expected_of_active_stream},
    {"append: expectations of a deleted stream", expected_of_deleted_stream},
    {"append: a tombstone refuses all", tombstone_refuses_all},
    {"append: several streams at once", several_streams_at_once},
    {"append: one failure writes nothing", one_failure_writes_nothing},
    {"append: asynchronous ones keep their order", async_appends_keep_their_order},
    {"append: an asynchronous one reports its error", async_append_reports_its_error},
    {"append: of racing ones one wins", racing_appends_have_one_winner},
    {"append: a reopened store has all", reopened_store_has_all},
};

}  // namespace

std::span<const Test> append_tests() {
    return kTests;
}

}  // namespace skald::contract
