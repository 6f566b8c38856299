#include "store/cursor.h"

#include <algorithm>

#include "base/glob.h"
#include "base/limits.h"
#include "tests/store/fixture.h"
#include "wire/query.h"

namespace skald::store {
namespace {

using rc::gen::inRange;
using Globs = std::vector<std::string>;

std::string any_stream() {
    return one_of<std::string>({"a-1", "a-2", "b-1", "b{a-1}", "c"});
}

NewEvent any_event() {
    NewEvent event = event_of(one_of<std::string>({"made", "sent", "paid"}),
                              std::string(one_of<std::size_t>({0, 3, 200, 5000}), 'd'));
    if (*inRange(0, 3) == 0) {
        event.correlation_id = one_of<std::string>({"c1", "c2"});
    }
    for (const char* tag : {"red", "blue"}) {
        if (*inRange(0, 3) == 0) {
            event.tags.emplace_back(tag);
        }
    }
    return event;
}

void any_append(TestLog& log) {
    std::vector<NewEvent> events;
    for (int n = *inRange(1, 6); n > 0; --n) {
        events.push_back(any_event());
    }
    (void)log.store().append(Append::many(any_stream(), std::move(events)));
}

void any_change(TestLog& log) {
    const auto at = *inRange<std::uint64_t>(0, 10);
    StreamLimits limits;
    limits.max_count = at + 1;
    limits.max_age = std::chrono::seconds(at + 1);
    const Lifecycle change{
        any_stream(), Expected::any(),
        one_of<LifecycleChange>({TruncateStream{Version{at}}, SetLimits{limits}, SetLimits{},
                                 DeleteStream{at == 9}, EraseEvent{Version{at}}})};
    (void)log.store().change_stream(change);
}

void any_history(TestLog& log) {
    for (int i = *inRange(1, 40); i > 0; --i) {
        const auto kind = *inRange(0, 12);
        if (kind < 8) {
            any_append(log);
        } else if (kind < 10) {
            any_change(log);
        } else if (kind == 10) {
            log.clock().advance(std::chrono::seconds(*inRange(0, 4)));
        } else if (*inRange(0, 3) == 0) {
            log.reopen();
        } else {
            log.scavenge();
        }
    }
}

Selection any_selection() {
    Query query{{{{"made", "paid"}, {"red"}}, {{}, {"blue"}}}};
    Selection selection =
        one_of<Selection>({Selection::all(), Selection::category("a"), Selection::stream("a-1"),
                           Selection::stream("b{a-1}"), Selection::type("sent"),
                           Selection::correlation("c1"), Selection::matching(query)});
    selection.types = one_of<Globs>({Globs{}, Globs{}, Globs{"ma*"}, Globs{"paid", "s[e]nt"}});
    selection.streams = one_of<Globs>({Globs{}, Globs{}, Globs{"a-*"}});
    return selection;
}

bool any_of_globs(const std::vector<std::string>& globs, const std::string& text) {
    return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
               return glob_match(glob, text);
           });
}

bool selected(const Selection& selection, const Event& event) {
    if (!any_of_globs(selection.types, event.type) ||
        !any_of_globs(selection.streams, event.stream)) {
        return false;
    }
    switch (selection.kind) {
        case Selection::Kind::all:
            return true;
        case Selection::Kind::stream:
            return event.stream == selection.name;
        case Selection::Kind::category:
            return event.stream.starts_with(selection.name + "-");
        case Selection::Kind::type:
            return event.type == selection.name;
        case Selection::Kind::correlation:
            return event.correlation_id == selection.name;
        case Selection::Kind::query:
            break;
    }
    const auto has = [&](const std::string& tag) {
        return std::find(event.tags.begin(), event.tags.end(), tag) != event.tags.end();
    };
    return (event.type != "sent" && has("red")) || has("blue");
}

// Everything there is, out of whole pages of everything: what the others are compared with.
std::vector<Event> everything(TestLog& log) {
    return log.read(Selection::all());
}

using Where = std::vector<std::pair<Partition, Offset>>;

Where where(const std::vector<Event>& events) {
    Where places;
    for (const Event& event : events) {
        places.emplace_back(event.partition, event.offset);
    }
    return places;
}

// Pages with small budgets, one behind the other.
Where read_in_pieces(TestLog& log, const Selection& selection, bool backward) {
    Where places;
    Read read;
    read.selection = selection;
    read.backward = backward;
    read.start = backward ? Start(End{}) : Start(Beginning{});
    for (int pages = 0; pages < 1000; ++pages) {
        read.limit = *inRange<std::uint32_t>(1, 7);
        read.bytes = one_of<std::uint32_t>({1, 1000, 1U << 20});
        const auto page = log.store().read(read);
        if (!page) {
            RC_ASSERT(class_of(page.error().code) == ErrorClass::not_found);
            return places;
        }
        RC_ASSERT(page->events.size() <= read.limit);
        for (const EventView& event : page->events) {
            places.emplace_back(event.partition, event.offset);
        }
        if (page->end) {
            return places;
        }
        read.start = page->resume;
    }
    RC_FAIL("it never came to the end");
    return places;
}

