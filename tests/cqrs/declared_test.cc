#include "skald/cqrs/declared.h"

#include <fmt/format.h>

#include "base/json_scanner.h"
#include "tests/cqrs/declared_fixture.h"

namespace skald::cqrs {
namespace {

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("declared: counting and grouping, exact to the last of 64 bits", "[cqrs]") {
    Declared sums(R"(
name = "sums"
key = ["department", "channel"]
[from]
category = "order"
[columns]
department = "text"
channel = "text"
orders = "integer"
cents = "integer"
units = "natural"
[[on]]
type = ["Placed", "Placed2"]
key = { department = "data.department", channel = { path = "data.channel", default = "none" } }
add = { orders = 1, cents = "data.amount.cents", units = "data.units" }
[[on]]
type = "Cancelled"
key = { department = "data.department", channel = "data.channel" }
subtract = { orders = 1, cents = "data.amount.cents" }
)",
                  GENERATE(every_store()));
    sums.append("order-1", "Placed", R"({"department":"a","channel":"web","amount":
        {"cents":9007199254740993},"units":18446744073709551614})");
    sums.append("order-2", "Placed2", R"({"units":1,"department":"a","channel":"web","amount":
        {"cents":2}})");
    sums.append("order-3", "Placed", R"({"units":1,"department":"a","amount":{"cents":-5}})");
    sums.append("order-4", "Placed", R"({"units":0,"department":"a","channel":null,"amount":
        {"cents":4}})");
    sums.append("order-2", "Cancelled", R"({"department":"a","channel":"web","amount":
        {"cents":2}})");
    sums.append("other-1", "Placed", R"({"department":"a","channel":"web"})");
    sums.append("order-5", "Paid", "{}");
    REQUIRE(sums.project());
    CHECK(sums.rows() ==
          Rows{R"({"department":"a","channel":"none","orders":2,"cents":-1,"units":1})",
               R"({"department":"a","channel":"web","orders":1,"cents":9007199254740993,)"
               R"("units":18446744073709551615})"});
    CHECK(sums.rows({.key = {"a"}}) == sums.rows());
    CHECK(sums.rows({.key = {"a", "none"}}).size() == 1);
    CHECK(sums.rows({.key = {"none"}}).empty());
}

TEST_CASE("declared: the latest value, and a row that goes", "[cqrs]") {
    Declared latest(R"(
name = "latest"
key = "id"
[columns]
id = "text"
state = { type = "text", initial = "new" }
at = "time"
seen = "natural"
note = "text"
priority = { type = "integer", initial = 3 }
[[on]]
type = "Order*"
key = "stream.id"
set = { state = "type", at = "time", seen = "version" }
[[on]]
type = "OrderNoted"
key = "stream.id"
set = { note = { path = "data.note", optional = true } }
[[on]]
type = "OrderForgotten"
key = "stream.id"
clear = ["note", "state"]
[[on]]
type = "Removed"
key = "data.order"
delete = true
)");
    latest.append("order-1", "OrderNoted", R"({"note":"fr\u00e4gile"})");
    latest.append("order-1", "OrderNoted", "{}");
    latest.append("order-2", "OrderPlaced", "{}");
    latest.append("order-3", "OrderPlaced", "{}");
    latest.append("admin", "Removed", R"({"order":"2"})");
    latest.append("admin", "Removed", R"({"order":"never there"})");
    REQUIRE(latest.project());
    const auto at = [](char microsecond) {
        return std::string(R"("at":"2023-11-14T22:13:20.00000)") + microsecond + "Z\"";
    };
    CHECK(latest.rows() == Rows{R"({"id":"1","state":"OrderNoted",)" + at('1') +
                                    R"(,"seen":1,"note":"frägile","priority":3})",
                                R"({"id":"3","state":"OrderPlaced",)" + at('3') +
                                    R"(,"seen":0,"note":null,"priority":3})"});
    latest.append("order-1", "OrderForgotten", "{}");
    REQUIRE(latest.project());
    CHECK(latest.rows()[0] ==
          R"({"id":"1","state":"new",)" + at('6') + R"(,"seen":2,"note":null,"priority":3})");
}

TEST_CASE("declared: top-N by an index", "[cqrs]") {
    Declared top(R"(
name = "work"
key = "resource"
[columns]
resource = "text"
events = "integer"
[[index]]
columns = "events"
[[on]]
type = "*"
key = "data.who"
add = { events = 1 }
)");
    for (const char* who : {"ann", "bob", "ann", "eve", "ann", "bob"}) {
        top.append("case-1", "Done", std::string(R"({"who":")") + who + "\"}");
    }
    REQUIRE(top.project());
    RowQuery query;
    query.order = "events";
    query.descending = true;
    query.limit = 2;
    CHECK(top.rows(query) ==
          Rows{R"({"resource":"ann","events":3})", R"({"resource":"bob","events":2})"});
}

