// Bad input gets its own error and changes nothing.
#include "base/limits.h"
#include "tests/contract/fixture.h"

namespace skald::contract {
namespace {

Errc code_of(Fixture& f, NewEvent event) {
    return f.refused(Append::one("s", std::move(event))).code;
}

void stream_names(Fixture& f) {
    const std::vector<std::string> bad{
        "",     std::string(256, 'x'),  "a*",   "a?",       "[a]",  "a\n",
        "\x7f", std::string("a\0b", 3), "\xff", "\xc0\x80", "$mine"};
    for (const std::string& name : bad) {
        CAPTURE(name);
        CHECK(f.refused(append_of(name, {"x"})).code == Errc::invalid_stream_name);
    }
    CHECK(f.store().stream_info("").error().code == Errc::invalid_stream_name);
    CHECK(f.read_error(read_of(Selection::stream(std::string(256, 'x')))) ==
          Errc::invalid_stream_name);
    for (const std::string& name : {std::string(255, 'x'), std::string("größe-日本"),
                                    std::string("a b/c{d}"), std::string("{")}) {
        CAPTURE(name);
        f.append(name, {"x"});
        CHECK(f.types(Selection::stream(name)) == Types{"x"});
    }
}

void event_types(Fixture& f) {
    for (const std::string& type : {std::string(), std::string(256, 'x'), std::string("a\tb"),
                                    std::string("\xff"), std::string("$type")}) {
        CAPTURE(type);
        CHECK(code_of(f, event(type)) == Errc::invalid_event);
    }
    f.append("s", {std::string(255, 'x'), "with space * and [globs]"});
}

void event_sizes(Fixture& f) {
    CHECK(code_of(f, event("a", std::string(limits::kEventDataBytesMax + 1, 'x'))) ==
          Errc::event_too_large);
    f.append(Append::one("s", event("a", std::string(limits::kEventDataBytesMax, 'x'))));
    NewEvent wide = event("a");
    for (int i = 0; i < 3; ++i) {
        wide.metadata.emplace_back("k", std::string(30'000, 'x'));
    }
    CHECK(code_of(f, wide) == Errc::event_too_large);
    wide.metadata.pop_back();
    f.append(Append::one("s", wide));
}

void event_labels(Fixture& f) {
    const auto with = [](auto change) {
        NewEvent made = event("a");
        change(made);
        return made;
    };
    const std::string wide(256, 'x');
    CHECK(code_of(f, with([&](NewEvent& e) { e.tags = {wide}; })) == Errc::invalid_event);
    CHECK(code_of(f, with([&](NewEvent& e) { e.tags = {""}; })) == Errc::invalid_event);
    CHECK(code_of(f, with([&](NewEvent& e) { e.metadata = {{"", "v"}}; })) == Errc::invalid_event);
    CHECK(code_of(f, with([&](NewEvent& e) {
                      e.metadata = {{wide, "v"}};
                  })) == Errc::invalid_event);
    CHECK(code_of(f, with([&](NewEvent& e) { e.correlation_id = wide; })) == Errc::invalid_event);
    CHECK(code_of(f, with([&](NewEvent& e) { e.causation_id = "\xff"; })) == Errc::invalid_event);
    const std::vector<std::string> many(limits::kTagsMax + 1, "t");
    CHECK(code_of(f, with([&](NewEvent& e) { e.tags = many; })) == Errc::invalid_event);
    CHECK(f.info("s").state == StreamState::none);
}

void append_sizes(Fixture& f) {
    const std::vector<NewEvent> most(limits::kRequestEventsMax, event("a"));
    CHECK(f.append(Append::many("s", most)).version == Version{limits::kRequestEventsMax - 1});
    std::vector<NewEvent> more = most;
    more.push_back(event("a"));
    CHECK(f.refused(Append::many("s", more)).code == Errc::request_too_large);
    const std::vector<NewEvent> large(5, event("a", std::string(limits::kEventDataBytesMax, 'x')));
    CHECK(f.refused(Append::many("s", large)).code == Errc::request_too_large);
    Append wide;
    for (std::size_t i = 0; i <= limits::kRequestStreamsMax; ++i) {
        wide.streams.push_back({own("s" + std::to_string(i)), Expected::any(), events({"a"})});
    }
    CHECK(f.refused(wide).code == Errc::request_too_large);
    wide.streams.pop_back();
    f.append(wide);
}

void append_shapes(Fixture& f) {
    CHECK(f.refused(Append{}).code == Errc::invalid_argument);
    CHECK(f.refused(Append::many("s", {})).code == Errc::invalid_argument);
    Append twice = append_of(own("s"), {"a"});
    twice.streams.push_back(twice.streams[0]);
    CHECK(f.refused(twice).code == Errc::invalid_argument);
    Append checked = append_of(own("s"), {"a"});
    checked.checks = {{own("s"), Expected::any()}};
    CHECK(f.refused(checked).code == Errc::invalid_argument);
    Append fenced = append_of(own("s"), {"a"});
    fenced.fence = Fence{"", 1};
    CHECK(f.refused(fenced).code == Errc::invalid_argument);
    Append queried = append_of(own("s"), {"a"});
    queried.query = QueryCheck{};
    CHECK(f.refused(queried).code == Errc::invalid_argument);
}

void reads(Fixture& f) {
    f.append("s", {"a"});
    Read read = read_of(Selection::stream("s"));
    read.limit = 0;
    CHECK(f.read_error(read) == Errc::invalid_argument);
    read.limit = limits::kPageEventsMax + 1;
    CHECK(f.read_error(read) == Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::all(), Version{0})) == Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::category("s"), Version{0})) == Errc::invalid_argument);
    CHECK(f.read_error(backward(read_of(Selection::category("s")))) == Errc::invalid_argument);
    CHECK(f.read_error(backward(read_of(Selection::type("s")))) == Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::category(""))) == Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::type(""))) == Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::correlation(""))) == Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::stream(""))) == Errc::invalid_stream_name);
    CHECK(f.read_error(read_of(Selection::matching({}))) == Errc::invalid_argument);
    Query wide;
    wide.items.resize(limits::kQueryItemsMax + 1);
    CHECK(f.read_error(read_of(Selection::matching(wide))) == Errc::request_too_large);
}

