#include "wire/request.h"

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "tests/wire/hex.h"

namespace skald::wire {
namespace {

NewEvent event(std::string type, std::string data) {
    NewEvent made;
    made.type = std::move(type);
    made.data = std::move(data);
    return made;
}

Append rich_append() {
    Append append;
    NewEvent full = event("placed", "{\"n\":1}");
    full.time = Time{1'700'000'000'000'000};
    full.schema_version = 3;
    full.correlation_id = "c-1";
    full.tags = {"red", "blue"};
    full.metadata = {{"k", "v"}};
    append.streams = {{"order-{7}-a", Expected::exact(4), {full, event("paid", "")}},
                      {"order-{7}-b", Expected::no_stream(), {event("placed", "x")}}};
    append.checks = {{"order-{7}-c", Expected::stream_exists()}};
    append.fence = Fence{"lock", 9};
    append.query = QueryCheck{Query{{{{"placed"}, {"red"}}, {{}, {"t"}}}}, Offset{17}};
    append.check_ids = true;
    return append;
}

std::string encode(const Append& append) {
    IdSource ids;
    auto encoded = encode_request(append, ids);
    REQUIRE(encoded);
    return encoded->bytes;
}

Errc refusal(const Append& append) {
    IdSource ids;
    const auto encoded = encode_request(append, ids);
    REQUIRE_FALSE(encoded);
    return encoded.error().code;
}

// The request with one field overwritten and the crc made right again.
template <typename Int>
std::string patched(std::string bytes, std::size_t at, Int value) {
    store_le(bytes.data() + at, value);
    store_le(bytes.data() + offsetof(RequestHeader, crc), request_crc(as_bytes(bytes)));
    return bytes;
}

Errc open_error(const std::string& bytes) {
    const auto view = RequestView::open(as_bytes(bytes));
    REQUIRE_FALSE(view);
    return view.error().code;
}

}  // namespace

TEST_CASE("request: what is encoded is what is seen", "[wire]") {
    const Append append = rich_append();
    const std::string bytes = encode(append);
    const auto view = RequestView::open(as_bytes(bytes));
    REQUIRE(view);
    CHECK(view->header().streams == 2);
    CHECK(view->header().checks == 1);
    CHECK(view->header().records == 3);
    CHECK(view->header().flags == kRequestCheckIds);
    CHECK(view->name(view->stream(0).name) == "order-{7}-a");
    CHECK(view->stream(0).expectation() == Expected::exact(4));
    CHECK(view->stream(0).records == 2);
    CHECK(view->name(view->stream(1).name) == "order-{7}-b");
    CHECK(view->stream(1).expectation() == Expected::no_stream());
    CHECK(view->name(view->check(0).name) == "order-{7}-c");
    CHECK(view->check(0).expectation() == Expected::stream_exists());
    CHECK(view->fence() == "lock");
    CHECK(view->header().fence_token == 9);
    CHECK(view->query() == append.query->query);
    CHECK(view->header().query_from == 17);
}

TEST_CASE("request: records carry their event", "[wire]") {
    const std::string bytes = encode(rich_append());
    const auto view = RequestView::open(as_bytes(bytes));
    REQUIRE(view);
    const auto record = parse_record(view->record_bytes(0));
    REQUIRE(record);
    EventView seen;
    seen.fields = record->fields;
    CHECK(record->data == "{\"n\":1}");
    CHECK(view->name(record->prefix.type) == "placed");
    CHECK(seen.time() == Time{1'700'000'000'000'000});
    CHECK(seen.schema_version() == 3);
    CHECK(seen.correlation_id() == "c-1");
    CHECK(seen.tags() == std::vector<std::string_view>{"red", "blue"});
    CHECK(view->name(view->record_prefix(2).type) == "placed");
}

TEST_CASE("request: ids are the caller's, or made with a common half", "[wire]") {
    IdSource ids;
    const Uuid given = *parse_uuid("01234567-89ab-cdef-0123-456789abcdef");
    NewEvent own = event("a", "");
    own.id = given;
    const auto encoded =
        encode_request(Append::many("s", {event("a", ""), event("a", ""), own}), ids);
    REQUIRE(encoded);
    const auto view = RequestView::open(as_bytes(encoded->bytes));
    REQUIRE(view);
    CHECK(view->record_id(2) == given);
    CHECK(encoded->last_id == given);
    CHECK(view->record_id(0) != view->record_id(1));
    CHECK(view->header().id_halves == 2);
    CHECK((view->record_id(0).bytes[6] >> 4) == 8);
    CHECK((view->record_id(0).bytes[8] >> 6) == 2);
}

TEST_CASE("request: control requests are refused from outside", "[wire]") {
    IdSource ids;
    const auto control = encode_control("s", Expected::any(), event("$truncated", "x"), ids);
    CHECK(open_error(control.bytes) == Errc::malformed);
    const auto view = RequestView::open(as_bytes(control.bytes), true);
    REQUIRE(view);
    CHECK(view->record_prefix(0).control());
    CHECK(view->record_id(0) == control.last_id);
}

TEST_CASE("request: the encoder refuses what breaks a rule", "[wire]") {
    CHECK(refusal(Append{}) == Errc::invalid_argument);
    CHECK(refusal(Append::many("s", {})) == Errc::invalid_argument);
    CHECK(refusal(Append::one("", event("a", ""))) == Errc::invalid_stream_name);
    CHECK(refusal(Append::one("$sys", event("a", ""))) == Errc::invalid_stream_name);
    CHECK(refusal(Append::one("a*", event("a", ""))) == Errc::invalid_stream_name);
    CHECK(refusal(Append::one("s", event("", ""))) == Errc::invalid_event);
    CHECK(refusal(Append::one("s", event("$t", ""))) == Errc::invalid_event);
    CHECK(refusal(Append::one("s", event("a", std::string(limits::kEventDataBytesMax + 1, 'x')))) ==
          Errc::event_too_large);
    const std::vector<NewEvent> many(limits::kRequestEventsMax + 1, event("a", ""));
    CHECK(refusal(Append::many("s", many)) == Errc::request_too_large);
    const std::vector<NewEvent> large(4, event("a", std::string(limits::kEventDataBytesMax, 'x')));
    CHECK(refusal(Append::many("s", large)) == Errc::request_too_large);
}

TEST_CASE("request: the encoder refuses bad conditions", "[wire]") {
    Append append = Append::one("s", event("a", ""));
    append.checks = {{"s", Expected::any()}};
    CHECK(refusal(append) == Errc::invalid_argument);
    append.checks = {{"t", Expected::exact(~std::uint64_t{0})}};
    CHECK(refusal(append) == Errc::invalid_argument);
    append.checks.assign(limits::kRequestChecksMax + 1, {"t", Expected::any()});
    CHECK(refusal(append) == Errc::request_too_large);
    append.checks.clear();
    append.fence = Fence{"", 1};
    CHECK(refusal(append) == Errc::invalid_argument);
    append.fence.reset();
    append.query = QueryCheck{};
    CHECK(refusal(append) == Errc::invalid_argument);
    append.query->query.items.assign(limits::kQueryItemsMax + 1, {});
    CHECK(refusal(append) == Errc::request_too_large);
    append.query.reset();
    append.producer = Producer{};
    CHECK(refusal(append) == Errc::invalid_argument);
}

TEST_CASE("request: a stream stands once, however many there are", "[wire]") {
    Append append;
    for (int i = 0; i < 200; ++i) {
        append.streams.push_back({"s" + std::to_string(i), Expected::any(), {event("a", "")}});
    }
    const std::string bytes = encode(append);
    REQUIRE(RequestView::open(as_bytes(bytes)));
    // The last section now names the first stream; its record follows.
    const auto view = RequestView::open(as_bytes(bytes));
    const auto record = static_cast<std::size_t>(
        reinterpret_cast<const char*>(view->record_bytes(199).data()) - bytes.data());
    const std::string twice = patched<std::uint16_t>(
        patched<std::uint16_t>(bytes, sizeof(RequestHeader) + 199 * 16, 0), record, 0);
    CHECK(open_error(twice) == Errc::malformed);
}

TEST_CASE("request: a lie behind a right crc is refused", "[wire]") {
    const std::string bytes = encode(rich_append());
    const auto refused = [&](std::size_t at, auto value, Errc code = Errc::malformed) {
        CHECK(open_error(patched(bytes, at, value)) == code);
    };
    refused(offsetof(RequestHeader, version), std::uint16_t{2}, Errc::unsupported_version);
    refused(offsetof(RequestHeader, flags), std::uint16_t{0x80}, Errc::unsupported_version);
    refused(offsetof(RequestHeader, streams), std::uint16_t{0});
    refused(offsetof(RequestHeader, streams), std::uint16_t{257}, Errc::request_too_large);
    refused(offsetof(RequestHeader, checks), std::uint16_t{257}, Errc::request_too_large);
    refused(offsetof(RequestHeader, records), std::uint32_t{0xffffffff}, Errc::request_too_large);
    refused(offsetof(RequestHeader, names_bytes), std::uint32_t{0xffffffff});
    refused(offsetof(RequestHeader, query_bytes), std::uint32_t{0xffffffff});
    refused(offsetof(RequestHeader, names), std::uint16_t{0xffff});
    refused(offsetof(RequestHeader, id_halves), std::uint16_t{0xffff});
    refused(offsetof(RequestHeader, fence), std::uint16_t{0xfffe});
    refused(offsetof(RequestHeader, reserved), std::uint64_t{1});
    refused(sizeof(RequestHeader), std::uint16_t{99});      // a section's name
    refused(sizeof(RequestHeader) + 2, std::uint8_t{4});    // its kind
    refused(sizeof(RequestHeader) + 4, std::uint32_t{9});   // its records
    refused(sizeof(RequestHeader) + 8, ~std::uint64_t{0});  // its version
}

TEST_CASE("request: a record's lie is refused", "[wire]") {
    const std::string bytes = encode(rich_append());
    const auto view = RequestView::open(as_bytes(bytes));
    REQUIRE(view);
    const auto at = static_cast<std::size_t>(
        reinterpret_cast<const char*>(view->record_bytes(1).data()) - bytes.data());
    CHECK(open_error(patched(bytes, at, std::uint16_t{1})) == Errc::malformed);       // stream
    CHECK(open_error(patched(bytes, at + 2, std::uint16_t{77})) == Errc::malformed);  // type
    CHECK(open_error(patched(bytes, at + 4, std::uint16_t{9})) == Errc::malformed);   // id half
    for (const int flags : {1, 2, 4, 8, 1 << 13}) {
        CHECK(open_error(patched(bytes, at + 6, static_cast<std::uint16_t>(flags))) ==
              Errc::malformed);
    }
}

TEST_CASE("request: every truncation is refused", "[wire]") {
    const std::string bytes = encode(rich_append());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        // A copy of exact size, so that a sanitizer sees a read past its end.
        const std::vector<char> cut(bytes.data(), bytes.data() + size);
        CHECK_FALSE(RequestView::open(as_bytes({cut.data(), cut.size()})));
    }
}

TEST_CASE("request: every flipped bit is refused", "[wire]") {
    const std::string bytes = encode(rich_append());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        CHECK_FALSE(RequestView::open(as_bytes(flipped)));
    }
}

TEST_CASE("request: behind a right crc any byte is refused or harmless", "[wire]") {
    const std::string bytes = encode(rich_append());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
            const std::string lie = patched(bytes, at, static_cast<std::uint8_t>(value));
            const auto view = RequestView::open(as_bytes(lie));
            for (std::uint32_t i = 0; view && i < view->header().records; ++i) {
                REQUIRE(parse_record(view->record_bytes(i)));
                REQUIRE_FALSE(view->name(view->record_prefix(i).type).empty());
            }
        }
    }
}

TEST_CASE("request: the bytes of one request", "[wire][golden]") {
    NewEvent made = event("paid", "{}");
    made.id = *parse_uuid("00112233-4455-8677-8899-aabbccddeeff");
    made.tags = {"t"};
    Append append = Append::one("order-1", made, Expected::exact(2));
    append.checks = {{"order-2", Expected::no_stream()}};
    // header | sections | name ends | id half | record place | names text | record
    const std::string golden = from_hex(
        "534b5231 0100 0000 c0000000 22441af1 0100 0100 0300 0100 01000000 12000000"
        "0000000000000000 0000000000000000 00000000 ffff 0000 0000000000000000"
        "0000 03 00 01000000 0200000000000000 0100 01 00 00000000 0000000000000000"
        "07000000 0e000000 12000000 00000000 0011223344558677 98000000 00000000"
        "6f726465722d31 6f726465722d32 70616964 000000000000"
        "0000 0200 0000 02c0 8899aabbccddeeff 10000000 0a00 0100 74 00000000000000"
        "7b7d 000000000000");
    CHECK(to_hex(encode(append)) == to_hex(golden));
}

}  // namespace skald::wire
