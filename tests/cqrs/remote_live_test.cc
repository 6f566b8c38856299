// What is between a live query and an asker elsewhere: numbers, parts, places, losses. That it
// tells the same as in process is for live_query_test.cc and live_model_test.cc.
#include "cqrs/remote_live.h"

#include <atomic>
#include <deque>
#include <future>

#include "cqrs/limits.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/remote_models.h"
#include "skald/node.h"
#include "skald/testing.h"
#include "tests/cqrs/follower.h"
#include "tests/cqrs/shelf.h"

namespace skald::cqrs {
namespace {

using namespace std::chrono_literals;

// Answers as told beforehand, and notes what it is asked.
class Script final : public LiveLink {
  public:
    struct Notes {
        std::vector<OpenLive> opens;
        std::vector<std::uint64_t> polls;  // received
        std::vector<std::chrono::milliseconds> pauses;
        std::vector<std::string> closed;
        std::deque<Result<LiveOpened>> opened;
        std::deque<Result<LiveAnswer>> answers;  // the last again and again
        Monotonic now{};
    };
    explicit Script(Notes& notes) : notes_(notes) {}

    Result<LiveOpened> open(const OpenLive& message) override {
        notes_.opens.push_back(message);
        return next(notes_.opened);
    }
    Result<LiveAnswer> poll(const std::string&, const PollLive& message) override {
        notes_.polls.push_back(message.received);
        return next(notes_.answers);
    }
    void close(const std::string& service) override { notes_.closed.push_back(service); }
    void pause(std::chrono::milliseconds length) override {
        notes_.pauses.push_back(length);
        notes_.now += length;
    }
    Monotonic now() const override { return notes_.now; }
    void stop() override {}

