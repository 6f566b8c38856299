#include "skald/cqrs/describe.h"

#include <catch2/catch.hpp>

#include "skald/cqrs/event_table.h"
#include "tests/cqrs/account.h"
#include "tests/ended_child.h"

namespace skald::cqrs {
namespace {

struct Line {
    std::string sku;
    std::uint32_t count = 1;
    static auto describe() {
        return record<Line>("Line").required("sku", &Line::sku).field("count", &Line::count);
    }
    bool operator==(const Line&) const = default;
};

struct Ordered {
    std::vector<Line> lines;
    std::optional<std::string> note;
    static auto describe() {
        return event<Ordered>("Ordered", 1)
            .required("lines", &Ordered::lines)
            .field("note", &Ordered::note);
    }
};

// Of somebody else's library: cannot be given a describe().
struct Foreign {
    int value = 0;
};

struct PriceV1 {
    std::int64_t euros = 0;
    static auto describe() {
        return event<PriceV1>("PriceSet", 1).required("euros", &PriceV1::euros);
    }
};
struct Price {
    std::int64_t cents = 0;
    std::string currency;
    static auto describe() {
        return event<Price>("PriceSet", 4)
            .also_named("Priced")
            .required("cents", &Price::cents)
            .field("currency", &Price::currency)
            .upcast<1>([](const PriceV1& old) { return PriceV2{old.euros * 100}; })
            .upcast<3>([](std::string_view data) -> Result<std::string> {
                if (data.find("XXY") != std::string_view::npos) {
                    return Error(Errc::malformed, "no such currency");
                }
                return std::string(data.substr(0, data.size() - 1)) + ",\"currency\":\"EUR\"}";
            });
    }
    struct PriceV2 {
        std::int64_t cents = 0;
        static auto describe() {
            return event<PriceV2>("PriceSet", 2).required("cents", &PriceV2::cents);
        }
    };
};

// Whose upcasts start or end at another version than they say.
struct Skips {
    std::int64_t cents = 0;
    static auto describe() {
        return event<Skips>("Skips", 3)
            .field("cents", &Skips::cents)
            .upcast<1>([](const PriceV1& old) { return Skips{old.euros}; });
    }
};
struct Starts {
    std::int64_t cents = 0;
    static auto describe() {
        return event<Starts>("Starts", 3)
            .field("cents", &Starts::cents)
            .upcast<2>([](const PriceV1& old) { return Starts{old.euros}; });
    }
};
// That hold what has other data than its fields.
struct HoldsUpcast {
    Price price;
    static auto describe() {
        return event<HoldsUpcast>("HoldsUpcast", 1).field("price", &HoldsUpcast::price);
    }
};
struct Coded {
    static auto describe() {
        Codec<Coded> codec;
        codec.content_type = "text/plain";
        codec.encode = [](const Coded&) -> Result<std::string> { return std::string("c"); };
        codec.decode = [](std::string_view, Coded&) { return Result<void>(); };
        return record<Coded>("Coded").codec(codec);
    }
};
struct HoldsCoded {
    std::vector<Coded> all;
    static auto describe() {
        return event<HoldsCoded>("HoldsCoded", 1).field("all", &HoldsCoded::all);
    }
};

template <typename E>
std::string decode_error(std::string_view data, E& into) {
    EventView view;
    view.stream = "order-7";
    view.type = "T";
    view.version = Version(3);
    view.data = data;
    const auto ok = from_event(view, into);
    return ok ? "" : ok.error().message;
}
template <typename E>
std::string decode_error(std::string_view data) {
    E into{};
    return decode_error(data, into);
}

}  // namespace

template <>
struct Describe<Foreign> {
    static Description<Foreign> describe() {
        return event<Foreign>("Foreign", 3).field("value", &Foreign::value);
    }
};

TEST_CASE("describe: name, version and data of an event", "[cqrs]") {
    const auto made = to_new_event(Ordered{{{"a", 2}, {"b", 1}}, std::nullopt});
    REQUIRE(made);
    CHECK(made->type == "Ordered");
    CHECK(made->schema_version == 1);
    CHECK(made->content_type.empty());
    CHECK(made->data == R"({"lines":[{"sku":"a","count":2},{"sku":"b","count":1}],"note":null})");
}

TEST_CASE("describe: a struct of others is described from outside", "[cqrs]") {
    const auto made = to_new_event(Foreign{4});
    REQUIRE(made);
    CHECK(made->type == "Foreign");
    CHECK(made->schema_version == 3);
    CHECK(made->data == R"({"value":4})");
}

TEST_CASE("describe: fields in any order, unknown ones ignored, missing ones by default",
          "[cqrs]") {
    Ordered order;
    CHECK(decode_error(
              R"({"note":"n","new":{"x":[1,2]},"lines":[{"count":2,"sku":"a"},{"sku":"b"}]})",
              order) == "");
    CHECK(order.lines == std::vector<Line>{{"a", 2}, {"b", 1}});
    CHECK(order.note == "n");
}

TEST_CASE("describe: an error says stream, version, type, field and what was expected", "[cqrs]") {
    const std::string event = "stream order-7 version 3: event T (schema version 0): ";
    CHECK(decode_error<Ordered>(R"({"lines":[{"sku":"a"},{"sku":3}]})") ==
          event + "field lines.1.sku: expected a string, found 3");
    CHECK(decode_error<Ordered>(R"({"note":null})") ==
          event + "expected a field lines, found none");
    CHECK(decode_error<Ordered>(R"({"lines":[{}]})") ==
          event + "field lines.0: expected a field sku, found none");
    CHECK(decode_error<Ordered>("[]") == event + "expected an object, found []");
    CHECK(decode_error<Ordered>("") == event + "expected an object, found the end");
}

TEST_CASE("describe: what cannot be written names the type", "[cqrs]") {
    const auto made = to_new_event(Opened{"\xff"});
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::invalid_event);
    CHECK(made.error().message == "Opened: text is not UTF-8");
}

