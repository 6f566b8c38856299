#include "skald/cqrs/live_query.h"

#include <atomic>
#include <future>
#include <thread>

#include "cqrs/limits.h"
#include "cqrs/live_hub.h"
#include "tests/cqrs/balances.h"
#include "tests/cqrs/follower.h"
#include "tests/cqrs/live_reach.h"

namespace skald::cqrs {
namespace {

const std::vector<std::string> kNoFaults;

}  // namespace

TEST_CASE("live query: a snapshot, then rows that come, change and leave", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put({1, 5, "a", {}});
    shelf.put({2, 7, "b", {}});
    shelf.put({3, 6, "c", {}});
    shelf.commit();
    Follower follower;
    RowQuery query;
    query.from = RowQuery::Bound{key_of(std::int64_t{5}), false};
    query.order = "group";
    query.descending = true;
    const auto live = asked.reach.follow(follower, query);
    REQUIRE(follower.wait_for_rows(shelf.rows(query)));
    CHECK(follower.order() == std::vector<std::string>{R"({"id":2})", R"({"id":3})"});
    CHECK(offset_of(follower.states()[0].position) == 1);
    CHECK(follower.states()[0].version == 1);
    // One comes, one changes, one leaves by its value, one is erased, one was never in.
    shelf.put_now({1, 9, "a", {}});
    shelf.put_now({2, 7, "bb", {}});
    shelf.put_now({3, 1, "c", {}});
    shelf.erase(2);
    shelf.commit();
    shelf.put_now({4, 4, "d", {}});
    shelf.put_now({5, 8, "e", {}});
    REQUIRE(follower.wait_for_rows(shelf.rows(query)));
    std::vector<std::uint64_t> offsets;
    for (const Follower::State& state : follower.states()) {
        offsets.push_back(offset_of(state.position));
    }
    CHECK(offsets == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 7});
    CHECK(follower.rows() == std::map<std::string, std::string>{
                                 {R"({"id":1})", R"({"id":1,"group":9,"text":"a","only":null})"},
                                 {R"({"id":5})", R"({"id":5,"group":8,"text":"e","only":null})"}});
    CHECK(follower.faults() == kNoFaults);
    // Nothing of it is open between the calls.
    const auto info = shelf.core().env().info();
    CHECK(info.oldest_reader_txn == info.last_txn);
}

TEST_CASE("live query: begun while commits go on, no change is missed or told twice", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put_now({1, 0, "", {}});
    std::atomic<bool> over = false;
    std::vector<std::string> faults;
    std::thread asker([&] {
        for (int begun = 0; begun < 50; ++begun) {
            Follower follower;
            const auto live = asked.reach.live({}, follower);
            if (!live || !follower.wait([&] { return follower.states_seen() >= 4; })) {
                faults.emplace_back("not followed");
                break;
            }
            (*live)->close();
            const auto states = follower.states();
            for (std::size_t i = 1; i < states.size(); ++i) {
                if (offset_of(states[i].position) != offset_of(states[i - 1].position) + 1) {
                    faults.emplace_back("a commit is missing, or there twice");
                }
            }
            if (!follower.resyncs().empty() || follower.faults() != kNoFaults) {
                faults.emplace_back("resyncs, or calls out of place");
            }
        }
        over = true;
    });
    for (std::int64_t i = 1; !over; ++i) {
        shelf.put_now({1, i, "", {}});
    }
    asker.join();
    CHECK(faults == kNoFaults);
}