TEST_CASE("declared: two streams joined by key, and the time between them", "[cqrs]") {
    Declared joined(R"(
name = "orders"
key = "order"
[from]
streams = ["order-*", "payment-*"]
[columns]
order = "uuid"
customer = "text"
placed = "time"
paid = "boolean"
seconds = "integer"
exact = "number"
[[index]]
columns = ["paid", "customer"]
[[on]]
type = "Placed"
key = "data.id"
set = { customer = "data.customer", placed = "data.at" }
[[on]]
type = "Paid"
key = "data.order"
set.paid = true
set.seconds = { seconds = { from = "row.placed", to = "data.at" }, optional = true }
set.exact = { seconds = { from = "row.placed", to = "data.at" }, default = -1 }
)");
    const std::string a = "11111111-2222-4333-8444-55555555555A";
    const std::string b = "11111111-2222-4333-8444-55555555555b";
    joined.append(
        "order-1", "Placed",
        R"({"id":")" + a + R"(","customer":"ann","at":"2010-10-31 00:00:00.020000+02:00"})");
    joined.append("payment-7", "Paid",
                  R"({"order":")" + a + R"(","at":"2010-10-31T23:00:01.500+01:00"})");
    joined.append("payment-8", "Paid", R"({"order":")" + b + R"(","at":"2010-11-01T00:00:00Z"})");
    joined.append("stock-1", "Paid", "{}");
    REQUIRE(joined.project());
    CHECK(joined.rows() ==
          Rows{R"({"order":"11111111-2222-4333-8444-55555555555a","customer":"ann","placed":)"
               R"("2010-10-30T22:00:00.020000Z","paid":true,"seconds":86401,"exact":86401.48})",
               R"({"order":"11111111-2222-4333-8444-55555555555b","customer":null,"placed":null,)"
               R"("paid":true,"seconds":null,"exact":-1})"});
    RowQuery query;
    query.where = {{"paid", std::string("true")}, {"customer", std::string("ann")}};
    CHECK(joined.rows(query).size() == 1);
}

TEST_CASE("declared: conditions, on the event and on the row", "[cqrs]") {
    Declared cases(R"(
name = "cases"
key = "id"
[columns]
id = "text"
opened = "natural"
kinds = "json"
[[on]]
type = "Seen"
key = "stream"
when = [{ missing = "row.id" }, { missing = "data.closed" }]
set = { opened = "offset" }
[[on]]
type = "Seen"
key = "stream"
when = { path = "data.kind", equals = ["a", "b", 7] }
append = { kinds = "data.kind" }
[[on]]
type = "Unseen"
key = "stream"
remove = { kinds = "data.kind" }
[[on]]
type = "Seen"
key = "stream"
when = [{ exists = "data.closed" }, { exists = "row.opened" }]
delete = true
)");
    cases.append("c-1", "Seen", R"({"kind":"a"})");
    cases.append("c-1", "Seen", R"({"kind":"\u0062"})");
    cases.append("c-1", "Seen", R"({"kind":7.0})");
    cases.append("c-1", "Seen", R"({"kind":"c"})");
    REQUIRE(cases.project());
    CHECK(cases.rows() == Rows{R"({"id":"c-1","opened":0,"kinds":["a","\u0062",7.0]})"});
    cases.append("c-1", "Unseen", R"({"kind":"b"})");
    cases.append("c-1", "Unseen", R"({"kind":"z"})");
    cases.append("c-2", "Seen", R"({"closed":false})");
    cases.append("c-3", "Seen", "{}");
    cases.append("c-3", "Seen", R"({"closed":{"by":"ann"}})");
    REQUIRE(cases.project());
    CHECK(cases.rows() == Rows{R"({"id":"c-1","opened":0,"kinds":["a",7.0]})"});
}

TEST_CASE("declared: an event that does not fit says where", "[cqrs]") {
    const std::string base = R"(
name = "m"
key = "id"
[columns]
id = "text"
cents = "integer"
first = "natural"
at = "time"
[[index]]
columns = "first"
unique = true
[[on]]
type = "T"
key = "data.id"
add = { cents = "data.cents", first = { path = "data.first", optional = true } }
set = { at = { path = "data.at", optional = true } }
)";
    struct Bad {
        std::string data;
        std::string message;
    };
    const Bad bad = GENERATE(values<Bad>({
        {R"({"cents":1})", "key id from data.id: expected text, found nothing"},
        {R"({"id":5,"cents":1})", "key id from data.id: expected text, found 5"},
        {R"({"id":"a"})", "column cents from data.cents: expected an integer, found nothing"},
        {R"({"id":"a","cents":"ten"})",
         "column cents from data.cents: expected an integer, found \"ten\""},
        {R"({"id":"a","cents":1.0})", "expected an integer, found 1.0"},
        {R"({"id":"a","cents":9223372036854775808})", "expected an integer, found 92233"},
        {R"({"id":"a","cents":1,"first":-1})", "expected an integer from zero up, found -1"},
        {R"({"id":"a","cents":1,"at":"yesterday"})", "expected a time as RFC 3339"},
        {R"({"id":"a","cents":9223372036854775807})", "the result is no longer an integer"},
        {R"({"id":"b","cents":1,"first":1})", "another row has the same first"},
        {R"(["id","a"])", "key id from data.id: expected text, found nothing"},
        {R"({"id":")" + std::string(300, 'k') + R"(","cents":1})", "a key has at most 260 bytes"},
    }));
    Declared model(base);
    model.append("s-1", "T", R"({"id":"a","cents":1,"first":1})");
    REQUIRE(model.project());
    const auto before = model.rows();
    model.append("s-2", "T", bad.data);
    CHECK_FALSE(model.project());
    CHECK_THAT(model.error,
               Catch::Contains("stream s-2 version 0") && Catch::Contains(bad.message));
    CHECK(model.rows() == before);
}

