// Versions beside one another: promote, roll back, retire. Rule P5.
#include <atomic>
#include <thread>

#include "tests/cqrs/balances.h"

namespace skald::cqrs {
namespace {

// Version N writes N * 1,000,000 beside the sum, so that a row tells which version made it.
AnyProjection marked(std::uint32_t version) {
    Projection<Balance> projection("balances", version, balance_rows());
    projection
        .on<Opened>([=](Rows<Balance>& rows, const Opened& opened, const EventView& at) {
            rows.put({std::string(at.stream), opened.owner, version * 1'000'000, 0, {}});
        })
        .on<Deposited>([](Rows<Balance>& rows, const Deposited& deposited, const EventView& at) {
            rows.change(at.stream, [&](Balance& balance) { balance.cents += deposited.cents; });
        });
    return projection.build();
}

}  // namespace

TEST_CASE("promote: a version is built beside, made active, rolled back and retired", "[cqrs]") {
    Ledgers ledgers(GENERATE(every_store()));
    ledgers.open("a-1", "ann");
    auto old = ledgers.start(marked(1));
    REQUIRE(ledgers.up_to_date(*old));
    CHECK(ledgers.model->promote(2, 0ms).error().code == Errc::not_found);
    auto fresh = ledgers.start(marked(2));
    REQUIRE(ledgers.up_to_date(*fresh));
    CHECK(ledgers.balance("a-1")->cents == 1'000'000);
    CHECK(ledgers.model->query({.version = 2})->version == 2);
    REQUIRE(ledgers.model->promote(2, 60s));
    CHECK(ledgers.balance("a-1")->cents == 2'000'000);
    CHECK(ledgers.status(2).active);
    CHECK(ledgers.status(1).previous);
    CHECK(ledgers.model->retire(2).error().code == Errc::busy);
    CHECK(ledgers.model->retire(1).error().code == Errc::busy);  // its projector is started
    REQUIRE(ledgers.model->roll_back());
    CHECK(ledgers.balance("a-1")->cents == 1'000'000);
    REQUIRE(ledgers.model->roll_back());
    // It all survives the process.
    old.reset();
    fresh.reset();
    ledgers.open_model();
    CHECK(ledgers.balance("a-1")->cents == 2'000'000);
    REQUIRE(ledgers.model->retire(1));
    CHECK(ledgers.model->query({.version = 1}).error().code == Errc::not_found);
    CHECK(ledgers.model->roll_back().error().code == Errc::not_found);
    CHECK(ledgers.balance("a-1")->cents == 2'000'000);
    // A retired number may be used again, from the beginning.
    auto again = ledgers.start(marked(1));
    REQUIRE(ledgers.up_to_date(*again));
    CHECK(ledgers.model->query({.version = 1})->rows.size() == 1);
}

TEST_CASE("promote: not before the new version has passed the old one", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto old = ledgers.start(marked(1));
    REQUIRE(ledgers.up_to_date(*old));
    ledgers.start(marked(2)).reset();  // made, and maybe not complete
    auto stopped = marked(3);
    stopped.apply = [](RowChanges&, const EventView&) -> Result<void> {
        return Error(Errc::invalid_event, "no");
    };
    auto fresh = ledgers.start(stopped);
    CHECK(fresh->wait_for(ledgers.end(), 60s).state == Freshness::State::stopped);
    CHECK(ledgers.model->promote(3, 60s).error().code == Errc::timed_out);
    auto second = ledgers.start(marked(2));
    REQUIRE(ledgers.up_to_date(*second));
    second.reset();
    ledgers.open("a-2", "bob");
    REQUIRE(ledgers.up_to_date(*old));
    const auto behind = ledgers.model->promote(2, 0ms);
    REQUIRE_FALSE(behind);
    CHECK(behind.error().code == Errc::timed_out);
    CHECK_THAT(behind.error().message, Catch::Contains("version 2 is 1 events behind version 1"));
    CHECK(ledgers.status(1).active);
}

TEST_CASE("promote: while events come no query fails and none sees two versions", "[cqrs]") {
    Ledgers ledgers(GENERATE(values<std::string>({"memory", "local"})));
    constexpr int kAccounts = 20;
    for (int i = 0; i < kAccounts; ++i) {
        ledgers.open("a-" + std::to_string(i), "ann");
    }
    auto old = ledgers.start(marked(1));
    REQUIRE(ledgers.up_to_date(*old));
    std::atomic<bool> over = false;
    std::atomic<int> failed = 0;
    std::atomic<int> mixed = 0;
    std::atomic<int> asked = 0;
    std::thread writer([&] {
        for (int i = 0; !over; ++i) {
            const int before = asked;  // not faster than the queries
            while (asked == before && !over) {
                std::this_thread::yield();
            }
            NewEvent event;
            event.type = "Deposited";
            event.data = R"({"cents":1})";
            const std::string stream = "a-" + std::to_string(i % kAccounts);
            failed += ledgers.world.store().append(Append::one(stream, event)) ? 0 : 1;
        }
    });
    std::thread reader([&] {
        while (!over) {
            auto page = View<Balance>(*ledgers.model).where(&Balance::owner, "ann").page();
            failed += page && page->rows.size() == kAccounts ? 0 : 1;
            for (std::size_t i = 0; page && i < page->rows.size(); ++i) {
                mixed += page->rows[i].cents / 1'000'000 == page->version ? 0 : 1;
            }
            ++asked;
        }
    });
    for (std::uint32_t version = 2; version <= 4; ++version) {
        auto fresh = ledgers.start(marked(version));
        const auto promoted = ledgers.model->promote(version, 60s);
        INFO((promoted ? "" : promoted.error().message));
        CHECK(promoted);
        const int before = asked;
        while (asked < before + 20) {
            std::this_thread::yield();
        }
        old = std::move(fresh);
        CHECK(ledgers.model->retire(version - 1));
    }
    over = true;
    writer.join();
    reader.join();
    CHECK(failed == 0);
    CHECK(mixed == 0);
}

TEST_CASE("promote: an effect is made by one version", "[cqrs]") {
    Ledgers ledgers;
    std::mutex mutex;
    std::vector<std::string> done;
    const auto with_effects = [&](std::uint32_t version) {
        Projection<Balance> projection("balances", version, balance_rows());
        projection.on<Opened>(
            [&, version](Rows<Balance>& rows, const Opened&, const EventView& at) {
                const std::string name = std::to_string(version) + " " + std::string(at.stream);
                rows.put({std::string(at.stream), "ann", 0, 0, {}});
                rows.effect([&, name] {
                    const std::scoped_lock lock(mutex);
                    done.push_back(name);
                });
            });
        return projection.build();
    };
    auto old = ledgers.start(with_effects(1));
    ledgers.open("a", "ann");
    REQUIRE(ledgers.up_to_date(*old));
    auto fresh = ledgers.start(with_effects(2));
    ledgers.open("b", "ann");
    REQUIRE(ledgers.up_to_date(*old));
    REQUIRE(ledgers.model->promote(2, 60s));
    ledgers.open("c", "ann");
    REQUIRE(ledgers.up_to_date(*old));
    REQUIRE(ledgers.up_to_date(*fresh));
    REQUIRE(ledgers.model->roll_back());
    ledgers.open("d", "ann");
    REQUIRE(ledgers.up_to_date(*old));
    old.reset();
    fresh.reset();
    CHECK(done == std::vector<std::string>{"1 a", "1 b", "2 c", "1 d"});
}

}  // namespace skald::cqrs
