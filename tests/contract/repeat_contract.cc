// Rule L3: a request that was written gives its first receipt again.
#include "base/limits.h"
#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

Append numbered(const std::string& stream, std::vector<std::uint8_t> ids, Expected expected) {
    Append append;
    append.streams = {{stream, expected, {}}};
    for (const std::uint8_t id : ids) {
        append.streams[0].events.push_back(event_with_id("x", id));
    }
    return append;
}

void check_same(const Receipt& again, const Receipt& first) {
    CHECK(again.repeated);
    CHECK(again.stream == first.stream);
    CHECK(again.version == first.version);
    CHECK(again.offset == first.offset);
    CHECK(again.partition == first.partition);
    CHECK(again.id == first.id);
    CHECK(compare(again.position, first.position) == Order::equal);
}

void exact_version_repeats(Fixture& f) {
    f.append("s", {"zero"});
    const Append append = numbered("s", {1, 2}, Expected::exact(0));
    const Receipt first = f.append(append);
    check_same(f.append(append), first);
    f.append("s", {"more"});
    check_same(f.append(append), first);
    CHECK(f.read_all(Selection::stream("s")).size() == 4);
}

void no_stream_repeats(Fixture& f) {
    const Append append = numbered("s", {1, 2}, Expected::no_stream());
    const Receipt first = f.append(append);
    f.append("s", {"more"});
    check_same(f.append(append), first);
    if (f.reopen()) {
        check_same(f.append(append), first);
    }
}

void several_streams_repeat(Fixture& f) {
    Append append = numbered(own("a"), {1}, Expected::no_stream());
    append.streams.push_back({own("b"), Expected::no_stream(), {event_with_id("x", 2)}});
    const Receipt first = f.append(append);
    check_same(f.append(append), first);
    CHECK(f.read_all(Selection::all()).size() == 2);
}

void other_ids_conflict(Fixture& f) {
    f.append(numbered("s", {1, 2}, Expected::no_stream()));
    const Error error = f.refused(numbered("s", {3, 4}, Expected::no_stream()));
    CHECK(error.code == Errc::wrong_expected_version);
    CHECK(f.refused(append_of("s", {"x", "x"}, Expected::no_stream())).code ==
          Errc::wrong_expected_version);
}

void some_ids_are_partly_repeated(Fixture& f) {
    f.append(numbered("s", {1, 2}, Expected::no_stream()));
    CHECK(f.refused(numbered("s", {1, 3}, Expected::no_stream())).code == Errc::partly_repeated);
    CHECK(f.refused(numbered("s", {1, 2, 3}, Expected::no_stream())).code == Errc::partly_repeated);
    CHECK(f.read_all(Selection::stream("s")).size() == 2);
}

void ids_are_checked_on_demand(Fixture& f) {
    Append append = numbered("s", {1, 2}, Expected::any());
    append.check_ids = true;
    const Receipt first = f.append(append);
    check_same(f.append(append), first);
    append.streams[0].expected = Expected::stream_exists();
    check_same(f.append(append), first);
    append.streams[0].events.push_back(event_with_id("x", 3));
    CHECK(f.refused(append).code == Errc::partly_repeated);
    append.check_ids = false;
    CHECK_FALSE(f.append(append).repeated);
    CHECK(f.read_all(Selection::stream("s")).size() == 5);
}

void ids_belong_to_their_stream(Fixture& f) {
    Append append = numbered(own("a"), {1}, Expected::any());
    append.check_ids = true;
    f.append(append);
    append.streams[0].stream = own("b");
    CHECK_FALSE(f.append(append).repeated);
}

// A request of producer 1; the stream tells requests apart.
Append produced(std::uint64_t sequence, std::uint64_t resolved_below = 0, std::uint64_t epoch = 1) {
    Append append = append_of(own("p"), {"x"});
    append.producer = Producer{uuid(1), Epoch{epoch}, sequence, resolved_below};
    return append;
}

