#include "coord/key_space.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "coord/limits.h"

namespace skald::coord {
namespace {

using std::chrono::seconds;

// The plainest thing that does the same.
struct Model {
    std::map<std::string, Entry> entries;
    std::map<LeaseId, Monotonic> leases;
    Revision revision{1};

    void erase_lease(LeaseId lease) {
        leases.erase(lease);
        std::erase_if(entries, [&](const auto& each) { return each.second.lease == lease; });
    }
};

std::string any_key() {
    return std::string(1, static_cast<char>(*rc::gen::inRange('a', 'h')));
}

class World {
  public:
    void step() {
        switch (*rc::gen::inRange(0, 7)) {
            case 0:
                return grant();
            case 1:
                return keep_alive();
            case 2:
                return pass();
            case 3:
                return erase();
            default:
                return put();
        }
    }
    void check() const {
        std::vector<Entry> all;
        for (const auto& [key, entry] : model_.entries) {
            all.push_back(entry);
        }
        RC_ASSERT(space_.list(KeyRange{"a", "z"}) == all);
        RC_ASSERT(space_.revision() == model_.revision);
    }
    // The history leads from nothing to what is there.
    void check_history() const {
        std::map<std::string, Entry> folded;
        const auto history = space_.since(Revision{2}, KeyRange{"a", "z"});
        RC_ASSERT(history.has_value());
        for (const Revised& revised : *history) {
            for (const Change& change : revised.changes) {
                RC_ASSERT(change.entry.modified == revised.revision);
                if (change.erased) {
                    RC_ASSERT(folded.erase(change.entry.key) == 1);
                } else {
                    folded[change.entry.key] = change.entry;
                }
            }
        }
        RC_ASSERT(folded == model_.entries);
    }
    void restart() {
        KeySpace::Kept kept;
        kept.revision = space_.revision();
        kept.last_lease = last_lease_;
        kept.entries = space_.list(KeyRange{"a", "z"});
        for (auto& [lease, ends] : model_.leases) {
            kept.leases.push_back({lease, ttls_.at(lease)});
            ends = now_ + ttls_.at(lease);
        }
        space_ = KeySpace(std::move(kept), now_);
    }

  private:
    LeaseId some_lease() const {
        return LeaseId{*rc::gen::inRange<std::uint64_t>(0, last_lease_.value + 2)};
    }
    void put() {
        const Put put{any_key(), any_key(), some_lease()};
        Effects effects;
        const auto done = space_.txn({{}, {put}, {}}, effects);
        const bool lives = put.lease == LeaseId{} || model_.leases.contains(put.lease);
        RC_ASSERT(done.has_value() == lives);
        RC_ASSERT(effects.any() == lives);
        if (!lives) {
            return;
        }
        ++model_.revision;
        Entry& entry = model_.entries[put.key];
        entry = {put.key,
                 put.value,
                 entry.version == 0 ? model_.revision : entry.created,
                 model_.revision,
                 entry.version + 1,
                 put.lease};
    }
    void erase() {
        const KeyRange range{any_key(), any_key()};
        Effects effects;
        RC_ASSERT(space_.txn({{}, {Erase{range}}, {}}, effects).has_value());
        const auto erased = std::erase_if(
            model_.entries, [&](const auto& each) { return range.contains(each.first); });
        note(erased != 0, effects);
    }
    void grant() {
        const auto ttl = seconds(*rc::gen::inRange(1, 20));
        Effects effects;
        last_lease_ = space_.grant(ttl, now_, effects).value();
        RC_ASSERT(effects.granted->lease == last_lease_);
        model_.leases[last_lease_] = now_ + ttl;
        ttls_[last_lease_] = ttl;
    }
    void keep_alive() {
        const LeaseId lease = some_lease();
        const bool lives = model_.leases.contains(lease);
        if (*rc::gen::arbitrary<bool>()) {
            RC_ASSERT(space_.keep_alive(lease, now_).has_value() == lives);
            if (lives) {
                model_.leases[lease] = now_ + ttls_.at(lease);
            }
            return;
        }
        Effects effects;
        RC_ASSERT(space_.revoke(lease, effects).has_value() == lives);
        const std::size_t before = model_.entries.size();
        if (lives) {
            model_.erase_lease(lease);
        }
        RC_ASSERT(effects.ended.size() == (lives ? 1U : 0U));
        note(before != model_.entries.size(), effects);
    }
    void pass() {
        now_ += seconds(*rc::gen::inRange(0, 15));
        Effects effects;
        space_.tick(now_, effects);
        const std::size_t before = model_.entries.size();
        const auto leases = model_.leases;
        for (const auto& [lease, ends] : leases) {
            if (ends <= now_) {
                model_.erase_lease(lease);
            }
        }
        RC_ASSERT(effects.ended.size() == leases.size() - model_.leases.size());
        note(before != model_.entries.size(), effects);
        std::optional<Monotonic> next;
        for (const auto& [lease, ends] : model_.leases) {
            next = next ? std::min(*next, ends) : ends;
        }
        RC_ASSERT(space_.next_tick() == next);
    }
    void note(bool changed, const Effects& effects) {
        RC_ASSERT(effects.revised.has_value() == changed);
        if (changed) {
            ++model_.revision;
        }
    }

