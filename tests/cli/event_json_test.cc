#include "cli/event_json.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json_scanner.h"
#include "wire/record.h"

namespace skald::cli {
namespace {

using nlohmann::json;

// A stored event made of a new one.
struct Kept {
    std::string stream;
    NewEvent event;
    std::string record;

    Kept(std::string s, NewEvent e) : stream(std::move(s)), event(std::move(e)) {
        wire::append_record(record, event, {});
    }
    EventView view() const {
        const auto parts = wire::parse_record(as_bytes(record));
        EventView view{};
        view.stream = stream;
        view.type = event.type;
        view.version = Version(7);
        view.partition = Partition(2);
        view.offset = Offset(41);
        view.id = event.id.value_or(Uuid{});
        view.recorded_at = Time{1'700'000'000'000'001};
        view.data = parts->data;
        view.fields = parts->fields;
        return view;
    }
    std::string printed() const {
        std::string text;
        append_event(text, view());
        return text;
    }
};

NewEvent placed(std::string data) {
    NewEvent event;
    event.type = "Placed";
    event.data = std::move(data);
    event.id = parse_uuid("0190a1b2-0000-7000-8000-0000000000ff");
    event.time = Time{1'264'924'800'000'000};
    return event;
}

// Text of any characters, control characters and quotes among them.
rc::Gen<std::string> any_text() {
    return rc::gen::container<std::string>(
        rc::gen::weightedOneOf<char>({{8, rc::gen::inRange<char>(0x20, 0x7f)},
                                      {1, rc::gen::inRange<char>(0x01, 0x20)},
                                      {1, rc::gen::element('"', '\\', '/')}}));
}

rc::Gen<std::string> any_bytes() {
    return rc::gen::container<std::string>(rc::gen::arbitrary<char>());
}

std::string some_json(const std::string& text, std::int64_t number) {
    json value = {{"text", text}, {"list", {number, nullptr, true, 1.5e-7}}, {"deep", {{"a", {}}}}};
    return value.dump();
}

std::string error_of(const std::string& line) {
    const auto parsed = parse_event(line);
    REQUIRE_FALSE(parsed);
    CHECK((parsed.error().code == Errc::malformed || parsed.error().code == Errc::invalid_event));
    return parsed.error().message;
}

}  // namespace

TEST_CASE("event_json: what is printed reads as the same event", "[model]") {
    CHECK(rc::check([](std::uint32_t schema, std::uint16_t hop, std::int64_t number) {
        NewEvent event = placed(some_json(*any_text(), number));
        event.schema_version = schema;
        event.hop = hop;
        event.correlation_id = *any_text();
        event.causation_id = *any_text();
        event.command_id = *any_text();
        event.tags = *rc::gen::container<std::vector<std::string>>(any_text());
        for (std::string& value : *rc::gen::container<std::vector<std::string>>(any_text())) {
            event.metadata.emplace_back("key" + std::to_string(event.metadata.size()),
                                        std::move(value));
        }
        const bool as_bytes = *rc::gen::arbitrary<bool>();
        if (as_bytes) {
            event.data = *any_bytes();
            event.content_type = "application/x-any";
        }
        const Kept kept("orders-1", event);
        const std::string text = kept.printed();
        RC_ASSERT(json::accept(text));
        RC_ASSERT(text.find('\n') == std::string::npos);
        const auto again = parse_event(text);
        RC_ASSERT(again.has_value());
        RC_ASSERT(again->stream == "orders-1");
        const NewEvent& read = again->event;
        RC_ASSERT(read.data == event.data);
        RC_ASSERT(read.id == event.id);
        RC_ASSERT(read.time == event.time);
        RC_ASSERT(read.content_type == (as_bytes ? event.content_type : kContentTypeJson));
        RC_ASSERT(read.metadata == event.metadata);
        RC_ASSERT(read.tags == event.tags);
        RC_ASSERT(read.correlation_id == event.correlation_id);
        RC_ASSERT(read.causation_id == event.causation_id);
        RC_ASSERT(read.command_id == event.command_id);
        RC_ASSERT(read.schema_version == schema);
        RC_ASSERT(read.hop == hop);
    }));
}

TEST_CASE("event_json: an event has these fields, in this order", "[golden]") {
    CHECK(Kept("orders-1", placed(R"({"total": 1.50, "b":[ ]})")).printed() ==
          R"({"stream":"orders-1","version":7,"partition":2,"offset":41,)"
          R"("id":"0190a1b2-0000-7000-8000-0000000000ff","type":"Placed",)"
          R"("time":"2010-01-31T08:00:00.000000Z","recorded_at":"2023-11-14T22:13:20.000001Z",)"
          R"("content_type":"application/json","data":{"total": 1.50, "b":[ ]},"metadata":{}})");

    NewEvent event = placed("\x01\x02");
    event.content_type = "application/x-any";
    event.correlation_id = "c";
    event.causation_id = "d";
    event.command_id = "e";
    event.trace_context = "00-a-b-01";
    event.tags = {"x", "y"};
    event.metadata = {{"user", "ann \"a\""}};
    event.schema_version = 3;
    event.key_id = 4;
    event.hop = 5;
    CHECK(Kept("orders-1", event).printed() ==
          R"({"stream":"orders-1","version":7,"partition":2,"offset":41,)"
          R"("id":"0190a1b2-0000-7000-8000-0000000000ff","type":"Placed",)"
          R"("time":"2010-01-31T08:00:00.000000Z","recorded_at":"2023-11-14T22:13:20.000001Z",)"
          R"("content_type":"application/x-any","data_base64":"AQI=",)"
          R"("metadata":{"user":"ann \"a\""},"correlation_id":"c","causation_id":"d",)"
          R"("command_id":"e","trace_context":"00-a-b-01","tags":["x","y"],"schema_version":3,)"
          R"("key_id":4,"hop":5})");
}

TEST_CASE("event_json: a control record has no version and says what it is", "[golden]") {
    const Kept kept("orders-1", placed("{}"));
    EventView view = kept.view();
    view.control = true;
    std::string text;
    append_event(text, view);
    CHECK(text.starts_with(R"({"stream":"orders-1","partition":2,"offset":41,)"));
    CHECK(text.ends_with(R"("metadata":{},"control":true})"));
    CHECK(error_of(text) == "`control` marks a record of skald itself, which cannot be appended");
}

TEST_CASE("event_json: a receipt and an error", "[golden]") {
    Receipt receipt;
    receipt.stream = "orders-1";
    receipt.version = Version(3);
    receipt.offset = Offset(9);
    receipt.repeated = true;
    receipt.durability = Ack::primary;
    std::string text;
    append_receipt(text, receipt);
    CHECK(text == R"({"stream":"orders-1","version":3,"partition":0,"offset":9,)"
                  R"("id":"00000000-0000-0000-0000-000000000000","position":")" +
                      to_token(Position{}) + R"(","repeated":true,"durability":"primary"})");

    Error error(Errc::wrong_expected_version, "orders-1: \"no\"");
    error.conflicts.push_back({"orders-1", "none", 4});
    error.offset = 12;
    text.clear();
    append_error(text, error);
    CHECK(text ==
          R"({"error":"wrong_expected_version","code":400,"message":"orders-1: \"no\"",)"
          R"("conflicts":[{"stream":"orders-1","expected":"none","actual":4}],"offset":12})");
}

