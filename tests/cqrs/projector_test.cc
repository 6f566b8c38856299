#include "skald/cqrs/projector.h"

#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "cqrs/limits.h"
#include "tests/cqrs/balances.h"
#include "tests/forwarding_store.h"

namespace skald::cqrs {
namespace {

using Call = FaultyEventStore::Call;

}  // namespace

TEST_CASE("projector: rows are what the events say, before and after a restart", "[cqrs]") {
    Ledgers ledgers(GENERATE(every_store()));
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 500);
    {
        auto projector = ledgers.start();
        REQUIRE(ledgers.up_to_date(*projector));
        CHECK(ledgers.balance("a-1") == Balance{"a-1", "ann", 500, 1, {}});
        ledgers.withdraw("a-1", 200);
        ledgers.world.append("a-1", "Audited", "{}");  // not handled: passed by
        REQUIRE(ledgers.up_to_date(*projector));
        CHECK(ledgers.balance("a-1") == Balance{"a-1", "ann", 300, 2, {}});
        CHECK_FALSE(ledgers.balance("a-2"));
    }
    ledgers.open_model();
    ledgers.deposit("a-1", 1);
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == Balance{"a-1", "ann", 301, 3, {}});
    CHECK(ledgers.status().events == 4);
}

TEST_CASE("projector: status tells state, position, lag and what went wrong", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    auto status = projector->status();
    REQUIRE(status);
    CHECK(status->version.state == ModelState::running);
    CHECK(status->version.complete);
    CHECK(status->leads);
    CHECK(status->lag == 0);
    CHECK(compare(status->version.position, ledgers.end()) == Order::equal);
    CHECK_FALSE(status->version.error);
    ledgers.world.append("a-1", "Deposited", "{}");
    ledgers.deposit("a-1", 1);
    CHECK(projector->wait_for(ledgers.end(), 60s).state == Freshness::State::stopped);
    status = projector->status();
    CHECK(status->version.state == ModelState::stopped);
    CHECK(status->lag == 2);
    REQUIRE(status->version.error);
    CHECK_THAT(status->version.error->message,
               Catch::Contains("partition 0 offset 1: stream a-1 version 1: event Deposited") &&
                   Catch::Contains("cents"));
}

TEST_CASE("projector: a checkpoint of another log is not trusted", "[cqrs]") {
    Ledgers ledgers;
    {
        Ledgers other;
        other.open("b-1", "bob");
        other.deposit("b-1", 5);
        auto projector = other.start();
        REQUIRE(other.up_to_date(*projector));
        projector.reset();
        other.model.reset();
        ledgers.model.reset();
        std::filesystem::remove_all(ledgers.directory.path("model"));
        std::filesystem::copy(other.directory.path("model"), ledgers.directory.path("model"));
    }
    ledgers.open_model();
    ledgers.open("a-1", "ann");
    CHECK(ledgers.balance("b-1"));
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1"));
    CHECK_FALSE(ledgers.balance("b-1"));
    REQUIRE(ledgers.status().error);
    CHECK(ledgers.status().error->code == Errc::wrong_lineage);
}

TEST_CASE("projector: a checkpoint ahead of the log is not trusted", "[cqrs]") {
    // What a log is that lost its tail: the same log, less of it. The store says log_truncated.
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto first = ledgers.start();
    REQUIRE(ledgers.up_to_date(*first));
    first.reset();
    ledgers.world.store().fail_before(Call::subscribe, 1, Error(Errc::log_truncated, "told to"));
    auto second = ledgers.start();
    REQUIRE(ledgers.up_to_date(*second));
    CHECK(ledgers.status().error->code == Errc::log_truncated);
    CHECK(ledgers.status().events == 1);
    CHECK(ledgers.world.store().calls(Call::subscribe) == 3);
}

TEST_CASE("projector: what may pass is tried again, what may not stops it", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ProjectorOptions options;
    options.retry_min = 0ms;
    options.retry_max = 0ms;
    SECTION("a connection that is lost") {
        ledgers.world.store().fail_before(Call::subscribe, 1, Error(Errc::connection_lost, "gone"));
        auto projector = ledgers.start(options);
        CHECK(ledgers.up_to_date(*projector));
        CHECK(ledgers.status().state == ModelState::running);
    }
    SECTION("no right to read") {
        ledgers.world.store().fail_before(Call::subscribe, 1, Error(Errc::forbidden, "no"));
        auto projector = ledgers.start(options);
        CHECK(projector->wait_for(ledgers.end(), 60s).error.code == Errc::store_failed);
        CHECK(ledgers.status().error->code == Errc::forbidden);
        projector->resume();
        CHECK_FALSE(ledgers.status().complete);
        CHECK(ledgers.up_to_date(*projector));
        CHECK(ledgers.balance("a-1"));
    }
}