    Model model_;
    Monotonic now_{};
    LeaseId last_lease_;
    std::map<LeaseId, std::chrono::milliseconds> ttls_;
    KeySpace space_{{}, Monotonic{}};
};

TxnResult put(KeySpace& space, const std::string& key, const std::string& value) {
    Effects effects;
    return space.txn({{}, {Put{key, value, {}}}, {}}, effects).value();
}

}  // namespace

TEST_CASE("key space: does what a plain map would", "[coord][model]") {
    const bool ok = rc::check([] {
        World world;
        const auto steps = *rc::gen::inRange(0, 100);
        bool restarted = false;
        for (int i = 0; i < steps; ++i) {
            world.step();
            world.check();
            if (*rc::gen::inRange(0, 40) == 0) {
                world.restart();
                restarted = true;
            }
        }
        if (!restarted) {
            world.check_history();
        }
    });
    CHECK(ok);
}

TEST_CASE("key space: remembers what came last, up to a bound", "[coord]") {
    KeySpace space({}, Monotonic{});
    CHECK(space.oldest() == Revision{2});
    SECTION("of revisions") {
        for (std::size_t i = 0; i < kHistoryMax + 10; ++i) {
            put(space, "k", std::to_string(i));
        }
        CHECK(space.oldest() == Revision{2 + 10});
    }
    SECTION("of bytes") {
        for (std::size_t i = 0; i < 2 * kHistoryBytesMax / kValueBytesMax; ++i) {
            put(space, "k", std::string(kValueBytesMax, 'x'));
        }
        CHECK(space.oldest() > Revision{2 + kHistoryBytesMax / kValueBytesMax});
    }
    const Revision oldest = space.oldest();
    CHECK_FALSE(space.since(oldest - 1, KeyRange::one("k")));
    CHECK(space.since(oldest, KeyRange::one("k"))->front().revision == oldest);
    CHECK(space.since(oldest, KeyRange::one("l"))->empty());
    CHECK(space.since(space.revision() + 1, KeyRange::one("k"))->empty());
}

TEST_CASE("key space: holds so much, and no more", "[coord]") {
    KeySpace space({}, Monotonic{});
    const std::string value(kValueBytesMax, 'x');
    const auto put_one = [&](std::size_t i) {
        Effects effects;
        const auto done = space.txn({{}, {Put{"k" + std::to_string(i), value, {}}}, {}}, effects);
        return done ? Errc{} : done.error().code;
    };
    std::size_t count = 0;
    while (put_one(count) == Errc{}) {
        ++count;
    }
    CHECK(put_one(count) == Errc::busy);
    CHECK(count == kStoreBytesMax / (kEntryBytes + kValueBytesMax + 4));
    Effects effects;
    REQUIRE(space.txn({{}, {Erase{KeyRange::one("k0")}}, {}}, effects));
    CHECK(put_one(count) == Errc{});
    // What is put again takes the place of what it was.
    REQUIRE(space.txn({{}, {Erase{KeyRange::one("k1")}}, {}}, effects));
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(put_one(2) == Errc{});
    }

    Effects granted;
    for (std::size_t i = 0; i < kLeasesMax; ++i) {
        REQUIRE(space.grant(kTtlMin, Monotonic{}, granted));
    }
    CHECK(space.grant(kTtlMin, Monotonic{}, granted).error().code == Errc::busy);
}

TEST_CASE("key range: what begins with a prefix", "[coord]") {
    const auto last = std::string("a\xff\xff");
    CHECK(KeyRange::prefix("ab") == KeyRange{"ab", "ac"});
    CHECK(KeyRange::prefix(last) == KeyRange{last, "b"});
    CHECK(KeyRange::prefix("a").contains("a"));
    CHECK(KeyRange::prefix("a").contains("a\xff"));
    CHECK_FALSE(KeyRange::prefix("a").contains("b"));
    CHECK(KeyRange::prefix("").contains("\xff\xff"));
    CHECK(KeyRange::prefix("\xff").contains("\xff\xff"));
    CHECK_FALSE(KeyRange::prefix("\xff").contains("a"));
    CHECK(KeyRange::one("a").contains("a"));
    CHECK_FALSE(KeyRange::one("a").contains("ab"));
}

}  // namespace skald::coord