void globs(Fixture& f) {
    f.append("s", {"a"});
    for (auto list : {&Selection::types, &Selection::streams}) {
        Selection selection;
        selection.*list = std::vector<std::string>(limits::kGlobsMax, "?");
        (selection.*list).back() = std::string(limits::kGlobBytesMax, '*');
        CHECK(f.types(selection) == Types{"a"});
        (selection.*list).push_back("s");
        CHECK(f.read_error(read_of(selection)) == Errc::invalid_argument);
        selection.*list = {std::string(limits::kGlobBytesMax + 1, '*')};
        CHECK(f.read_error(read_of(selection)) == Errc::invalid_argument);
        selection.*list = std::vector<std::string>(10'000, "s");
        CHECK(f.read_error(read_of(selection)) == Errc::invalid_argument);
    }
    CHECK(f.read_error(read_of(Selection::category(std::string(256, 'x')))) ==
          Errc::invalid_argument);
    CHECK(f.read_error(read_of(Selection::type(std::string(256, 'x')))) == Errc::invalid_argument);
}

void subscriptions(Fixture& f) {
    Recorder recorder;
    const auto code = [&](const Subscribe& request) {
        const auto subscription = f.store().subscribe(request, recorder);
        REQUIRE_FALSE(subscription);
        return subscription.error().code;
    };
    Subscribe request;
    request.events_in_flight = 0;
    CHECK(code(request) == Errc::invalid_argument);
    request.events_in_flight = 65'537;
    CHECK(code(request) == Errc::invalid_argument);
    request.events_in_flight = 1;
    request.bytes_in_flight = 65'535;
    CHECK(code(request) == Errc::invalid_argument);
    request.bytes_in_flight = (64U << 20) + 1;
    CHECK(code(request) == Errc::invalid_argument);
    request = Subscribe{};
    request.start = Version{0};
    CHECK(code(request) == Errc::invalid_argument);
    request.selection = Selection::type("");
    CHECK(code(request) == Errc::invalid_argument);
    request = Subscribe{};
    request.selection.types = std::vector<std::string>(limits::kGlobsMax + 1, "a");
    CHECK(code(request) == Errc::invalid_argument);
}

constexpr Test kTests[] = {
    {"limits: stream names", stream_names},
    {"limits: event types", event_types},
    {"limits: event sizes", event_sizes},
    {"limits: tags, metadata and ids", event_labels},
    {"limits: append sizes", append_sizes},
    {"limits: append shapes", append_shapes},
    {"limits: reads", reads},
    {"limits: globs", globs},
    {"limits: subscriptions", subscriptions},
};

}  // namespace

std::span<const Test> limit_tests() {
    return kTests;
}

}  // namespace skald::contract
