#include "tests/hostile/questions.h"

#include <catch2/catch.hpp>

#include "broker/rights.h"

namespace skald::hostile {
namespace {

namespace msg = wire::msg;

constexpr int kRounds = 12;
constexpr std::size_t kIdMarkBytes = 8;  // of an id: batches store its halves apart
constexpr std::uint64_t kManyEvents = 60'000;
constexpr std::uint64_t kManyBytes = std::uint64_t{60} << 20;

template <typename Message>
void require(const msg::FromNode& answer) {
    const auto* refused = std::get_if<msg::Rejected>(&answer);
    INFO((refused == nullptr ? std::string("another answer") : refused->error.message));
    REQUIRE(std::holds_alternative<Message>(answer));
}

StreamAppend events_for(const std::string& stream, const std::string& whose, std::uint8_t number) {
    return {stream, Expected::any(), {event_of(whose, number)}};
}

// ---- questions

std::vector<Selection> selections() {
    std::vector<Selection> all{Selection::all(),
                               Selection::stream("order-1"),
                               Selection::stream("order-2"),
                               Selection::stream("foreign-1"),
                               Selection::stream("orders"),
                               Selection::category("order"),
                               Selection::category("orders"),
                               Selection::category("foreign"),
                               Selection::type("own-type"),
                               Selection::type("foreign-type"),
                               Selection::correlation("own-correlation"),
                               Selection::correlation("foreign-correlation"),
                               Selection::matching({{{{}, {"foreign-tag"}}}}),
                               Selection::matching({{{{"foreign-type"}, {}}, {{}, {"own-tag"}}}})};
    Selection system;
    system.system = true;
    all.push_back(system);
    Selection globs;
    globs.streams = {"*"};
    globs.types = {"f*", "o*", "p*"};
    all.push_back(globs);
    return all;
}

std::vector<Start> starts(const Position& end) {
    std::vector<Start> all{Beginning{}, End{}, Version{0}, Version{5}, AtTime{Time{0}}, end};
    for (std::uint64_t offset = 0; offset < 3 * kRounds; offset += 5) {
        all.emplace_back(Offset{offset});
        Position position = end;
        position.partitions[0].next = Offset{offset};
        position.partitions[0].digest = 0;
        all.emplace_back(std::move(position));
    }
    return all;
}

// Page by page to the end, or the refusal.
void read_all(CapturingClient& client, Read read) {
    for (int pages = 0; pages < 200; ++pages) {
        const msg::FromNode answer = client.ask(msg::Read{client.next_id(), read});
        const auto* page = std::get_if<msg::Page>(&answer);
        if (page == nullptr || page->end) {
            return;
        }
        read.start = page->resume;
    }
}

void read_everything(CapturingClient& client) {
    const msg::FromNode position = client.ask(msg::GetPosition{client.next_id()});
    require<msg::PositionAnswer>(position);
    for (const Selection& selection : selections()) {
        for (const Start& start : starts(std::get<msg::PositionAnswer>(position).position)) {
            for (const bool backward : {false, true}) {
                read_all(client, {selection, start, backward, 1000, 4 << 20});
                read_all(client, {selection, start, backward, 2, 0});
            }
        }
    }
}

void ask_about_streams(CapturingClient& client) {
    for (const char* stream : {"order-1", "foreign-1", "orders", "order-none", "none"}) {
        client.ask(msg::GetStream{client.next_id(), stream});
        client.ask(msg::GetSnapshot{client.next_id(), stream});
    }
    for (const char* glob : {"*", "?nsaid*", "f*", "order-*", "[a-z]*", "$*"}) {
        std::string after;
        do {
            const msg::FromNode answer =
                client.ask(msg::ListStreams{client.next_id(), glob, after, 1});
            const auto* list = std::get_if<msg::StreamListAnswer>(&answer);
            after = list == nullptr ? std::string() : list->list.next;
        } while (!after.empty());
    }
}

// Appends that run into what others wrote: by version, check, query, id, fence.
void provoke(Writer& writer) {
    for (const Expected expected :
         {Expected::no_stream(), Expected::exact(99), Expected::stream_exists(), Expected::any()}) {
        writer.append(Append::one("foreign-1", event_of("own", 250), expected));
        writer.append(Append::one("order-1", event_of("own", 251), expected));
        Append checks = Append::one("order-1", event_of("own", 252));
        checks.checks = {{"foreign-1", expected}};
        writer.append(checks);
    }
    Append query = Append::one("order-1", event_of("own", 253));
    query.query = QueryCheck{{{{{"foreign-type"}, {"foreign-tag"}}}}, Offset{0}};
    writer.append(query);
    Append repeated = Append::one("order-1", event_of("own", 254));
    repeated.streams[0].events[0].id = uuid_of("probed", 3);
    repeated.check_ids = true;
    writer.append(repeated);
    Append fenced = Append::one("order-1", event_of("own", 249));
    fenced.fence = Fence{"probed-fence", 0};
    writer.append(fenced);
    CapturingClient& client = writer.client();
    client.ask(msg::PutSnapshot{client.next_id(), "order-1", Version{1}, 1}, "own-snapshot");
    writer.append_bytes("no request at all");
}

// All selections at once, from the beginning on; then more events, live, one at a time.
void subscribe_to_all(CapturingClient& client, const std::function<void()>& write_more) {
    std::vector<std::uint64_t> open;
    for (const Selection& selection : selections()) {
        for (const std::uint64_t events : {std::uint64_t{1}, kManyEvents}) {
            const std::uint64_t id = client.next_id();
            client.say(msg::Subscribe{id, selection, Beginning{}, false, events, kManyBytes});
            open.push_back(id);
        }
    }
    write_more();
    for (const std::uint64_t id : open) {
        for (std::uint64_t events = 2; events < 100; events += 7) {
            client.say(msg::Credit{id, events, kManyBytes});
        }
    }
    // In order behind what was asked before: whatever was due then has come.
    read_all(client, {Selection::all()});
}

// Live subscriptions of all selections, each asked for; an event comes to all that may have it
// before its publisher is told so.
void hear_what_passes(CapturingClient& client, const std::function<void()>& publish) {
    std::vector<std::uint64_t> open;
    for (const Selection& selection : selections()) {
        const std::uint64_t id = client.next_id();
        client.ask(msg::Subscribe{id, selection, End{}, false, kManyEvents, kManyBytes, true});
        open.push_back(id);
    }
    publish();
    client.ask(msg::GetPosition{client.next_id()});
    for (const std::uint64_t id : open) {
        client.say(msg::Unsubscribe{id});
    }
}

std::vector<msg::FromNode> ask_for_the_log(CapturingClient& client) {
    std::vector<msg::FromNode> answers{client.ask(msg::GetLog{client.next_id()})};
    for (std::uint64_t from = 0; from < 2 * kRounds; ++from) {
        answers.push_back(client.ask(msg::FetchLog{client.next_id(), Partition{}, Offset{from},
                                                   Offset{UINT64_MAX}, UINT32_MAX}));
    }
    answers.push_back(
        client.ask(msg::FetchProducers{client.next_id(), Partition{}, {}, UINT32_MAX}));
    const Uuid run = uuid_of("scavenge", 1);
    for (bool running = true; running;) {
        answers.push_back(client.ask(msg::Scavenge{client.next_id(), run}));
        const auto* standing = std::get_if<msg::ScavengeAnswer>(&answers.back());
        running = standing != nullptr && standing->running;
    }
    return answers;
}

}  // namespace

// ---- marks

Uuid uuid_of(std::string_view text, std::uint8_t last) {
    Uuid id;
    text.substr(0, 15).copy(reinterpret_cast<char*>(id.bytes.data()), 15);
    id.bytes[15] = last;
    return id;
}

NewEvent event_of(const std::string& whose, std::uint8_t number) {
    NewEvent event;
    event.type = whose + "-type";
    event.data = whose + "-data";
    event.id = uuid_of("id-" + whose, number);
    event.content_type = whose + "-content";
    event.correlation_id = whose + "-correlation";
    event.causation_id = whose + "-causation";
    event.command_id = whose + "-command";
    event.trace_context = whose + "-trace";
    event.tags = {whose + "-tag"};
    event.metadata = {{whose + "-key", whose + "-value"}};
    return event;
}

Marks marks_of(const std::string& whose) {
    Marks marks{{"event id", ("id-" + whose).substr(0, kIdMarkBytes)}};
    for (const char* field : {"type", "data", "content", "correlation", "causation", "command",
                              "trace", "tag", "key", "value"}) {
        marks[field] = whose + "-" + field;
    }
    return marks;
}

Marks foreign_marks(const std::string& owner_key, const Uuid& producer) {
    Marks marks = marks_of("foreign");
    for (const auto& [field, mark] : marks_of(kForeignPassing)) {
        marks["passing " + field] = mark;
    }
    marks["snapshot"] = "foreign-snapshot";
    marks["stream name"] = kUnsaid;
    marks["fence"] = "foreign-fence";
    const Uuid known_as = broker::producer_of(owner_key, producer);
    marks["producer"] = {reinterpret_cast<const char*>(known_as.bytes.data()),
                         known_as.bytes.size()};
    return marks;
}

Names found(const Marks& marks, std::string_view bytes) {
    Names names;
    for (const auto& [name, mark] : marks) {
        if (bytes.find(mark) != std::string_view::npos) {
            names.push_back(name);
        }
    }
    return names;
}

Names names_of(const Marks& marks) {
    Names names;
    for (const auto& [name, mark] : marks) {
        names.push_back(name);
    }
    return names;
}

// ---- what is written

msg::FromNode Writer::append(const Append& append) {
    auto encoded = wire::encode_request(append, ids_);
    REQUIRE(encoded);
    return append_bytes(encoded->bytes);
}

msg::FromNode Writer::append_bytes(std::string_view request) {
    const std::uint64_t id = sequence_++;
    return client_.ask(msg::Append{id, id, id, Partition{}, {}, 1}, request);
}

msg::FromNode Writer::change(const std::string& stream, LifecycleChange change) {
    const std::uint64_t id = sequence_++;
    return client_.ask(
        msg::ChangeStream{id, id, id, Partition{}, {stream, Expected::any(), std::move(change)}});
}

msg::FromNode Writer::publish(const std::string& stream, NewEvent event) {
    auto encoded = wire::encode_request(Append::one(stream, std::move(event)), ids_);
    REQUIRE(encoded);
    return client_.ask(msg::PublishEphemeral{client_.next_id()}, encoded->bytes);
}

void fill(Writer& owner) {
    for (std::uint8_t i = 0; i < kRounds; ++i) {
        Append both;
        both.streams = {events_for("order-1", "own", i), events_for("foreign-1", "foreign", i),
                        events_for(kUnsaid, "foreign", static_cast<std::uint8_t>(100 + i))};
        both.fence = Fence{"foreign-fence", owner.next_token()};
        require<msg::Receipts>(owner.append(both));
        NewEvent probed = event_of("foreign", i);
        probed.id = uuid_of("probed", i);
        Append alone = Append::one("orders", std::move(probed));
        alone.fence = Fence{"probed-fence", owner.next_token()};
        require<msg::Receipts>(owner.append(alone));
        require<msg::Receipts>(owner.append(
            Append::one("order-2", event_of("own", static_cast<std::uint8_t>(100 + i)))));
    }
    CapturingClient& client = owner.client();
    for (const char* stream : {"foreign-1", kUnsaid}) {
        require<msg::Receipts>(owner.change(stream, SetLimits{{.max_count = 10, .max_age = {}}}));
        require<msg::Receipts>(owner.change(stream, TruncateStream{Version{2}}));
        require<msg::Done>(client.ask(msg::PutSnapshot{client.next_id(), stream, Version{3}, 7},
                                      "foreign-snapshot"));
    }
    require<msg::Done>(
        client.ask(msg::PutSnapshot{client.next_id(), "order-1", Version{3}, 7}, "own-snapshot"));
}

void pass_by(Writer& owner) {
    for (std::uint8_t i = 0; i < kRounds; ++i) {
        for (const char* stream : {"foreign-1", kUnsaid, "orders"}) {
            require<msg::Done>(owner.publish(stream, event_of(kForeignPassing, i)));
        }
        require<msg::Done>(owner.publish("order-1", event_of(kOwnPassing, i)));
    }
}

// ---- all of it

std::vector<Route> routes(const std::function<void()>& write_more,
                          const std::function<void()>& publish) {
    Names stored = names_of(marks_of("foreign"));
    stored.emplace_back("stream name");
    Names passing{"stream name"};
    for (const std::string& field : names_of(marks_of("foreign"))) {
        passing.push_back("passing " + field);
    }
    Names log = stored;
    log.insert(log.end(), {"fence", "producer"});
    return {
        {"reads", stored, [](Writer& w) { read_everything(w.client()); }},
        {"streams", {"stream name", "snapshot"}, [](Writer& w) { ask_about_streams(w.client()); }},
        {"appends", {}, provoke},
        {"subscriptions", stored, [=](Writer& w) { subscribe_to_all(w.client(), write_more); }},
        {"ephemeral events", passing, [=](Writer& w) { hear_what_passes(w.client(), publish); }},
        {"the log", log, [](Writer& w) { ask_for_the_log(w.client()); }},
        {"reads after it", stored, [](Writer& w) { read_everything(w.client()); }},
    };
}

void require_refusals(Writer& restricted) {
    CapturingClient& client = restricted.client();
    std::vector<msg::FromNode> answers = ask_for_the_log(client);
    for (const Expected expected : {Expected::no_stream(), Expected::exact(99)}) {
        answers.push_back(
            restricted.append(Append::one("foreign-1", event_of("own", 240), expected)));
        Append checks = Append::one("order-1", event_of("own", 241));
        checks.checks = {{"foreign-1", expected}};
        answers.push_back(restricted.append(checks));
    }
    for (LifecycleChange change :
         {LifecycleChange(TruncateStream{Version{1}}), LifecycleChange(EraseEvent{Version{3}}),
          LifecycleChange(DeleteStream{true})}) {
        answers.push_back(restricted.change("foreign-1", std::move(change)));
    }
    answers.push_back(restricted.publish("foreign-1", event_of(kOwnPassing, 240)));
    answers.push_back(client.ask(msg::GetStream{client.next_id(), "foreign-1"}));
    answers.push_back(client.ask(msg::GetSnapshot{client.next_id(), "foreign-1"}));
    answers.push_back(
        client.ask(msg::PutSnapshot{client.next_id(), "foreign-1", Version{1}, 1}, "own-snapshot"));
    for (const msg::FromNode& answer : answers) {
        require<msg::Rejected>(answer);
        CHECK(std::get<msg::Rejected>(answer).error.code == Errc::forbidden);
    }
}

}  // namespace skald::hostile
