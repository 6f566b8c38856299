// Live queries of other programs at their places: how long, and how many.
#include "cqrs/live_sessions.h"

#include <future>
#include <map>
#include <shared_mutex>
#include <thread>

#include "cqrs/limits.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/remote_bus.h"
#include "skald/cqrs/remote_models.h"
#include "skald/testing.h"
#include "tests/cqrs/shelf.h"

namespace skald::cqrs {
namespace {

using namespace std::chrono_literals;

// Where services are served without a node. As everywhere, one that ends waits for what it answers.
class Hall final : public ServiceHost {
  public:
    Result<std::unique_ptr<Serving>> serve(std::string_view name, ServiceHandler handler,
                                           const ServeOptions&) override {
        const std::scoped_lock lock(mutex_);
        if (full) {
            return Error(Errc::busy, "the hall is full");
        }
        auto desk = std::make_shared<Desk>();
        desk->handler = std::move(handler);
        desks_[std::string(name)] = desk;
        return std::unique_ptr<Serving>(std::make_unique<Stand>(*this, std::string(name), desk));
    }
    template <typename M>
    Result<typename M::Reply> ask(const std::string& name, const M& message) {
        const std::shared_ptr<Desk> desk = find(name);
        if (!desk) {
            return Error(Errc::not_ready, "nobody serves");
        }
        const std::shared_lock answering(desk->answering);
        if (!desk->handler) {
            return Error(Errc::not_ready, "nobody serves any more");
        }
        const std::string request = request_of(message).value();
        auto reply = desk->handler({request, 10s});
        return reply ? reply_of<M>(*reply) : reply.error();
    }
    std::size_t served() {
        const std::scoped_lock lock(mutex_);
        return desks_.size();
    }
    bool full = false;

  private:
    struct Desk {
        std::shared_mutex answering;
        ServiceHandler handler;  // none: it has ended
    };
    struct Stand final : Serving {
        Stand(Hall& in, std::string as, std::shared_ptr<Desk> at)
            : hall(in), name(std::move(as)), desk(std::move(at)) {}
        ~Stand() override {
            {
                const std::scoped_lock lock(hall.mutex_);
                hall.desks_.erase(name);
            }
            const std::unique_lock ending(desk->answering);
            desk->handler = nullptr;
        }
        Hall& hall;
        const std::string name;
        const std::shared_ptr<Desk> desk;
    };
    std::shared_ptr<Desk> find(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        const auto found = desks_.find(name);
        return found == desks_.end() ? nullptr : found->second;
    }

    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Desk>> desks_;
};

// A shelf whose live queries are served there.
struct Open {
    explicit Open(std::size_t bytes_max = limits::kRemoteLiveBytesMax)
        : hosted(nowhere), sessions(hall, hosted, clock, bytes_max) {
        shelf.put_now({1, 1, "", {}});
        REQUIRE(hosted.add(shelf.model(), {}));
    }
    Result<std::string> open() {
        auto opened = sessions.open("items", {});
        return opened ? Result<std::string>(opened->service) : opened.error();
    }
    std::string opened() {
        auto service = open();
        INFO((service ? "" : service.error().message));
        REQUIRE(service);
        return *service;
    }
    std::optional<Errc> poll(const std::string& service, std::uint64_t received,
                             std::uint64_t wait_ms = 0) {
        auto answer = hall.ask(service, PollLive{received, wait_ms});
        return answer ? std::nullopt : std::optional(answer.error().code);
    }

