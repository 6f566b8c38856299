// Holds the worked example of docs/log_format.md against the code, byte for byte.
#include <catch2/catch.hpp>

#include "tests/wire/hex.h"
#include "wire/batch_builder.h"

namespace skald::wire {
namespace {

std::string from_document(const std::string& name) {
    const std::string bytes = fenced(SKALD_LOG_FORMAT, name);
    REQUIRE_FALSE(bytes.empty());
    return bytes;
}

NewEvent event(const char* type, const char* data, const char* id) {
    NewEvent made;
    made.type = type;
    made.data = data;
    made.id = parse_uuid(id);
    return made;
}

std::string built() {
    Append append;
    NewEvent first = event("placed", "{\"n\":1}", "00010203-0405-8607-8000-000000000001");
    first.tags = {"red"};
    append.streams = {{"order-1",
                       Expected::exact(4),
                       {first, event("paid", "", "00010203-0405-8607-8000-000000000002")}},
                      {"order-2",
                       Expected::no_stream(),
                       {event("placed", "{\"n\":2}", "00010203-0405-8607-8000-000000000003")}}};
    IdSource ids;
    const std::string request = encode_request(append, ids).value().bytes;
    Producer producer;
    producer.id = *parse_uuid("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa");
    producer.sequence = 9;
    const ChainHash before = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    BatchBuilder builder;
    builder.begin(Epoch{2}, Offset{1000}, before);
    const Version versions[] = {Version{5}, Version{0}};
    builder.add(RequestView::open(as_bytes(request)).value(), versions, &producer);
    return builder.finish(Offset{1000}, 1'767'225'600'000'000);
}

BatchView open(const std::string& bytes) {
    return BatchView::open(as_bytes(bytes)).value();
}

}  // namespace

TEST_CASE("log format: the example batch", "[wire][golden]") {
    const std::string batch = from_document("batch");
    CHECK(to_hex(built()) == to_hex(batch));
    REQUIRE(open(batch).verify());
    EventCursor cursor(open(batch));
    REQUIRE(cursor.next());
    CHECK(cursor.event().stream == "order-1");
    CHECK(cursor.event().type == "placed");
    CHECK(cursor.event().version == Version{5});
    CHECK(cursor.event().offset == Offset{1000});
    CHECK(cursor.event().data == "{\"n\":1}");
    CHECK(cursor.event().tags() == std::vector<std::string_view>{"red"});
    CHECK(to_string(cursor.event().recorded_at) == "2026-01-01T00:00:00.000000Z");
    REQUIRE(cursor.next());
    CHECK(cursor.event().version == Version{6});
    REQUIRE(cursor.next());
    CHECK(cursor.event().stream == "order-2");
    CHECK(cursor.event().version == Version{0});
    CHECK_FALSE(cursor.next());
}

TEST_CASE("log format: the example slice", "[wire][golden]") {
    const std::string batch = from_document("batch");
    const std::string slice = from_document("slice");
    const Choice chosen[] = {{2, Version{0}}};
    CHECK(to_hex(encode_slice(open(batch), chosen)) == to_hex(slice));
    const BatchView view = open(slice);
    EventCursor cursor(view);
    REQUIRE(cursor.next());
    CHECK(cursor.event().stream == "order-2");
    CHECK(cursor.event().offset == Offset{1002});
    CHECK(cursor.event().data == "{\"n\":2}");
    CHECK_FALSE(cursor.next());
    CHECK(view.end() == Offset{1003});
}

TEST_CASE("log format: the example with a hole", "[wire][golden]") {
    const std::string batch = from_document("batch");
    const std::string holed = from_document("hole");
    const std::uint32_t dead[] = {0};
    CHECK(to_hex(punch_holes(open(batch), dead)) == to_hex(holed));
    const BatchView view = open(holed);
    REQUIRE(view.verify());
    CHECK(view.header().chain == open(batch).header().chain);
    EventCursor cursor(view);
    REQUIRE(cursor.next());
    CHECK(cursor.hole());
    CHECK(cursor.event().version == Version{5});
    CHECK(cursor.event().data.empty());
}

}  // namespace skald::wire