// What stands in chunks, in the order of the read.
std::vector<Event> events_of(const std::vector<Chunk>& chunks, bool backward) {
    std::vector<Event> events;
    for (const Chunk& chunk : chunks) {
        const auto batch = wire::BatchView::open(as_bytes(*chunk.frame), chunk.partition);
        RC_ASSERT(batch.has_value());
        RC_ASSERT(batch->verify().has_value());
        std::vector<Event> here;
        for (wire::EventCursor cursor(*batch); cursor.next();) {
            if (!cursor.hole()) {
                here.emplace_back(cursor.event());
            }
        }
        RC_ASSERT(here.size() == chunk.events);
        if (backward) {
            std::reverse(here.begin(), here.end());
        }
        events.insert(events.end(), here.begin(), here.end());
    }
    return events;
}

std::string describe(const Selection& selection, const std::vector<Event>& all,
                     const Where& found) {
    std::string text = "selection " + std::to_string(static_cast<int>(selection.kind)) + " " +
                       selection.name + " types";
    for (const std::string& type : selection.types) {
        text += " " + type;
    }
    text += " streams";
    for (const std::string& stream : selection.streams) {
        text += " " + stream;
    }
    for (const Event& event : all) {
        text += "\n" + std::to_string(event.offset.value) + " " + event.stream + "/" +
                std::to_string(event.version.value) + " " + event.type + " " + event.correlation_id;
        for (const std::string& tag : event.tags) {
            text += " #" + tag;
        }
        text += selected(selection, event) ? " wanted" : "";
    }
    text += "\nfound";
    for (const auto& [partition, offset] : found) {
        text += " " + std::to_string(offset.value);
    }
    return text + "\n";
}

}  // namespace

TEST_CASE("cursor: any selection is what a filter over everything gives", "[store][model]") {
    CHECK(rc::check("any selection is what a filter over everything gives", [] {
        TestLog log(one_of<std::uint16_t>({1, 4}));
        any_history(log);
        const std::vector<Event> all = everything(log);
        for (int i = 0; i < 4; ++i) {
            const Selection selection = any_selection();
            std::vector<Event> expected;
            std::copy_if(all.begin(), all.end(), std::back_inserter(expected),
                         [&](const Event& event) { return selected(selection, event); });
            const Where found = read_in_pieces(log, selection, false);
            if (found != where(expected)) {
                RC_LOG() << describe(selection, all, found);
            }
            RC_ASSERT(found == where(expected));
            const bool both_ways =
                selection.kind == Selection::Kind::all || selection.kind == Selection::Kind::stream;
            if (both_ways) {
                std::reverse(expected.begin(), expected.end());
                RC_ASSERT(read_in_pieces(log, selection, true) == where(expected));
            }
        }
    }));
}

TEST_CASE("cursor: steps of events hold what steps of chunks hold", "[store][model]") {
    CHECK(rc::check("steps of events hold what steps of chunks hold", [] {
        TestLog log(one_of<std::uint16_t>({1, 4}));
        any_history(log);
        CursorOptions options;
        options.selection = any_selection();
        const auto kind = options.selection.kind;
        options.backward = (kind == Selection::Kind::all || kind == Selection::Kind::stream) &&
                           *inRange(0, 2) == 0;
        options.start = options.backward ? Start(End{}) : Start(Beginning{});
        const auto encoded = log.volume().cursor(options).value();
        const auto decoded = log.volume().cursor(options).value();
        for (bool end = false; !end;) {
            const ReadBudget budget{*inRange<std::uint32_t>(1, 9),
                                    one_of<std::size_t>({1, 1000, 1U << 20})};
            const Step chunks = encoded->next(budget).value();
            const EventStep events = decoded->next_events(budget).value();
            const std::vector<Event> owned(events.events.begin(), events.events.end());
            RC_ASSERT(owned == events_of(chunks.chunks, options.backward));
            RC_ASSERT(events.end == chunks.end);
            RC_ASSERT(decoded->position() == encoded->position());
            end = chunks.end;
        }
    }));
}

TEST_CASE("cursor: events stay as they were read when the log goes on", "[store]") {
    TestLog log;
    log.append("s", {"0", "1", "2"});
    log.append("t", {"t"});
    log.append("s", {"3"});
    log.reopen();
    CursorOptions options;
    options.selection = Selection::stream("s");
    const auto kept = log.volume().cursor(options).value()->next_events({10, 1000});
    REQUIRE(kept);
    log.change("s", EraseEvent{Version{1}});
    log.scavenge();
    log.close();
    std::vector<std::string> data;
    for (const EventView& event : kept->events) {
        CHECK(event.stream == "s");
        data.emplace_back(event.data);
    }
    CHECK(data == std::vector<std::string>{"0", "1", "2", "3"});
}

