#include <fmt/format.h>
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <random>

#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

const std::function<bool(std::string_view)> kAll = [](std::string_view) { return true; };

Record random_record(std::mt19937_64& random) {
    Record record;
    record.stream = fmt::format("{}-{}", "abc"[random() % 3], random() % 6);
    record.type = fmt::format("T{}", random() % 4);
    record.control = random() % 12 == 0;
    record.hole = random() % 15 == 0;
    if (random() % 2 == 0) {
        record.correlation = fmt::format("c{}", random() % 20);
    }
    for (std::uint64_t n = random() % 4; n > 0; --n) {
        record.tags.push_back(fmt::format("t{}", random() % 5));
    }
    return record;
}

// A snapshot and what it must go on answering.
struct Held {
    lmdb::ReadTxn txn;
    std::unique_ptr<IndexSnapshot> snapshot;
    std::uint64_t below;
};

class Driver {
  public:
    explicit Driver(std::uint64_t seed) : random_(seed) {}

    void run(int operations) {
        for (int i = 0; i < operations; ++i) {
            operate();
        }
        held_.clear();
        check();
        world_.settle();
        check();
    }

  private:
    void operate() {
        switch (random_() % 16) {
            case 0:
            case 1:
                if (world_.end() > 0 && !world_.index().full()) {
                    world_.add(random_record(random_));
                    world_.roll();
                }
                break;
            case 2:
                held_.clear();
                world_.crash();
                break;
            case 3:
                held_.clear();
                world_.reopen();
                break;
            case 4:
                hold();
                break;
            case 5:
                check_held();
                break;
            case 6:
                check();
                break;
            case 7:
            case 8:
            case 9:
                world_.commit();
                break;
            case 10:
            case 11:
            case 12:
                REQUIRE(world_.maintenance().step().has_value());
                break;
            default:
                for (std::uint64_t n = random_() % 60; n > 0; --n) {
                    world_.add(random_record(random_));
                }
        }
    }

    void hold() {
        if (held_.size() >= 3) {
            held_.erase(held_.begin());
        }
        auto txn = world_.read();
        const std::uint64_t below =
            world_.end() - (world_.end() > 0 ? random_() % 30 % world_.end() : 0);
        auto snapshot = world_.index().snapshot(txn, Offset(below)).value();
        held_.push_back({std::move(txn), std::move(snapshot), below});
    }

    void check_held() {
        for (const Held& held : held_) {
            check_snapshot(*held.snapshot, held.below);
            // The same transaction asked again now, after whatever happened.
            const auto again = world_.index().snapshot(held.txn, Offset(held.below));
            if (again) {
                check_snapshot(**again, held.below);
            } else {
                REQUIRE(again.error().code == Errc::busy);
            }
        }
    }

    void check() {
        const auto txn = world_.read();
        check_snapshot(*world_.index().snapshot(txn, Offset(world_.end())).value(), world_.end());
        for (const std::string& stream : world_.oracle().keys(TermKind::stream, world_.end())) {
            require_same_head(world_.index().head(stream).value(),
                              world_.oracle().head(stream, world_.end()));
        }
        REQUIRE_FALSE(world_.index().head("nobody-1").value().has_value());
    }

    void check_snapshot(const IndexSnapshot& snapshot, std::uint64_t below) {
        const Oracle& oracle = world_.oracle();
        REQUIRE(snapshot.fingerprint().value() == oracle.fingerprint(below));
        for (const TermKind kind : {TermKind::stream, TermKind::category, TermKind::type,
                                    TermKind::correlation, TermKind::tag}) {
            const auto keys = oracle.keys(kind, below);
            REQUIRE(snapshot.keys(kind, "", 1000, kAll).value() == keys);
            if (!keys.empty()) {
                require_same(snapshot, oracle, kind, keys[random_() % keys.size()], below);
            }
        }
        for (const std::string& stream : oracle.keys(TermKind::stream, below)) {
            require_same_head(snapshot.head(stream).value(), oracle.head(stream, below));
        }
    }

    static void require_same_head(const std::optional<StreamHead>& a,
                                  const std::optional<StreamHead>& b) {
        REQUIRE(a.has_value() == b.has_value());
        if (a) {
            REQUIRE(a->next == b->next);
            REQUIRE(a->last == b->last);
            REQUIRE(a->lifecycle == b->lifecycle);
        }
    }

    std::mt19937_64 random_;
    World world_;
    std::vector<Held> held_;
};

}  // namespace

TEST_CASE("index: agrees with a plain list through seals, merges, crashes and old readers",
          "[store][model]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        Driver(seed).run(120);
    }
}

}  // namespace skald::store::index