TEST_CASE("live query: a slow consumer holds up nobody, and begins anew", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put_now({1, 0, "", {}});
    Slow slow;
    Follower quick;
    const auto first = asked.reach.follow(slow, {}, {3});
    const auto second = asked.reach.follow(quick);
    shelf.put_now({1, 1, "", {}});
    slow.begun.get_future().wait();
    // It is full exactly: nothing is lost yet.
    for (std::int64_t i = 2; i <= 4; ++i) {
        shelf.put_now({1, i, "", {}});
    }
    REQUIRE(quick.wait_for_rows(shelf.rows({})));
    const bool more = GENERATE(false, true);
    if (more) {
        shelf.put_now({2, 9, "", {}});
        REQUIRE(quick.wait_for_rows(shelf.rows({})));
    }
    slow.release.set_value();
    REQUIRE(slow.wait_for_rows(shelf.rows({})));
    CHECK(slow.resyncs() ==
          (more ? std::vector<Resync>{Resync::fell_behind} : std::vector<Resync>{}));
    CHECK(slow.snapshots() == (more ? 2 : 1));
    shelf.put_now({1, 10, "", {}});
    REQUIRE(slow.wait_for_rows(shelf.rows({})));
    CHECK(slow.faults() == kNoFaults);
    CHECK(quick.resyncs().empty());
    CHECK(quick.faults() == kNoFaults);
}

TEST_CASE("live query: a commit that is larger than the buffer", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.commit();
    Follower follower;
    const auto live = asked.reach.follow(follower, {}, {10});
    for (std::uint64_t i = 0; i < 11; ++i) {
        shelf.put({i, 0, "", {}});
    }
    shelf.commit();
    REQUIRE(follower.wait_for_resyncs(1));
    REQUIRE(follower.wait_for_rows(shelf.rows({})));
    CHECK(follower.resyncs() == std::vector<Resync>{Resync::fell_behind});
    CHECK(follower.deltas() == 0);
    CHECK(follower.faults() == kNoFaults);
}

TEST_CASE("live query: what a failed commit would have changed is not told", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put_now({1, 0, "", {}});
    Follower follower;
    const auto live = asked.reach.follow(follower);
    {
        // As a commit does it, up to where the transaction fails.
        LiveHub::Turn turn(*shelf.core().live_hub(), 1);
        REQUIRE(turn.watch() != nullptr);
        turn.watch()->changed(key_of(std::uint64_t{1}).bytes, {},
                              std::string_view("\0\0\0\0{}", 6));
    }
    shelf.put_now({1, 1, "", {}});
    REQUIRE(follower.wait_for_rows(shelf.rows({})));
    CHECK(follower.deltas() == 1);
    CHECK(follower.faults() == kNoFaults);
}

TEST_CASE("live query: promote and roll back begin anew with the other version", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put_now({1, 1, "one", {}});
    shelf.add_version(2);
    Follower follower;
    Follower stays;
    const auto live = asked.reach.follow(follower);
    RowQuery first;
    first.version = 1;
    const auto fixed = asked.reach.follow(stays, first);
    shelf.put({1, 1, "two", {}}, 2);
    shelf.commit(2);
    REQUIRE(follower.wait_for_rows(shelf.rows({}, 1)));
    REQUIRE(shelf.model().promote(2, 60s));
    REQUIRE(follower.wait_for_resyncs(1));
    REQUIRE(follower.wait_for_rows(shelf.rows({}, 2)));
    CHECK(follower.states().back().version == 2);
    // Of the version before nothing comes any more.
    shelf.put_now({1, 1, "late", {}});
    shelf.put({1, 2, "two", {}}, 2);
    shelf.commit(2);
    REQUIRE(follower.wait_for_rows(shelf.rows({}, 2)));
    CHECK(follower.deltas() == 1);
    REQUIRE(shelf.model().roll_back());
    REQUIRE(follower.wait_for_resyncs(2));
    REQUIRE(follower.wait_for_rows(shelf.rows({}, 1)));
    CHECK(follower.resyncs() == std::vector<Resync>(2, Resync::other_version));
    CHECK(stays.resyncs().empty());
    REQUIRE(stays.wait_for_rows(shelf.rows({}, 1)));
    // A version that is retired ends those who stay with it.
    REQUIRE(shelf.model().promote(2, 60s));
    shelf.forget(1);
    REQUIRE(shelf.model().retire(1));
    REQUIRE(stays.wait_for_end());
    CHECK(stays.ended()->code == Errc::not_found);
    CHECK_FALSE(follower.ended());
    CHECK(follower.faults() == kNoFaults);
    CHECK(stays.faults() == kNoFaults);
}