TEST_CASE("event_json: JSON data that is not in one line is printed in one") {
    const std::string text = Kept("s", placed("{\n  \"a\": 1,\r\n  \"b\": \"x\\ny\"\n}")).printed();
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(json::parse(text)["data"] == json{{"a", 1}, {"b", "x\ny"}});
}

TEST_CASE("event_json: data that is no JSON, or no UTF-8, comes as base64") {
    const std::vector<std::string> all{"", "{", "1 2", "\"\xff\"", "{\"a\":01}", "nul"};
    for (const std::string& data : all) {
        CAPTURE(data);
        const json printed = json::parse(Kept("s", placed(data)).printed());
        CHECK_FALSE(printed.contains("data"));
        CHECK(parse_base64(printed["data_base64"].get<std::string>()) == data);
    }
}

TEST_CASE("event_json: stream, type and data are enough") {
    const auto line = parse_event(R"( { "type" : "T", "data" : -0.10e5 , "stream":"s-\u00e9" } )");
    REQUIRE(line);
    CHECK(line->stream == "s-\xC3\xA9");
    CHECK(line->event.type == "T");
    CHECK(line->event.data == "-0.10e5");
    CHECK(line->event.content_type.empty());
    CHECK_FALSE(line->event.id);
    CHECK_FALSE(line->event.time);
}