TEST_CASE("describe: old versions become new ones, step by step", "[cqrs]") {
    const auto& description = description_of<Price>();
    const auto read = [&](std::uint32_t version, std::string_view data) {
        Price price;
        const auto ok = description.decode(version, data, price);
        return ok ? std::to_string(price.cents) + " " + price.currency : ok.error().message;
    };
    CHECK(read(1, R"({"euros":3})") == "300 EUR");
    CHECK(read(0, R"({"euros":3})") == "300 EUR");
    CHECK(read(2, R"({"cents":5})") == "5 EUR");
    CHECK(read(3, R"({"cents":6})") == "6 EUR");
    CHECK(read(4, R"({"cents":7,"currency":"CHF"})") == "7 CHF");
    CHECK(read(5, R"({"cents":7})") == "expected schema version 4 or less, found 5");
    CHECK(read(1, R"({"euros":"x"})") ==
          "upcast from version 1: field euros: expected an integer of 64 bits, found \"x\"");
    CHECK(read(3, R"({"cents":6,"c":"XXY"})") == "upcast from version 3: no such currency");
}

TEST_CASE("describe: shapes differ when what is stored differs", "[cqrs]") {
    CHECK(Values<Ordered>::shape() ==
          "Ordered@1(lines!:[Line@1(sku!:text;count:u32;)];note:?text;)");
}

TEST_CASE("describe: an upcast between other versions than it says aborts", "[cqrs][crash]") {
    const auto message_of = [](auto event, std::uint32_t version) {
        const auto ended = run_in_child([&] {
            (void)description_of<decltype(event)>().decode(version, R"({"euros":1})", event);
        });
        CHECK(ended.aborted());
        return ended.written;
    };
    CHECK_THAT(message_of(Skips{}, 1),
               Catch::Contains("an upcast from version 1 gives Skips of version 3"));
    CHECK_THAT(message_of(Starts{}, 2),
               Catch::Contains("an upcast from version 2 takes PriceSet of version 1"));
}

TEST_CASE("describe: what is nested has fields, and neither upcasts nor a codec", "[cqrs][crash]") {
    const auto upcast = run_in_child([] { (void)to_new_event(HoldsUpcast{}); });
    CHECK(upcast.aborted());
    CHECK_THAT(upcast.written, Catch::Contains("PriceSet has upcasts"));
    const auto coded = run_in_child([] {
        HoldsCoded holds;
        (void)decode_error(R"({"all":[{}]})", holds);
    });
    CHECK(coded.aborted());
    CHECK_THAT(coded.written, Catch::Contains("Coded has upcasts or a codec"));
}

TEST_CASE("describe: of a field that comes twice the last counts", "[cqrs]") {
    struct Boxed {
        Line line;
        static auto describe() { return event<Boxed>("Boxed", 1).field("line", &Boxed::line); }
    };
    Boxed boxed;
    CHECK(decode_error(R"({"line":{"sku":"a","count":5},"line":{"sku":"b"}})", boxed) == "");
    CHECK(boxed.line == Line{"b", 1});
}

}  // namespace skald::cqrs
