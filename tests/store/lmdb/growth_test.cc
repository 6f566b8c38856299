// What a transaction says it grows the file by, against what it does: the extender rests on it.
#include <catch2/catch.hpp>
#include <random>

#include "store/lmdb/env.h"
#include "store/lmdb/write_cursor.h"
#include "tests/temp_directory.h"

namespace skald::store::lmdb {
namespace {

// An environment of the test's own, with one write transaction at a time.
class GrowthFixture {
  public:
    WriteTxn begin() {
        auto txn = env_->write();
        REQUIRE(txn);
        return std::move(*txn);
    }
    static Database open(WriteTxn& txn, const std::string& name, Keys keys) {
        auto database = txn.open(name.c_str(), keys);
        REQUIRE(database);
        return *database;
    }
    std::uint64_t used_bytes() const {
        const EnvInfo info = env_->info();
        return (info.last_page + 1) * info.page_bytes;
    }

  private:
    static std::unique_ptr<Env> open_env(const std::string& path) {
        EnvOptions options;
        options.map_bytes = std::size_t{1} << 30U;
        auto env = Env::open(path, options);
        REQUIRE(env);
        return std::move(*env);
    }

    const TempDirectory temp_;
    const std::unique_ptr<Env> env_ = open_env(temp_.path());
};

TEST_CASE_METHOD(GrowthFixture, "growth: no commit takes more of the file than its puts say",
                 "[store]") {
    std::mt19937_64 dice(7);
    for (int round = 0; round < 60; ++round) {
        const std::uint64_t before = used_bytes();
        WriteTxn txn = begin();
        const Database db = open(txn, "db" + std::to_string(round % 5), Keys::integers);
        const std::size_t puts = 1 + dice() % 40;
        for (std::size_t i = 0; i < puts; ++i) {
            const std::string value(dice() % (round % 2 == 0 ? 200 : 30'000), 'v');
            REQUIRE(txn.put(db, dice(), as_bytes(value)));
        }
        const std::uint64_t growth = txn.growth();
        REQUIRE(std::move(txn).commit());
        // The directory of databases and the list of free pages are not among the puts.
        CHECK(used_bytes() <= before + growth + 16 * 4096);
    }
}

TEST_CASE_METHOD(GrowthFixture, "growth: what a cursor writes counts as what a put does",
                 "[store]") {
    WriteTxn txn = begin();
    const Database db = open(txn, "some", Keys::bytes);
    const std::string value(10'000, 'v');
    REQUIRE(txn.put(db, as_bytes("a"), as_bytes(value)));
    const std::uint64_t of_a_put = txn.growth();
    auto cursor = WriteCursor::open(txn, db);
    REQUIRE(cursor);
    REQUIRE(cursor->put(as_bytes("b"), as_bytes(value)));
    REQUIRE(cursor->append(as_bytes("c"), as_bytes(value)));
    CHECK(txn.growth() == 3 * of_a_put);
    REQUIRE(cursor->erase(as_bytes("b")));
    CHECK(txn.growth() > 3 * of_a_put);
}

TEST_CASE_METHOD(GrowthFixture, "growth: a child counts on its own", "[store]") {
    WriteTxn txn = begin();
    const Database db = open(txn, "some", Keys::integers);
    auto child = txn.child();
    REQUIRE(child);
    REQUIRE(child->put(db, 1, as_bytes(std::string(1'000'000, 'v'))));
    CHECK(child->growth() > 1'000'000);
    REQUIRE(std::move(*child).commit());
    CHECK(txn.growth() == 0);
}

}  // namespace
}  // namespace skald::store::lmdb