TEST_CASE("projector: rebuild gives the same rows", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    ledgers.deposit("a-1", 5, "rent");
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    const auto before = ledgers.balance("a-1");
    const auto calls = ledgers.world.store().calls(Call::subscribe);
    projector->rebuild();
    while (ledgers.world.store().calls(Call::subscribe) == calls) {
        std::this_thread::yield();
    }
    REQUIRE(ledgers.up_to_date(*projector));
    CHECK(ledgers.balance("a-1") == before);
    CHECK(ledgers.status().events == 2);
    // The unique value is taken by the row it was taken by.
    ledgers.open("a-2", "bob");
    ledgers.deposit("a-2", 1, "rent");
    CHECK(projector->wait_for(ledgers.end(), 60s).state == Freshness::State::stopped);
}

TEST_CASE("projector: of two copies one runs, and the other takes over", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto first = ledgers.start();
    REQUIRE(ledgers.up_to_date(*first));
    auto second = ledgers.start();
    CHECK(first->status()->leads);
    CHECK_FALSE(second->status()->leads);
    CHECK(ledgers.status().state == ModelState::running);
    first.reset();
    ledgers.deposit("a-1", 7);
    REQUIRE(ledgers.up_to_date(*second));
    CHECK(second->status()->leads);
    CHECK(ledgers.balance("a-1")->cents == 7);
}

namespace {

// Gives the lease to whoever asks, as one does whose holder has not been heard of.
class GivenAway final : public Lease {
  public:
    Result<std::uint64_t> acquire(const std::string&, std::chrono::milliseconds) override {
        return ++term_;
    }
    void release(const std::string&, std::uint64_t) override {}

  private:
    std::atomic<std::uint64_t> term_ = 0;
};

// Never given to a copy that lost it.
class LostOnce final : public Lease {
  public:
    Result<std::uint64_t> acquire(const std::string&, std::chrono::milliseconds) override {
        return ++asked_ == 1 ? Result<std::uint64_t>(1) : Error(Errc::busy, "another has it");
    }
    void release(const std::string&, std::uint64_t) override {}

  private:
    std::atomic<int> asked_ = 0;
};

}  // namespace

TEST_CASE("projector: a paused copy is fenced by the one that took over", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    LostOnce paused;
    GivenAway taken;
    (void)taken.acquire("", 0ms);  // term 1 is the paused copy's
    std::promise<void> wake;
    auto woken = wake.get_future().share();
    std::atomic<bool> in_handler = false;
    Projection<Balance> slow("balances", 1, balance_rows());
    slow.on<Opened>([&](Rows<Balance>& rows, const Opened&, const EventView& at) {
        in_handler = true;
        in_handler.notify_all();
        woken.wait();
        rows.put({std::string(at.stream), "the paused copy", 0, 0, {}});
    });
    ProjectorOptions options;
    options.lease = &paused;
    auto first = ledgers.start(slow.build(), options);
    in_handler.wait(false);
    options.lease = &taken;
    auto second = ledgers.start(balances().build(), options);
    REQUIRE(ledgers.up_to_date(*second));
    CHECK(ledgers.balance("a-1")->owner == "ann");
    wake.set_value();
    ledgers.deposit("a-1", 7);
    REQUIRE(ledgers.up_to_date(*second));
    while (first->status()->leads) {
        std::this_thread::yield();
    }
    CHECK(ledgers.balance("a-1") == Balance{"a-1", "ann", 7, 1, {}});
}

TEST_CASE("projector: a copy is fenced from when another begins, not from its first commit",
          "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    LostOnce lost;
    GivenAway taken;
    (void)taken.acquire("", 0ms);
    ProjectorOptions options;
    options.lease = &lost;
    auto first = ledgers.start(options);
    REQUIRE(ledgers.up_to_date(*first));
    std::promise<void> go;
    auto projection = balances().build();
    projection.apply = [gone = go.get_future().share(), inner = projection.apply](
                           RowChanges& rows, const EventView& event) {
        gone.wait();
        return inner(rows, event);
    };
    options.lease = &taken;
    auto second = ledgers.start(projection, options);
    while (ledgers.world.store().calls(Call::subscribe) < 2) {
        std::this_thread::yield();
    }
    ledgers.deposit("a-1", 7);  // to both; the second has not committed yet
    while (first->status()->leads && ledgers.balance("a-1")->cents == 0) {
        std::this_thread::yield();
    }
    go.set_value();
    ledgers.deposit("a-1", 1);
    while (first->status()->leads) {
        std::this_thread::yield();
    }
    REQUIRE(ledgers.up_to_date(*second));
    CHECK(ledgers.balance("a-1") == Balance{"a-1", "ann", 8, 2, {}});
    CHECK(ledgers.status().events == 3);
}