TEST_CASE("live query: a rebuild is told, and the snapshot waits until it is complete", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put_now({1, 1, "", {}});
    Follower follower;
    const auto live = asked.reach.follow(follower);
    shelf.empty();
    REQUIRE(follower.wait([&] { return follower.resyncs_seen() == 1; }));
    shelf.put({2, 2, "", {}});
    shelf.commit(1, false);
    Follower second;
    CHECK(asked.reach.live({}, second).error().code == Errc::not_ready);
    CHECK(follower.snapshots() == 1);
    shelf.put({3, 3, "", {}});
    shelf.commit(1, true);
    REQUIRE(follower.wait_for_rows(shelf.rows({})));
    CHECK(follower.snapshots() == 2);
    CHECK(follower.resyncs() == std::vector<Resync>{Resync::rebuilding});
    CHECK(follower.deltas() == 0);
    CHECK(follower.faults() == kNoFaults);
}

TEST_CASE("live query: a handler that throws ends its own query, with the reason", "[cqrs]") {
    struct Throwing final : Follower {
        void on_deltas(const LiveDeltas<std::string>&) override {
            throw std::runtime_error("the board is full");
        }
    };
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.commit();
    Throwing throwing;
    Follower other;
    const auto first = asked.reach.follow(throwing);
    const auto second = asked.reach.follow(other);
    shelf.put_now({1, 1, "", {}});
    const auto reason = throwing.wait_for_end();
    REQUIRE(reason);
    CHECK(reason->code == Errc::handler_failed);
    CHECK_THAT(reason->message, Catch::Contains("the board is full"));
    shelf.put_now({2, 2, "", {}});
    REQUIRE(other.wait_for_rows(shelf.rows({})));
    CHECK(throwing.faults() == kNoFaults);
    CHECK_FALSE(other.ended());
}

TEST_CASE("live query: closed by its owner, by its handler, by the end of the model", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    shelf.put_now({1, 0, "", {}});
    SECTION("after close() nothing is called, though a call was under way") {
        Slow slow;
        auto live = asked.reach.follow(slow);
        shelf.put_now({1, 1, "", {}});
        shelf.put_now({1, 2, "", {}});
        slow.begun.get_future().wait();
        std::thread closer([&] { live->close(); });
        slow.release.set_value();
        closer.join();
        const std::size_t states = slow.states().size();
        shelf.put_now({1, 3, "", {}});
        live.reset();
        CHECK(slow.states().size() == states);
        CHECK_FALSE(slow.ended());
    }
    SECTION("from inside") {
        struct Once final : Follower {
            void on_deltas(const LiveDeltas<std::string>& deltas) override {
                Follower::on_deltas(deltas);
                live->close();
                closed.set_value();
            }
            LiveQuery* live = nullptr;
            std::promise<void> closed;
        } once;
        auto live = asked.reach.follow(once);
        once.live = live.get();
        shelf.put_now({1, 1, "", {}});
        once.closed.get_future().wait();
        shelf.put_now({1, 2, "", {}});
        live.reset();
        CHECK(once.deltas() == 1);
        CHECK_FALSE(once.ended());
    }
    SECTION("the model goes first") {
        Follower follower;
        const auto live = asked.reach.follow(follower);
        shelf.close();
        const auto reason = follower.wait_for_end();
        REQUIRE(reason);
        CHECK(reason->code == Errc::shutting_down);
        CHECK(follower.faults() == kNoFaults);
    }
}