// What is visible, by the rules of the streams alone.
TEST_CASE("cursor: everything is what the streams' limits let through", "[store][model]") {
    CHECK(rc::check("everything is what the streams' limits let through", [] {
        TestLog log(one_of<std::uint16_t>({1, 4}));
        any_history(log);
        std::size_t visible = 0;
        for (const char* name : {"a-1", "a-2", "b-1", "b{a-1}", "c"}) {
            const StreamInfo info = log.store().stream_info(name).value();
            std::vector<Event> events;
            if (info.state == StreamState::active) {
                events = log.read(Selection::stream(name));
            }
            visible += events.size();
            RC_ASSERT((events.empty() || events.front().version >= info.first.value()));
            RC_ASSERT(events.size() <= info.limits.max_count.value_or(events.size()));
            for (std::size_t i = 1; i < events.size(); ++i) {
                RC_ASSERT(events[i - 1].version < events[i].version);
                RC_ASSERT(events[i - 1].offset < events[i].offset);
            }
        }
        const std::vector<Event> all = everything(log);
        RC_ASSERT(all.size() == visible);
        for (std::size_t i = 1; i < all.size(); ++i) {
            RC_ASSERT(all[i - 1].recorded_at <= all[i].recorded_at);
        }
    }));
}

TEST_CASE("cursor: a step that finds nothing reports how far it looked", "[store]") {
    TestLog log;
    const std::vector<NewEvent> many(4096, event_of("dull", ""));
    for (int i = 0; i < 20; ++i) {
        REQUIRE(log.store().append(Append::many("s", many)));
    }
    log.append("s", {"wanted"});
    CursorOptions options;
    options.selection.types = {"made"};
    auto cursor = log.volume().cursor(options).value();
    const auto first = cursor->next({10, 1000});
    REQUIRE(first);
    CHECK(first->chunks.empty());
    CHECK_FALSE(first->end);
    CHECK(cursor->position().partitions.at(0).next.value >= 65'536);
    const auto second = cursor->next({10, 1000});
    REQUIRE(second);
    CHECK(second->chunks.size() == 1);
}

TEST_CASE("cursor: events of streams that may not be seen are left out", "[store]") {
    TestLog log;
    log.append("open-1", {"0"});
    log.append("secret-1", {"1"});
    CursorOptions options;
    options.allowed = {"open-*"};
    for (const Selection& selection : {Selection::all(), Selection::type("made")}) {
        options.selection = selection;
        auto cursor = log.volume().cursor(options).value();
        std::size_t events = 0;
        const auto step = cursor->next({100, 1 << 20}).value();
        for (const Chunk& chunk : step.chunks) {
            events += chunk.events;
            CHECK(chunk.frame->find("secret") == std::string::npos);
        }
        CHECK(events == 1);
    }
}

TEST_CASE("cursor: control records are seen only by who asks for them", "[store]") {
    TestLog log;
    log.append("s", {"0", "1"});
    log.change("s", TruncateStream{Version{1}});
    CHECK(log.read(Selection::all()).size() == 1);
    Selection system = Selection::all();
    system.system = true;
    const auto events = log.read(system);
    REQUIRE(events.size() == 2);
    CHECK(events[1].control);
    CHECK(events[1].type == "$truncated");
}

TEST_CASE("cursor: what cannot be read is refused", "[store]") {
    TestLog log;
    const auto code = [&](Selection selection, bool backward = false) {
        CursorOptions options;
        options.selection = std::move(selection);
        options.backward = backward;
        const auto cursor = log.volume().cursor(options);
        REQUIRE_FALSE(cursor);
        return cursor.error().code;
    };
    CHECK(code(Selection::category("")) == Errc::invalid_argument);
    CHECK(code(Selection::type("t"), true) == Errc::invalid_argument);
    CHECK(code(Selection::matching({})) == Errc::invalid_argument);
}

TEST_CASE("cursor: a filter that matches nothing stops now and then", "[store]") {
    const auto selection = GENERATE(Selection::category("a"), Selection::stream("a-1"));
    TestLog log;
    const std::vector<std::string> many(limits::kRequestEventsMax, "d");
    const std::size_t appends = limits::kScanRecordsMax / many.size() + 2;
    for (std::size_t i = 0; i < appends; ++i) {
        log.append("a-1", many);
    }
    CursorOptions options;
    options.selection = selection;
    options.selection.types = {"nothing-*"};
    auto cursor = log.volume().cursor(options).value();
    auto step = cursor->next({10, limits::kMiB}).value();
    CHECK(step.chunks.empty());
    CHECK_FALSE(step.end);
    const std::uint64_t reached = cursor->position().partitions.at(0).next.value;
    CHECK(reached >= limits::kScanRecordsMax);
    CHECK(reached < appends * many.size());
    log.append("a-1", {"d"});
    step = cursor->next({10, limits::kMiB}).value();
    CHECK(step.end);
    CHECK(cursor->position().partitions.at(0).next.value == appends * many.size() + 1);
}

}  // namespace skald::store