    ManualClock clock;
    std::unique_ptr<EventStore> memory = make_memory_store();
    EventStore& nowhere = *memory;
    Shelf shelf;
    HostedModels hosted;
    Hall hall;
    LiveSessions sessions;
};

}  // namespace

TEST_CASE("live sessions: one that nobody polls ends", "[cqrs]") {
    Open o;
    const std::string polled = o.opened();
    const std::string left = o.opened();
    CHECK(polled.starts_with("model/items#"));
    CHECK(polled != left);
    CHECK_FALSE(o.poll(polled, 0));
    CHECK_FALSE(o.poll(left, 0));
    o.clock.advance(limits::kLiveUnpolledMax - 1ms);
    o.sessions.look();
    CHECK_FALSE(o.poll(polled, 1));
    o.clock.advance(1ms);
    o.sessions.look();
    CHECK(o.poll(left, 1) == Errc::not_ready);
    CHECK_FALSE(o.poll(polled, 1));
    o.clock.advance(limits::kLiveUnpolledMax);
    o.sessions.look();
    CHECK(o.poll(polled, 1) == Errc::not_ready);
}

TEST_CASE("live sessions: one whose poll waits does not end", "[cqrs]") {
    Open o;
    std::optional<Result<LiveAnswer>> answer;
    while (!answer || !*answer) {  // it was put away before the poll came
        const std::string service = o.opened();
        CHECK_FALSE(o.poll(service, 0));
        auto polling = std::async(std::launch::async, [&] {
            return o.hall.ask(service, PollLive{1, 60'000});
        });
        (void)polling.wait_for(20ms);
        o.clock.advance(limits::kLiveUnpolledMax);
        o.sessions.look();
        o.shelf.put_now({1, 1000 + static_cast<std::int64_t>(o.shelf.offset()), "", {}});
        answer = polling.get();
    }
    CHECK((*answer)->parts.size() == 1);
}

TEST_CASE("live sessions: closed, one is put away at once", "[cqrs]") {
    Open o;
    const std::string service = o.opened();
    CHECK(o.hall.ask(service, CloseLive{}));
    while (o.hall.served() != 0) {  // without a look, and though the clock stands still
        std::this_thread::yield();
    }
    CHECK(o.poll(service, 0) == Errc::not_ready);
}

TEST_CASE("live sessions: as many as there may be of a model", "[cqrs]") {
    Open o;
    std::vector<std::string> all;
    for (std::size_t i = 0; i < limits::kRemoteLiveModelMax; ++i) {
        all.push_back(o.opened());
    }
    const auto refused = o.open();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::busy);
    CHECK(refused.error().message == "items has 64 live queries of other programs; close one");
    CHECK(o.hall.ask(all.back(), CloseLive{}));
    // What fails takes no place.
    o.hall.full = true;
    auto failed = o.open();
    while (failed.error().message != "the hall is full") {  // until that one has gone
        failed = o.open();
    }
    o.hall.full = false;
    OpenLive none;
    none.query.order = "nothing";
    CHECK(o.sessions.open("items", none).error().code == Errc::invalid_argument);
    none = {};
    none.query.after = "00";
    CHECK(o.sessions.open("items", none).error().code == Errc::invalid_argument);
    CHECK(o.sessions.open("itms", {}).error().code == Errc::not_found);
    o.opened();
    CHECK(o.open().error().code == Errc::busy);
}

TEST_CASE("live sessions: a model that is named like a place is not served", "[cqrs]") {
    Hall hall;
    auto store = make_memory_store();
    Shelf shelf("items#1");
    HostedModels hosted(*store);
    REQUIRE(hosted.add(shelf.model(), {}));
    const auto served = serve_models(hall, hosted);
    REQUIRE_FALSE(served);
    CHECK(served.error().code == Errc::invalid_argument);
    CHECK(hall.served() == 0);
}

TEST_CASE("live sessions: as many as there may be of a program", "[cqrs]") {
    static_assert(limits::kRemoteLiveMax == 2 * limits::kRemoteLiveModelMax);
    Open o;
    Shelf second("others");
    Shelf third("thirds");
    for (Shelf* shelf : {&second, &third}) {
        shelf->commit();
        REQUIRE(o.hosted.add(shelf->model(), {}));
    }
    for (std::size_t i = 0; i < limits::kRemoteLiveModelMax; ++i) {
        o.opened();
        REQUIRE(o.sessions.open("others", {}));
    }
    const auto refused = o.sessions.open("thirds", {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::busy);
    CHECK_THAT(refused.error().message, Catch::Contains("has 128 live queries"));
}

TEST_CASE("live sessions: while all hold too much, the one that holds most ends", "[cqrs]") {
    Open o(2000);
    const std::string taken = o.opened();
    const std::string left = o.opened();
    CHECK_FALSE(o.poll(taken, 0));
    CHECK_FALSE(o.poll(left, 0));
    std::uint64_t received = 1;
    for (std::uint64_t id = 2; id < 32; ++id) {
        o.shelf.put_now({id, 1, std::string(200, 'x'), {}});
        const auto answer = o.hall.ask(taken, PollLive{received, 0});
        REQUIRE(answer);
        REQUIRE(answer->parts.size() == 1);
        CHECK(answer->parts[0].kind == LiveKind::deltas);
        received = answer->number;
        o.sessions.look();
    }
    for (received = 1; received < 3; ++received) {
        const auto end = o.hall.ask(left, PollLive{received, 0});
        REQUIRE(end);
        REQUIRE(end->parts.size() == 1);
        CHECK(end->parts[0].kind == LiveKind::ended);
        CHECK(end->parts[0].error == static_cast<std::uint32_t>(Errc::busy));
        CHECK_THAT(end->parts[0].message, Catch::Contains("this one of items most of them"));
    }
}

TEST_CASE("live sessions: snapshots that nobody takes count from the beginning", "[cqrs]") {
    Open o(400);
    o.shelf.put_now({1, 1, std::string(200, 'x'), {}});
    std::size_t snapshots = 0;
    std::size_t ends = 0;
    for (const std::string& service : {o.opened(), o.opened()}) {
        const auto answer = o.hall.ask(service, PollLive{0, 0});
        REQUIRE(answer);
        REQUIRE(answer->parts.size() == 1);
        snapshots += answer->parts[0].kind == LiveKind::snapshot ? 1 : 0;
        ends += answer->parts[0].kind == LiveKind::ended ? 1 : 0;
    }
    CHECK(snapshots == 1);
    CHECK(ends == 1);
}

}  // namespace skald::cqrs