  private:
    template <typename T>
    static T next(std::deque<T>& those) {
        T first = those.front();
        if (those.size() > 1) {
            those.pop_front();
        }
        return first;
    }
    Notes& notes_;
};

LiveAnswer snapshot_at(std::uint64_t number, std::uint64_t offset) {
    LivePart part;
    part.kind = LiveKind::snapshot;
    part.position = to_token(at_offset(offset));
    part.version = 1;
    return {number, {part}};
}

RemoteLive remote(Script::Notes& notes) {
    return {std::make_unique<Script>(notes), {}, {"first"}};
}

// The first that is told.
LiveNext next_of(RemoteLive& live) {
    for (int i = 0; i < 100; ++i) {
        LiveNext next = live.next(1h);
        if (!std::holds_alternative<std::monostate>(next)) {
            return next;
        }
    }
    FAIL("nothing is told");
    return {};
}

Errc code_of(const LiveNext& next) {
    REQUIRE(std::holds_alternative<Error>(next));
    return std::get<Error>(next).code;
}

}  // namespace

TEST_CASE("remote live: what is not answered is asked again after pauses, then it ends", "[cqrs]") {
    Script::Notes notes;
    notes.answers = {snapshot_at(1, 3), Error(Errc::outcome_unknown, "1"),
                     Error(Errc::unreachable, "2"), LiveAnswer{1, {}},
                     Error(Errc::timed_out, "for good")};
    {
        RemoteLive live = remote(notes);
        CHECK(std::holds_alternative<LiveSnapshot<std::string>>(next_of(live)));
        CHECK(code_of(next_of(live)) == Errc::timed_out);
        CHECK(notes.closed.empty());
    }
    CHECK(notes.closed == std::vector<std::string>{"first"});
    CHECK(notes.opens.empty());
    REQUIRE(notes.polls.size() == 4 + limits::kLiveAttemptsMax);
    CHECK(notes.polls[0] == 0);
    CHECK(std::vector<std::uint64_t>(notes.polls.begin() + 1, notes.polls.end()) ==
          std::vector<std::uint64_t>(notes.polls.size() - 1, 1));
    // Before the answer in between, and after it.
    REQUIRE(notes.pauses.size() == 2 + limits::kLiveAttemptsMax - 1);
    CHECK(std::vector<std::chrono::milliseconds>(notes.pauses.begin(), notes.pauses.begin() + 5) ==
          std::vector<std::chrono::milliseconds>{50ms, 100ms, 50ms, 100ms, 200ms});
    CHECK(notes.pauses.back() == limits::kLivePauseMax);
}

TEST_CASE("remote live: parts are told when they are whole", "[cqrs]") {
    LiveAnswer begun = snapshot_at(1, 3);
    begun.parts[0].more = true;
    begun.parts[0].rows.push_back({LiveOp::put, "k1", "r1"});
    LiveAnswer whole = snapshot_at(2, 3);
    whole.parts[0].rows.push_back({LiveOp::put, "k2", "r2"});
    LivePart deltas = whole.parts[0];
    deltas.kind = LiveKind::deltas;
    deltas.rows[0].op = LiveOp::removed;
    deltas.position = to_token(at_offset(4));
    whole.parts.push_back(deltas);
    Script::Notes notes;
    notes.answers = {begun, whole};
    RemoteLive live = remote(notes);
    CHECK(std::holds_alternative<std::monostate>(live.next(1h)));
    CHECK(live.held() == 4);
    const auto snapshot = std::get<LiveSnapshot<std::string>>(next_of(live));
    REQUIRE(snapshot.rows.size() == 2);
    CHECK(live.held() == 4);  // the deltas'
    CHECK(snapshot.rows[0].key == "k1");
    CHECK(snapshot.rows[1].row == "r2");
    CHECK(snapshot.version == 1);
    CHECK(offset_of(snapshot.position) == 3);
    const auto after = std::get<LiveDeltas<std::string>>(next_of(live));
    REQUIRE(after.deltas.size() == 1);
    CHECK(after.deltas[0].op == LiveOp::removed);
    CHECK(after.deltas[0].key == "k2");
    CHECK(offset_of(after.position) == 4);
    CHECK(live.held() == 0);
    CHECK(notes.polls == std::vector<std::uint64_t>{0, 1});
}

TEST_CASE("remote live: what no time heals ends it at once", "[cqrs]") {
    Script::Notes notes;
    SECTION("an error") {
        notes.answers = {Error(Errc::forbidden, "no right")};
        RemoteLive live = remote(notes);
        CHECK(code_of(next_of(live)) == Errc::forbidden);
        CHECK(notes.polls.size() == 1);
    }
    SECTION("another answer than the next") {
        notes.answers = {snapshot_at(2, 3)};
        RemoteLive live = remote(notes);
        CHECK(code_of(next_of(live)) == Errc::malformed);
    }
    SECTION("rows without end") {
        LiveAnswer answer = snapshot_at(1, 3);
        answer.parts[0].more = true;
        answer.parts[0].rows.resize(limits::kLiveRowsMax + 1);
        notes.answers = {answer};
        RemoteLive live = remote(notes);
        CHECK(code_of(next_of(live)) == Errc::malformed);
        CHECK(notes.polls.size() == 1);
    }
    SECTION("a position that is none") {
        LiveAnswer answer = snapshot_at(1, 3);
        answer.parts[0].position = "x";
        notes.answers = {answer};
        RemoteLive live = remote(notes);
        CHECK(code_of(next_of(live)) == Errc::invalid_position);
    }
}

TEST_CASE("remote live: lost, it is told so, and begun anew not older than before", "[cqrs]") {
    const Error gone(Errc::not_ready, "nobody serves");
    Script::Notes notes;
    notes.answers = {snapshot_at(1, 7), gone, snapshot_at(1, 7), gone, snapshot_at(1, 2), gone};
    notes.opened = {gone, LiveOpened{"second"}, Error(Errc::store_failed, "no projector runs"),
                    LiveOpened{"third"}, gone};
    RemoteLive live = remote(notes);
    CHECK(std::holds_alternative<LiveSnapshot<std::string>>(next_of(live)));
    CHECK(std::get<Resync>(next_of(live)) == Resync::connection_lost);
    CHECK(std::holds_alternative<LiveSnapshot<std::string>>(next_of(live)));
    REQUIRE(notes.opens.size() == 2);
    CHECK(notes.opens[1].query.at_least == to_token(at_offset(7)));
    CHECK(notes.opens[1].query.wait_ms == 5000);
    CHECK(notes.polls == std::vector<std::uint64_t>{0, 1, 0});
    CHECK(std::get<Resync>(next_of(live)) == Resync::connection_lost);
    // Where the rows do not get there, as they are.
    CHECK(std::holds_alternative<LiveSnapshot<std::string>>(next_of(live)));
    REQUIRE(notes.opens.size() == 4);
    CHECK(notes.opens[2].query.at_least == to_token(at_offset(7)));
    CHECK(notes.opens[3].query.at_least.empty());
    CHECK(std::get<Resync>(next_of(live)) == Resync::connection_lost);
    CHECK(code_of(next_of(live)) == Errc::not_ready);
    CHECK(notes.opens.size() == 4 + limits::kLiveAttemptsMax - 1);
}

TEST_CASE("remote live: a loss before the snapshot is no resync", "[cqrs]") {
    LiveAnswer part = snapshot_at(1, 3);
    part.parts[0].more = true;
    part.parts[0].rows.push_back({LiveOp::put, "{}", "{}"});
    Script::Notes notes;
    notes.answers = {part, Error(Errc::not_ready, "gone"), snapshot_at(1, 4)};
    notes.opened = {LiveOpened{"second"}};
    RemoteLive live = remote(notes);
    const LiveNext next = next_of(live);
    REQUIRE(std::holds_alternative<LiveSnapshot<std::string>>(next));
    CHECK(std::get<LiveSnapshot<std::string>>(next).rows.empty());
}

TEST_CASE("remote live: who polls too seldom has fallen behind", "[cqrs]") {
    Script::Notes notes;
    notes.answers = {snapshot_at(1, 7), LiveAnswer{1, {}}, Error(Errc::not_ready, "nobody serves")};
    RemoteLive live = remote(notes);
    CHECK(std::holds_alternative<LiveSnapshot<std::string>>(next_of(live)));
    notes.now += limits::kLiveUnpolledMax;
    CHECK(std::holds_alternative<std::monostate>(live.next(0ms)));  // it is there still
    const auto passed = GENERATE(0ms, 1ms);
    notes.now += limits::kLiveUnpolledMax - 1ms + passed;
    CHECK(std::get<Resync>(next_of(live)) ==
          (passed == 0ms ? Resync::connection_lost : Resync::fell_behind));
}

namespace {

// A node and programs at it.
class Town {
  public:
    Town() { start(); }
    void start() {
        NodeOptions options;
        options.data_dir = directory_.path("data");
        options.map_bytes = std::size_t{1} << 28;
        options.listen = {"ipc://" + directory_.path("node")};
        auto started = Node::start(options);
        REQUIRE(started);
        node = std::move(*started);
    }
    std::unique_ptr<Services> connect() const {
        ClientOptions options;
        options.servers = node->endpoints();
        auto services = connect_services(options);
        REQUIRE(services);
        return std::move(*services);
    }
    std::unique_ptr<Node> node;