TEST_CASE("live query: what is refused", "[cqrs]") {
    Asked asked(GENERATE(every_good_reach()));
    Shelf& shelf = asked.shelf;
    Follower follower;
    const auto refusal = [&](const RowQuery& query, Errc code, const LiveOptions& options = {}) {
        auto live = asked.reach.live(query, follower, options);
        REQUIRE_FALSE(live);
        CHECK(live.error().code == code);
        return live.error().message;
    };
    refusal({}, Errc::not_ready);
    shelf.put_now({1, 0, "", {}});
    CHECK_THAT(refusal({.where = {{"grup", "1"}}}, Errc::invalid_argument),
               Catch::Contains("there are id, group, text, only"));
    CHECK_THAT(refusal({.where = {{"text", "x"}}}, Errc::invalid_argument),
               Catch::Contains("no index for text"));
    CHECK_THAT(refusal({.where = {{"group", "x"}}}, Errc::invalid_argument),
               Catch::Contains("expected an integer, found x"));
    refusal({.after = "00"}, Errc::invalid_argument);
    refusal({.version = 7}, Errc::not_found);
    refusal({.at_least = at_offset(9)}, Errc::store_failed);
    refusal({}, Errc::invalid_argument, {0});
    refusal({}, Errc::invalid_argument, {limits::kLiveChangesMax + 1});
    for (std::uint64_t i = 0; i < limits::kLiveRowsMax; ++i) {
        shelf.put({i, 0, "", {}});
    }
    shelf.commit();
    asked.reach.follow(follower);
    shelf.put_now({limits::kLiveRowsMax, 0, "", {}});
    CHECK_THAT(refusal({}, Errc::request_too_large), Catch::Contains("100000 rows and 64 MiB"));
    const RowQuery one{.where = {{"id", "1"}}};
    std::vector<std::unique_ptr<Follower>> followers;
    std::vector<std::unique_ptr<LiveQuery>> all;
    for (std::size_t i = 0; i < asked.reach.most(); ++i) {
        followers.push_back(std::make_unique<Follower>());
        all.push_back(asked.reach.follow(*followers.back(), one));
    }
    CHECK_THAT(refusal(one, Errc::busy),
               Catch::Contains(std::to_string(asked.reach.most()) + " live queries"));
    all.pop_back();
    auto again = asked.reach.live(one, *followers.back());
    while (!again && again.error().code == Errc::busy) {  // the other program hears of it soon
        again = asked.reach.live(one, *followers.back());
    }
    CHECK(again);
}

TEST_CASE("live query: typed, behind a projector at work", "[cqrs]") {
    struct Board final : LiveHandler<Balance> {
        void on_snapshot(const LiveSnapshot<Balance>& snapshot) override {
            const std::scoped_lock lock(mutex);
            for (const auto& row : snapshot.rows) {
                cents[row.row.account] = row.row.cents;
            }
        }
        void on_deltas(const LiveDeltas<Balance>& deltas) override {
            const std::scoped_lock lock(mutex);
            for (const auto& delta : deltas.deltas) {
                if (delta.op == LiveOp::put) {
                    cents[delta.row.account] = delta.row.cents;
                } else {
                    cents.erase(delta.row.account);
                }
            }
            changed.notify_all();
        }
        std::mutex mutex;
        std::condition_variable changed;
        std::map<std::string, std::int64_t> cents;
    };
    Ledgers ledgers(GENERATE(values<std::string>({"memory", "local"})));
    for (int i = 0; i < 4; ++i) {
        ledgers.open("a-" + std::to_string(i), i % 2 == 0 ? "ann" : "bob");
    }
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    Board board;
    auto live = View<Balance>(*ledgers.model)
                    .where(&Balance::owner, "ann")
                    .below(&Balance::cents, 100)
                    .live(board);
    REQUIRE(live);
    for (int i = 0; i < 40; ++i) {
        ledgers.deposit("a-" + std::to_string(i % 4), i < 36 ? 10 : 20 + i % 4);
    }
    // Both went above it with their 10th; one comes back.
    ledgers.withdraw("a-2", 15);
    std::unique_lock lock(board.mutex);
    const std::map<std::string, std::int64_t> expected{{"a-2", 97}};
    CHECK(board.changed.wait_for(lock, 60s, [&] { return board.cents == expected; }));
    lock.unlock();
    ledgers.withdraw("a-2", 100);
    lock.lock();
    CHECK(board.changed.wait_for(lock, 60s, [&] {
        return board.cents == std::map<std::string, std::int64_t>{{"a-2", -3}};
    }));
}

}  // namespace skald::cqrs