TEST_CASE("projector: effects come once, after the commit, and not for history", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("old", "ann");
    std::vector<std::string> done;
    auto projection = balances();
    Projection<Balance> with_effects("balances", 1, balance_rows());
    with_effects.on<Opened>([&](Rows<Balance>& rows, const Opened& opened, const EventView& at) {
        const std::string stream(at.stream);
        rows.put({stream, opened.owner, 0, 0, {}});
        rows.effect([&done, &ledgers, stream] {
            done.push_back(stream + (ledgers.balance(stream) ? " seen" : " not there"));
        });
    });
    auto projector = ledgers.start(with_effects.build());
    REQUIRE(ledgers.up_to_date(*projector));
    ledgers.open("new", "bob");
    REQUIRE(ledgers.up_to_date(*projector));
    projector->rebuild();
    ledgers.open("newer", "eve");
    while (!projector->wait_for(ledgers.end(), 60s).reached() || ledgers.status().events != 3) {
    }
    projector.reset();
    CHECK(done == std::vector<std::string>{"new seen", "newer seen"});
}

TEST_CASE("projector: a model of another name or other rows is refused", "[cqrs]") {
    Ledgers ledgers;
    ledgers.start().reset();
    const auto refused = [&](const AnyProjection& projection) {
        auto started = Projector::start(ledgers.world.store(), *ledgers.model, projection);
        REQUIRE_FALSE(started);
        CHECK(started.error().code == Errc::invalid_argument);
        return started.error().message;
    };
    Projection<Balance> other("others", 1, balance_rows());
    CHECK_THAT(refused(other.build()),
               Catch::Contains("holds the read model balances, not others"));
    Projection<Balance> changed("balances", 1, rows<Balance>().key(&Balance::account));
    CHECK_THAT(refused(changed.build()), Catch::Contains("give the new ones a higher version"));
    auto unnamed = balances().build();
    unnamed.name.clear();
    CHECK_THAT(refused(unnamed), Catch::Contains("1 to 255 bytes"));
}

TEST_CASE("projector: with lanes, over every store", "[cqrs]") {
    const auto kind = GENERATE(every_store());
    Ledgers ledgers(kind);
    for (int i = 0; i < 150; ++i) {
        const std::string id = "a-" + std::to_string(i);
        ledgers.open(id, "owner");
        ledgers.deposit(id, i);
    }
    std::mutex mutex;
    std::set<std::thread::id> threads;
    auto projection = balances().lanes(4).build();
    projection.apply = [&, inner = projection.apply](RowChanges& rows, const EventView& event) {
        {
            const std::scoped_lock lock(mutex);
            threads.insert(std::this_thread::get_id());
        }
        return inner(rows, event);
    };
    auto projector = ledgers.start(projection, {Poison::park()});
    REQUIRE(ledgers.up_to_date(*projector));
    // A node may send them in small parts.
    CHECK((threads.size() == 4 || kind == "node"));
    CHECK(ledgers.status().reruns == 0);
    ledgers.withdraw("a-7", 13);
    ledgers.deposit("a-7", 100);
    REQUIRE(ledgers.up_to_date(*projector));
    for (int i = 0; i < 150; ++i) {
        const std::string id = "a-" + std::to_string(i);
        REQUIRE(ledgers.balance(id) == Balance{id, "owner", i, 1, {}});
    }
    CHECK(projector->parked("a-7")->size() == 2);
    CHECK(ledgers.status().events == 302);
}

TEST_CASE("projector: no lanes, and too many, are refused", "[cqrs]") {
    Ledgers ledgers;
    const auto lanes = GENERATE(0U, unsigned{limits::kLanesMax} + 1);
    auto projection = balances();
    auto started =
        Projector::start(ledgers.world.store(), *ledgers.model, projection.lanes(lanes).build());
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::invalid_argument);
    CHECK_THAT(started.error().message, Catch::Contains("1 to 16 lanes"));
}

}  // namespace skald::cqrs