TEST_CASE("event_json: null leaves an optional field out, and is data") {
    const auto line = parse_event(
        R"({"stream":"s","type":"T","data":null,"id":null,"time":null,"metadata":null,"tags":null,)"
        R"("correlation_id":null,"content_type":null})");
    REQUIRE(line);
    CHECK(line->event.data == "null");
    CHECK(line->event.content_type.empty());
}

TEST_CASE("event_json: text data are the text, when content_type says so") {
    const auto line = parse_event(
        R"({"content_type":"text/plain","stream":"s","type":"T","data":"a\n\ud83d\ude00"})");
    REQUIRE(line);
    CHECK(line->event.data == "a\n\xF0\x9F\x98\x80");
    const auto json_text = parse_event(
        R"({"content_type":"application/vnd.x+JSON; v=1","stream":"s","type":"T","data":"a"})");
    REQUIRE(json_text);
    CHECK(json_text->event.data == "\"a\"");
}

TEST_CASE("event_json: what is wrong is named") {
    const std::string s = R"({"stream":"s","type":"T","data":1)";
    const std::vector<std::pair<std::string, std::string>> all{
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"nonsense", "not a JSON object"},
        {"{\"stream\":\"\xff\"}", "not UTF-8"},
        {R"({"stream":"s")", "not JSON, at byte 14"},
        {R"({"stream" "s"})", "not JSON, at byte 11"},
        {R"({"stream":"s",})", "not JSON, at byte 15"},
        {R"({"stream":tru})", "not JSON, at byte 11"},
        {R"({"stream":true})", "`stream` must be a string"},
        {s + "} x", "more after the object, at byte 36"},
        {R"({"stream":"s","type":"T"})", "`data` is missing"},
        {R"({"stream":"s","data":1})", "`type` is missing"},
        {R"({"type":"T","data":1})", "`stream` is missing"},
        {R"({"stream":null,"type":"T","data":1})", "`stream` must be a string"},
        {R"({"stream":1,"type":"T","data":1})", "`stream` must be a string"},
        {s + R"(,"colour":"red"})", "`colour` is not a key of an event"},
        {s + R"(,"type":"U"})", "`type` is given twice"},
        {s + R"(,"data_base64":"AA=="})", "`data` and `data_base64` exclude each other"},
        {R"({"stream":"s","type":"T","data_base64":"A"})", "`data_base64` is not base64"},
        {s + R"(,"id":"7"})", "`id` is not a UUID"},
        {s + R"(,"time":"today"})", "`time` is not an RFC 3339 time, as 2026-01-31T08:00:00Z"},
        {s + R"(,"metadata":[]})", "`metadata` must be an object"},
        {s + R"(,"metadata":{"k":1}})", "`metadata` must hold strings: `k` is none"},
        {s + R"(,"metadata":{"a":"1","b":"1","a":"2"}})", "`metadata` holds `a` twice"},
        {s + R"(,"tags":"x"})", "`tags` must be an array"},
        {s + R"(,"tags":[1]})", "`tags` must hold strings"},
        {s + R"(,"hop":65536})", "`hop` must be a whole number from 0 to 65535"},
        {s + R"(,"schema_version":-1})",
         "`schema_version` must be a whole number from 0 to 4294967295"},
        {s + R"(,"schema_version":1.0})",
         "`schema_version` must be a whole number from 0 to 4294967295"},
        {s + R"(,"content_type":"text/plain"})",
         "`data` must be a string or come as `data_base64`, because content_type is text/plain"},
        {s + R"(,"correlation_id":"\ud800"})", "not JSON, at byte 58"},
    };
    for (const auto& [line, message] : all) {
        CAPTURE(line);
        CHECK(error_of(line) == message);
    }
}

}  // namespace skald::cli