TEST_CASE("declared: a poison event parks its row's key, and no other", "[cqrs]") {
    Declared parked(R"(
name = "m"
key = "id"
poison = "park"
[columns]
id = "text"
cents = "integer"
[[on]]
type = "T"
key = "data.id"
add = { cents = "data.cents" }
)");
    parked.append("s-1", "T", R"({"id":"a","cents":"ten"})");
    parked.append("s-2", "T", R"({"id":"a","cents":1})");
    parked.append("s-1", "T", R"({"id":"b","cents":1})");
    parked.append("s-1", "T", "not JSON");
    REQUIRE(parked.project());
    CHECK(parked.rows() == Rows{R"({"id":"b","cents":1})"});
    const auto events = parked.projector->parked();
    REQUIRE(events);
    REQUIRE(events->size() == 3);
    CHECK(events->at(0).key == "a");
    CHECK(events->at(1).key == "a");
    CHECK(events->at(1).reason.empty());
    CHECK(events->at(2).key == "stream:s-1");
    CHECK(events->at(2).keys.empty());
}

TEST_CASE("declared: a list grows no deeper than a row can be read", "[cqrs]") {
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    Declared lists(R"(
name = "m"
key = "stream"
[columns]
stream = "text"
all = "json"
last = "json"
[[on]]
type = "T"
key = "stream"
append = { all = "data" }
[[on]]
type = "Last"
key = "stream"
set = { last = "data" }
)");
    lists.append("s-1", "T", nested(510));
    lists.append("s-1", "T", nested(510));
    lists.append("s-1", "Last", nested(511));
    REQUIRE(lists.project());
    REQUIRE(lists.rows().size() == 1);
    CHECK(is_json(lists.rows()[0]));
    SECTION("appended") {
        lists.append("s-1", "T", nested(511));
    }
    SECTION("set") {
        lists.append("s-1", "Last", nested(512));
    }
    CHECK_FALSE(lists.project());
    CHECK_THAT(lists.error, Catch::Contains("lists and objects stand at most 511 deep"));
}

TEST_CASE("declared: a number too small for a double is zero", "[cqrs]") {
    Declared sums(R"(
name = "m"
key = "stream"
[columns]
stream = "text"
n = "number"
[[on]]
type = "T"
key = "stream"
add = { n = "data" }
)");
    const std::string zeros(400, '0');
    for (const std::string& small : std::vector<std::string>{
             std::string("1e-400"), "-0." + zeros + "1e+5", "1e-99999999999999999999"}) {
        sums.append("s-1", "T", small);
    }
    sums.append("s-1", "T", "0.5");
    REQUIRE(sums.project());
    CHECK(sums.rows() == Rows{R"({"stream":"s-1","n":0.5})"});
    const std::string large = GENERATE_COPY(
        values<std::string>({"1e400", "1" + zeros + "e-5", "1e99999999999999999999"}));
    sums.append("s-1", "T", large);
    CHECK_FALSE(sums.project());
    CHECK_THAT(sums.error, Catch::Contains("expected a number, found 1"));
}

TEST_CASE("declared: lanes make the rows that one makes", "[cqrs]") {
    const std::string text = R"(
name = "seen"
key = "id"
poison = "park"
[columns]
id = "text"
number = "integer"
versions = "json"
[[on]]
type = "*"
key = "stream"
add = { number = "data.n" }
append = { versions = "data.text" }
)";
    Declared one(text);
    Declared lanes("lanes = 4\n" + text);
    for (int i = 0; i < 400; ++i) {
        const std::string data =
            i == 250 ? "[]" : fmt::format(R"({{"n":{},"text":"{}"}})", i, std::string(i % 50, 'x'));
        one.append(fmt::format("s-{}", i % 80), "Seen", data);
        lanes.append(fmt::format("s-{}", i % 80), "Seen", data);
    }
    REQUIRE(one.project());
    REQUIRE(lanes.project());
    RowQuery all;
    all.limit = 1000;
    CHECK(one.rows(all).size() == 80);
    CHECK(lanes.rows(all) == one.rows(all));
    CHECK(lanes.projector->parked()->size() == 2);
}

}  // namespace skald::cqrs
