#include "coord/limits.h"
#include "tests/coord/configuration_contract.h"
#include "tests/coord/coord_contract.h"
#include "tests/coord/elections_contract.h"
#include "tests/coord/elections_crowd.h"
#include "tests/coord/local_factory.h"
#include "tests/coord/locks_contract.h"
#include "tests/coord/slow_call.h"
#include "tests/coord/told.h"
#include "tests/wire/hex.h"

namespace skald::coord {
namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("local coord: the contract", "[coord][contract]") {
    LocalFactory factory;
    run_coord_contract(factory);
}

TEST_CASE("local coord: locks", "[coord][contract]") {
    LocalFactory factory;
    run_locks_contract(factory);
}

TEST_CASE("local coord: configuration", "[coord][contract]") {
    LocalFactory factory;
    run_configuration_contract(factory);
}

TEST_CASE("local coord: elections", "[coord][contract]") {
    LocalFactory factory;
    run_elections_contract(factory);
}

TEST_CASE("local coord: a crowd of candidates", "[coord][contract]") {
    LocalFactory factory;
    run_elections_crowd(factory);
}

TEST_CASE("local coord: what was answered is there after a restart", "[coord]") {
    LocalFactory factory;
    auto coord = factory.open();
    const auto lease = coord->grant(std::chrono::seconds(10));
    REQUIRE(coord->txn({{}, {Put{"a", "1", *lease}, Put{"b", "2", {}}, Put{"c", "3", {}}}, {}}));
    const auto last = coord->txn({{}, {Erase{KeyRange::one("c")}}, {}});
    const auto before = coord->get(KeyRange::prefix(""), Reading::linearizable);
    CHECK(open_coord(factory.directory()).error().code == Errc::already_open);
    coord.reset();

    coord = factory.open();
    const auto after = coord->get(KeyRange{"a", "z"}, Reading::linearizable);
    CHECK(after->revision == last->revision);
    REQUIRE(after->entries.size() == 2);
    CHECK(after->entries[0] == Entry{"a", "1", Revision{2}, Revision{2}, 1, *lease});
    CHECK(after->entries[1].value == "2");
    CHECK(coord->grant(std::chrono::seconds(10))->value == lease->value + 1);
    // What came before is forgotten, what comes is not.
    Told old;
    auto watch = coord->watch(KeyRange::one("b"), last->revision, old.handler());
    CHECK(old.wait_for_end() == WatchEnd::compacted);
    Told fresh;
    auto next = coord->watch(KeyRange{"a", "z"}, last->revision + 1, fresh.handler());
    factory.pass(*coord, std::chrono::seconds(9));
    REQUIRE(coord->txn({{}, {Put{"d", "4", {}}}, {}}));
    CHECK(fresh.wait_for(1) == Texts{"d=4"});
    factory.pass(*coord, std::chrono::seconds(1));
    CHECK(fresh.wait_for(2) == Texts{"d=4", "-a"});
}

TEST_CASE("local coord: a watch that ends hears no more", "[coord]") {
    LocalFactory factory;
    auto coord = factory.open();
    std::unique_ptr<Watch> own;
    std::mutex mutex;
    int calls = 0;
    {
        const std::lock_guard lock(mutex);
        own = std::move(*coord->watch(KeyRange::prefix("k"), Revision{2},
                                      {[&](Revision, const std::vector<Change>&) {
                                           const std::lock_guard in(mutex);
                                           ++calls;
                                           own.reset();
                                       },
                                       {}}));
    }
    Told told;
    auto other = coord->watch(KeyRange::prefix("k"), Revision{2}, told.handler());
    for (int i = 0; i < 10; ++i) {
        REQUIRE(coord->txn({{}, {Put{"k" + std::to_string(i), "", {}}}, {}}));
    }
    told.wait_for(10);
    const std::lock_guard lock(mutex);
    CHECK(calls == 1);
}

TEST_CASE("local coord: the bytes of the document's entry", "[coord][golden]") {
    LocalFactory factory;
    auto coord = factory.open();
    const auto lease = coord->grant(std::chrono::seconds(10));
    REQUIRE(coord->txn({{}, {Put{"lock/mails", "you", {}}}, {}}));
    REQUIRE(coord->txn({{}, {Put{"lock/mails", "me", *lease}}, {}}));
    coord.reset();
    store::lmdb::EnvOptions options;
    options.map_bytes = kMapBytes;
    auto env = store::lmdb::Env::open(factory.directory(), options);
    REQUIRE(env);
    auto txn = (*env)->read();
    auto entries = txn->find("entries", store::lmdb::Keys::bytes);
    const auto row = txn->get(**entries, as_bytes("lock/mails"));
    CHECK(wire::to_hex(std::string(as_text(**row))) ==
          wire::to_hex(wire::fenced(SKALD_COORD_DOCUMENT, "coordination entry")));
}

TEST_CASE("local coord: who ends a watch waits for its call", "[coord]") {
    LocalFactory factory;
    auto coord = factory.open();
    SlowCall call;
    auto watch = coord->watch(KeyRange::one("k"), Revision{2},
                              {[&](Revision, const std::vector<Change>&) { call.run(); }, {}});
    REQUIRE(coord->txn({{}, {Put{"k", "", {}}}, {}}));
    CHECK(call.is_waited_for_by([&] { watch->reset(); }));
}

TEST_CASE("local coord: leases end by themselves", "[coord]") {
    const TempDirectory directory;
    auto coord = open_coord(directory.path("coord"));
    REQUIRE(coord);
    const auto lease = (*coord)->grant(kTtlMin);
    // No key of it: nothing but its own time ends it.
    const Clock& clock = SystemClock::instance();
    const Monotonic end = clock.monotonic() + std::chrono::seconds(60);
    const auto other = (*coord)->grant(kTtlMin);
    Told told;
    auto watch = (*coord)->watch(KeyRange::one("k"), Revision{2}, told.handler());
    REQUIRE((*coord)->txn({{}, {Put{"k", "", *other}}, {}}));
    CHECK(told.wait_for(2) == Texts{"k=", "-k"});
    while (clock.monotonic() < end && (*coord)->revoke(*lease)) {
        FAIL("it lives longer than the one granted after it");
    }
}

TEST_CASE("local coord: a damaged store is refused", "[coord]") {
    LocalFactory factory;
    factory.open().reset();
    const auto spoil = [&](const char* database, const std::string& key, const std::string& value) {
        store::lmdb::EnvOptions options;
        options.map_bytes = kMapBytes;
        auto env = store::lmdb::Env::open(factory.directory(), options);
        REQUIRE(env);
        auto txn = (*env)->write();
        auto opened = txn->open(database, store::lmdb::Keys::bytes);
        REQUIRE(opened);
        REQUIRE(txn->put(*opened, as_bytes(key), as_bytes(value)));
        REQUIRE(std::move(*txn).commit());
    };
    const auto refusal = [&] { return open_coord(factory.directory()).error().code; };
    SECTION("an entry") {
        spoil("entries", "k", "short");
        CHECK(refusal() == Errc::corrupt);
    }
    SECTION("a number") {
        spoil("meta", "revision", "1");
        CHECK(refusal() == Errc::corrupt);
    }
    SECTION("an entry from beyond the last revision") {
        std::string entry(32, '\0');
        entry[0] = entry[8] = entry[16] = 9;
        spoil("entries", "k", entry);
        CHECK(refusal() == Errc::corrupt);
    }
    SECTION("an entry of a lease that is not there") {
        std::string entry(32, '\0');
        entry[24] = 1;
        spoil("entries", "k", entry);
        CHECK(refusal() == Errc::corrupt);
    }
    SECTION("another format") {
        spoil("meta", "format", std::string("\2\0\0\0\0\0\0\0", 8));
        CHECK(refusal() == Errc::unknown_format);
    }
}

}  // namespace skald::coord
