#include "wire/request_group.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace skald::wire {
namespace {

NewEvent event(std::string type, std::string data) {
    NewEvent made;
    made.type = std::move(type);
    made.data = std::move(data);
    return made;
}

Append to(std::string stream, std::string data = "x") {
    return Append::one(std::move(stream), event("t", std::move(data)));
}

std::vector<Append> rich_appends() {
    NewEvent full = event("placed", "{\"n\":1}");
    full.id = *parse_uuid("01234567-89ab-cdef-0123-456789abcdef");
    full.time = Time{1'700'000'000'000'000};
    full.tags = {"red"};
    full.metadata = {{"k", "v"}};
    return {Append::one("order-1", full),
            Append::many("order-1", {event("paid", ""), event("order-1", "12345678")}),
            Append::one("order-1", event("placed", "z"))};
}

// What a request says, whatever order its tables are in.
std::vector<std::string> told(const std::string& request) {
    const auto view = RequestView::open(as_bytes(request));
    REQUIRE(view);
    REQUIRE(view->header().streams == 1);
    REQUIRE(view->header().checks == 0);
    std::vector<std::string> told{std::string(view->name(view->stream(0).name))};
    for (std::uint32_t i = 0; i < view->header().records; ++i) {
        const auto record = parse_record(view->record_bytes(i));
        REQUIRE(record);
        told.push_back(std::string(view->name(record->prefix.type)) + "|" +
                       std::string(record->fields) + "|" + std::string(record->data));
    }
    return told;
}

}  // namespace

TEST_CASE("request group: one request with the events of all, in order", "[wire]") {
    IdSource ids;
    RequestGroup group;
    Append together;
    together.streams.push_back({"order-1", Expected::any(), {}});
    std::vector<Uuid> last_ids;
    for (const Append& append : rich_appends()) {
        REQUIRE(RequestGroup::admits(append));
        REQUIRE((group.events() == 0 || group.fits(append)));
        last_ids.push_back(group.add(append, ids));
        for (const NewEvent& e : append.streams[0].events) {
            together.streams[0].events.push_back(e);
        }
    }
    CHECK(group.events() == 4);
    const std::string request = group.take({});
    const auto view = RequestView::open(as_bytes(request));
    REQUIRE(view);
    CHECK(view->header().flags == 0);
    CHECK(view->stream(0).expectation() == Expected::any());
    CHECK(view->stream(0).records == 4);
    CHECK(view->record_id(0) == last_ids[0]);
    CHECK(view->record_id(2) == last_ids[1]);
    CHECK(view->record_id(3) == last_ids[2]);
    const auto alone = encode_request(together, ids);
    REQUIRE(alone);
    CHECK(told(request) == told(alone->bytes));
}

TEST_CASE("request group: taken, it is empty, and the next is its own", "[wire]") {
    IdSource ids;
    RequestGroup group;
    Append first = to("a");
    first.ack = Ack::primary;
    group.add(first, ids);
    std::string memory = group.take({});
    CHECK(RequestView::open(as_bytes(memory))->header().flags == kRequestAckPrimary);
    CHECK(group.events() == 0);
    group.add(to("b", "2"), ids);
    memory = group.take(std::move(memory));
    CHECK(told(memory) == std::vector<std::string>{"b", "t||2"});
    CHECK(RequestView::open(as_bytes(memory))->header().flags == 0);
    CHECK(RequestView::open(as_bytes(memory))->header().id_halves == 1);
}

TEST_CASE("request group: only what could be refused for no reason of its own", "[wire]") {
    CHECK(RequestGroup::admits(to("a")));
    CHECK(RequestGroup::admits(to("a", std::string(8000, 'x'))));
    CHECK_FALSE(RequestGroup::admits(to("a", std::string(8193, 'x'))));

    std::vector<Append> others(7, to("a"));
    others[0].streams[0].expected = Expected::exact(0);
    others[1].streams[0].expected = Expected::no_stream();
    others[2].streams.push_back({"b", Expected::any(), {event("t", "")}});
    others[3].checks.push_back({"b", Expected::any()});
    others[4].query = QueryCheck{Query{{{{"t"}, {}}}}, Offset{0}};
    others[5].fence = Fence{"lock", 1};
    others[6].check_ids = true;
    for (const Append& other : others) {
        CHECK_FALSE(RequestGroup::admits(other));
    }
    NewEvent labelled = event("t", "");
    labelled.metadata = {{"k", std::string(9000, 'v')}};
    CHECK_FALSE(RequestGroup::admits(Append::one("a", labelled)));
}

TEST_CASE("request group: another stream or durability does not fit", "[wire]") {
    IdSource ids;
    RequestGroup group;
    group.add(to("a"), ids);
    CHECK(group.fits(to("a")));
    CHECK_FALSE(group.fits(to("b")));
    Append primary = to("a");
    primary.ack = Ack::primary;
    CHECK_FALSE(group.fits(primary));
}

TEST_CASE("request group: is full at an append's limit of events, or so many bytes", "[wire]") {
    IdSource ids;
    RequestGroup events;
    while (events.events() == 0 || events.fits(to("a", ""))) {
        events.add(to("a", ""), ids);
    }
    CHECK(events.events() == limits::kRequestEventsMax);
    CHECK(RequestView::open(as_bytes(events.take({}))));

    RequestGroup bytes;
    while (bytes.events() == 0 || bytes.fits(to("a", std::string(8000, 'x')))) {
        bytes.add(to("a", std::string(8000, 'x')), ids);
    }
    CHECK(bytes.events() == 9);
}

}  // namespace skald::wire