  private:
    TempDirectory directory_;
};

// One that serves a model of its own.
struct Program {
    Program(const Town& town, ReadModel& model)
        : store(make_memory_store()), hosted(*store), services(town.connect()) {
        REQUIRE(hosted.add(model, {}));
        auto begun = serve_models(*services, hosted);
        REQUIRE(begun);
        served = std::move(*begun);
    }
    std::unique_ptr<EventStore> store;
    HostedModels hosted;
    std::unique_ptr<Services> services;
    std::unique_ptr<ServedModels> served;
};

}  // namespace

TEST_CASE("remote live: when one program goes, another goes on", "[cqrs]") {
    Town town;
    Shelf first;
    Shelf second;
    first.put_now({1, 1, "first", {}});
    second.put_now({1, 1, "second", {}});
    auto one = std::make_unique<Program>(town, first.model());
    const auto services = town.connect();
    RemoteModels models(*services);
    Follower follower;
    const auto live = models.live("items", {}, follower);
    REQUIRE(live);
    REQUIRE(follower.wait_for_rows(first.rows({})));
    const Program other(town, second.model());
    one.reset();
    REQUIRE(follower.wait_for_resyncs(1));
    REQUIRE(follower.wait_for_rows(second.rows({})));
    second.put_now({2, 2, "more", {}});
    REQUIRE(follower.wait_for_rows(second.rows({})));
    CHECK(follower.resyncs() == std::vector<Resync>{Resync::connection_lost});
    CHECK(follower.faults().empty());
    CHECK_FALSE(follower.ended());
}

TEST_CASE("remote live: a node that is started again loses nothing", "[cqrs]") {
    Town town;
    Shelf shelf;
    shelf.put_now({1, 1, "", {}});
    const Program program(town, shelf.model());
    const auto services = town.connect();
    RemoteModels models(*services, 1s);
    Follower follower;
    const auto live = models.live("items", {}, follower);
    REQUIRE(live);
    REQUIRE(follower.wait_for_rows(shelf.rows({})));
    town.node.reset();
    shelf.put_now({2, 2, "", {}});
    town.start();
    REQUIRE(follower.wait_for_rows(shelf.rows({})));
    shelf.put_now({3, 3, "", {}});
    REQUIRE(follower.wait_for_rows(shelf.rows({})));
    CHECK(follower.faults().empty());
    CHECK_FALSE(follower.ended());
}

TEST_CASE("remote live: close() waits for no answer", "[cqrs]") {
    Town town;
    const auto host = town.connect();
    const auto services = town.connect();
    std::promise<void> asked;
    std::promise<void> release;
    std::atomic<bool> first = true;
    const auto serving =
        host->serve("model/items#1", [&](const ServiceRequest&) -> Result<std::string> {
            if (first.exchange(false)) {
                asked.set_value();
                release.get_future().wait();
            }
            return Error(Errc::busy, "late");
        });
    REQUIRE(serving);
    Follower follower;
    const auto live =
        start_live(std::make_unique<RemoteLive>(live_link(*services, "items", 9min), OpenLive{},
                                                LiveOpened{"model/items#1"}),
                   follower);
    asked.get_future().wait();
    live->close();
    release.set_value();
    CHECK_FALSE(follower.ended());
}

}  // namespace skald::cqrs
