#include "tests/coord/locks_contract.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "skald/locks.h"
#include "skald/testing.h"
#include "tests/await.h"
#include "tests/coord/fenced_append.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

struct Desk {
    explicit Desk(CoordFactory& with)
        : factory(with), coord(with.open()), locks(open_locks(*coord)) {}

    Result<std::unique_ptr<Lock>> acquire(const Names& names, const std::string& owner,
                                          std::chrono::milliseconds wait = 0ms) const {
        return locks->acquire(names, {owner, 10s, wait});
    }
    Errc refusal(const Names& names, const LockOptions& options) const {
        const auto lock = locks->acquire(names, options);
        return lock ? Errc{} : lock.error().code;
    }
    LockStatus only() const {
        auto list = locks->list();
        REQUIRE(list);
        REQUIRE(list->size() == 1);
        return list->front();
    }

    CoordFactory& factory;
    std::unique_ptr<Coord> coord;
    std::unique_ptr<Locks> locks;
};

void one_holds(Desk& d) {
    auto first = d.acquire({"mails"}, "a");
    REQUIRE(first);
    CHECK((*first)->held());
    const std::uint64_t token = (*first)->token("mails");
    CHECK(token != 0);
    CHECK((*first)->token("others") == 0);
    CHECK(d.acquire({"mails"}, "b").error().code == Errc::busy);
    CHECK(d.acquire({"mails"}, "b", 10ms).error().code == Errc::timed_out);
    CHECK(d.acquire({"others"}, "b"));
    const LockStatus status = d.only();
    CHECK((status.name == "mails" && status.owner == "a" && status.token == token));
    CHECK(status.since.us > 1'700'000'000'000'000);
    CHECK(status.waiters.empty());

    REQUIRE((*first)->release());
    CHECK_FALSE((*first)->held());
    CHECK((*first)->release().error().code == Errc::not_found);
    auto second = d.acquire({"mails"}, "b");
    REQUIRE(second);
    CHECK((*second)->token("mails") > token);
    first->reset();  // takes nothing from the second
    CHECK((*second)->held());
    CHECK(d.only().owner == "b");
    second->reset();
    CHECK(d.locks->list()->empty());
}

void waiters_in_turn(Desk& d) {
    auto held = d.acquire({"mails"}, "a");
    REQUIRE(held);
    Names got;
    std::vector<std::thread> threads;
    for (const std::string owner : {"b", "c", "d"}) {
        threads.emplace_back([&, owner] {
            if (auto lock = d.acquire({"mails"}, owner, 60s)) {
                got.push_back(owner);  // guarded by the lock
            }
        });
        await([&] { return d.only().waiters.size() == threads.size(); });
    }
    CHECK(d.only().waiters == Names{"b", "c", "d"});
    held->reset();
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(got == Names{"b", "c", "d"});
}

void never_two(Desk& d) {
    std::atomic<bool> inside{false};
    // Guarded by the lock, if it is one.
    bool in_order = true;
    std::uint64_t last = 0;
    int total = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                // Some want both, in either order.
                const Names names = t % 3 == 0   ? Names{"x"}
                                    : t % 3 == 1 ? Names{"x", "y"}
                                                 : Names{"y", "x", "y"};
                if (auto lock = d.acquire(names, "t", 60s)) {
                    const std::uint64_t token = (*lock)->token("x");
                    in_order = in_order && inside.exchange(true) == false && token > last;
                    last = token;
                    ++total;
                    inside = false;
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(total == 60);
    CHECK(in_order);
    CHECK(d.locks->list()->empty());
}

void taken_away(Desk& d) {
    CHECK(d.locks->take_away("mails", "op", "why").error().code == Errc::not_found);
    auto held = d.acquire({"mails", "post"}, "a");
    REQUIRE(held);
    std::uint64_t token = 0;
    std::thread next([&] {
        if (auto lock = d.acquire({"mails"}, "b", 60s)) {
            token = (*lock)->token("mails");
        }
    });
    await([&] { return d.locks->list()->front().waiters.size() == 1; });
    REQUIRE(d.locks->take_away("mails", "op", "it hangs: \"always\""));
    next.join();
    CHECK(token > (*held)->token("mails"));
    await([&] { return !(*held)->held(); });
    CHECK(d.acquire({"post"}, "c").error().code == Errc::busy);
    CHECK((*held)->release().error().code == Errc::not_found);
    CHECK(d.acquire({"post"}, "c"));
    const auto breaks = d.locks->taken_away();
    REQUIRE(breaks);
    REQUIRE(breaks->size() == 1);
    LockBreak wanted{"mails", "a", "op", "it hangs: \"always\"", breaks->front().at};
    CHECK(breaks->front() == wanted);
    CHECK(wanted.at.us > 1'700'000'000'000'000);
}

void taken_meanwhile(Desk& d) {
    auto other = d.acquire({"b"}, "other");
    REQUIRE(other);
    Errc code{};
    std::thread wants([&] {
        const auto lock = d.acquire({"a", "b"}, "me", 60s);
        code = lock ? Errc{} : lock.error().code;
    });
    await([&] { return d.locks->list()->back().waiters.size() == 1; });
    REQUIRE(d.locks->take_away("a", "op", "why not"));
    other->reset();
    wants.join();
    CHECK(code == Errc::not_found);
    CHECK(d.locks->list()->empty());
}

void lost_leases(Desk& d) {
    auto held = d.acquire({"mails"}, "a");
    REQUIRE(held);
    const auto claims = d.coord->get(KeyRange::prefix("/lock/mails/"), Reading::linearizable);
    REQUIRE(claims->entries.size() == 1);
    REQUIRE(d.coord->revoke(claims->entries.front().lease));
    await([&] { return !(*held)->held(); });
    auto second = d.acquire({"mails"}, "b");
    REQUIRE(second);
    CHECK((*held)->release().error().code == Errc::not_found);
    CHECK((*second)->held());
}

void fenced_off(Desk& d) {
    const auto store = make_memory_store();
    auto first = d.acquire({"mails"}, "a");
    const std::uint64_t token = (*first)->token("mails");
    CHECK(fenced_append(*store, "mails", token) == Errc{});
    REQUIRE(d.locks->take_away("mails", "op", "it was paused"));
    auto second = d.acquire({"mails"}, "b");
    CHECK(fenced_append(*store, "mails", (*second)->token("mails")) == Errc{});
    CHECK(fenced_append(*store, "mails", token) == Errc::fenced);
}

void refusals(Desk& d) {
    for (const Names& names :
         std::vector<Names>{{}, {""}, {"a/b"}, {"a\n"}, {std::string(201, 'n')}, {"a", ""}}) {
        CHECK(d.refusal(names, {"o", 10s, 0ms}) == Errc::invalid_argument);
    }
    Names many;
    for (int i = 0; i < 17; ++i) {
        many.push_back("n" + std::to_string(i));
    }
    CHECK(d.refusal(many, {"o", 10s, 0ms}) == Errc::invalid_argument);
    CHECK(d.refusal({"a"}, {"", 10s, 0ms}) == Errc::invalid_argument);
    CHECK(d.refusal({"a"}, {"o\n", 10s, 0ms}) == Errc::invalid_argument);
    CHECK(d.refusal({"a"}, {std::string(256, 'o'), 10s, 0ms}) == Errc::invalid_argument);
    CHECK(d.refusal({"a"}, {"o", 999ms, 0ms}) == Errc::invalid_argument);
    CHECK(d.refusal({"a"}, {"o", 10s, -1ms}) == Errc::invalid_argument);
    CHECK(d.locks->take_away("a", "", "why").error().code == Errc::invalid_argument);
    CHECK(d.locks->take_away("a", "op", "").error().code == Errc::invalid_argument);
    CHECK(d.locks->list()->empty());
}

}  // namespace

void run_locks_contract(CoordFactory& factory) {
    run_sections<Desk>(factory,
                       {{"one holds a name, and gives it back", one_holds},
                        {"who waits gets it in turn", waiters_in_turn},
                        {"two never hold a name together, and tokens rise", never_two},
                        {"a lock can be taken away, with a reason", taken_away},
                        {"one may be taken away while another is waited for", taken_meanwhile},
                        {"whose lease ended has lost it", lost_leases},
                        {"a holder that lost it is fenced off", fenced_off},
                        {"what is refused", refusals}});
}

}  // namespace skald::coord