void producer_repeats(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    const Receipt first = f.append(produced(0));
    const Receipt second = f.append(produced(1));
    Receipt again = f.append(produced(0));
    CHECK(again.repeated);
    CHECK(again.offset == first.offset);
    CHECK(again.version == first.version);
    again = f.append(produced(1));
    CHECK(again.repeated);
    CHECK(again.offset == second.offset);
    CHECK(f.read_all(Selection::stream(own("p"))).size() == 2);
}

void producer_repeats_after_reopen(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    const Receipt first = f.append(produced(0));
    f.append(produced(1));
    if (f.reopen()) {
        const Receipt again = f.append(produced(0));
        CHECK(again.repeated);
        CHECK(again.offset == first.offset);
        CHECK_FALSE(f.append(produced(2)).repeated);
    }
}

void producer_repeats_its_last_requests(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    constexpr std::uint64_t kRequests = 200;
    std::vector<Receipt> receipts;
    for (std::uint64_t sequence = 0; sequence < kRequests; ++sequence) {
        Append append = produced(sequence);
        append.streams[0].events.resize(1 + sequence % 3, event("x"));
        receipts.push_back(f.append(append));
    }
    for (std::uint64_t sequence = 0; sequence < kRequests; ++sequence) {
        const Receipt again = f.append(produced(sequence));
        REQUIRE(again.repeated);
        REQUIRE(again.offset == receipts[sequence].offset);
        REQUIRE(again.version == receipts[sequence].version);
    }
}

void producer_may_not_skip(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    CHECK(f.refused(produced(3)).code == Errc::sequence_gap);
    f.append(produced(3, 3));
    CHECK(f.refused(produced(5)).code == Errc::sequence_gap);
    CHECK(f.refused(produced(6, 5)).code == Errc::sequence_gap);
    f.append(produced(4));
    f.append(produced(7, 7));
    CHECK(f.read_all(Selection::stream(own("p"))).size() == 3);
}

void refused_sequence_is_used_up(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    f.append(produced(0));
    Append failing = produced(1);
    failing.streams[0].expected = Expected::exact(9);
    CHECK(f.refused(failing).code == Errc::wrong_expected_version);
    f.append(produced(2));  // sent before the answer came
    CHECK(f.refused(produced(1)).code == Errc::already_rejected);
    CHECK(f.read_all(Selection::stream(own("p"))).size() == 2);
}

void old_epoch_is_fenced(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    f.append(produced(0, 0, 1));
    f.append(produced(1, 0, 1));
    f.append(produced(0, 0, 2));
    CHECK(f.refused(produced(2, 0, 1)).code == Errc::fenced);
    CHECK(f.refused(produced(0, 0, 1)).code == Errc::fenced);
    CHECK(f.append(produced(0, 0, 2)).repeated);
    CHECK(f.refused(produced(2, 0, 2)).code == Errc::sequence_gap);
    f.append(produced(1, 0, 2));
}

void producers_are_apart(Fixture& f) {
    if (!f.factory().takes_producers()) {
        return;
    }
    f.append(produced(0));
    Append other = produced(0);
    other.producer->id = uuid(2);
    CHECK_FALSE(f.append(other).repeated);
    CHECK(f.append(other).repeated);
}

constexpr Test kTests[] = {
    {"repeats: an exact version", exact_version_repeats},
    {"repeats: no stream", no_stream_repeats},
    {"repeats: several streams", several_streams_repeat},
    {"repeats: other ids are a conflict", other_ids_conflict},
    {"repeats: some ids are partly repeated", some_ids_are_partly_repeated},
    {"repeats: ids are checked on demand", ids_are_checked_on_demand},
    {"repeats: ids belong to their stream", ids_belong_to_their_stream},
    {"repeats: a producer's request", producer_repeats},
    {"repeats: a producer's request in a reopened store", producer_repeats_after_reopen},
    {"repeats: a producer's last requests", producer_repeats_its_last_requests},
    {"repeats: a producer may not skip", producer_may_not_skip},
    {"repeats: a refused sequence is used up", refused_sequence_is_used_up},
    {"repeats: an old epoch is fenced", old_epoch_is_fenced},
    {"repeats: producers are apart", producers_are_apart},
};

}  // namespace

std::span<const Test> repeat_tests() {
    return kTests;
}

}  // namespace skald::contract
