#include "store/lmdb/write_cursor.h"

#include <rapidcheck.h>

#include <map>

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store::lmdb {
namespace {

struct Opened {
    explicit Opened(const TempDirectory& directory) {
        EnvOptions options;
        options.map_bytes = 64 * limits::kMiB;
        env = Env::open(directory.path("env"), options).value();
        auto txn = env->write().value();
        database = txn.open("d", Keys::bytes).value();
        REQUIRE(std::move(txn).commit());
    }
    std::unique_ptr<Env> env;
    Database database;
};

}  // namespace

TEST_CASE("write cursor: does what a map does", "[store][model]") {
    const TempDirectory directory;
    Opened opened(directory);
    CHECK(rc::check([&] {
        auto txn = opened.env->write().value();
        RC_ASSERT(txn.clear(opened.database));
        auto cursor = WriteCursor::open(txn, opened.database).value();
        std::map<std::string, std::string> expected;
        const auto steps = *rc::gen::container<std::vector<std::pair<std::uint16_t, bool>>>(
            rc::gen::pair(rc::gen::inRange<std::uint16_t>(0, 40), rc::gen::arbitrary<bool>()));
        for (const auto& [number, erase] : steps) {
            const std::string key = std::to_string(number);
            const std::string value(number * 50, 'v');
            if (erase) {
                RC_ASSERT(cursor.erase(as_bytes(key)).value() == (expected.erase(key) == 1));
            } else if (expected.empty() || expected.rbegin()->first < key) {
                RC_ASSERT(cursor.append(as_bytes(key), as_bytes(value)));
                expected[key] = value;
            } else {
                RC_ASSERT(cursor.put(as_bytes(key), as_bytes(value)));
                expected[key] = value;
            }
            const auto last = cursor.last_key().value();
            RC_ASSERT(last.has_value() != expected.empty());
            if (last) {
                RC_ASSERT(as_text(*last) == expected.rbegin()->first);
            }
        }
        for (std::uint16_t i = 0; i < 40; ++i) {
            const auto found = cursor.find(as_bytes(std::to_string(i))).value();
            const auto known = expected.find(std::to_string(i));
            RC_ASSERT(found.has_value() == (known != expected.end()));
            if (found) {
                RC_ASSERT(as_text(*found) == known->second);
            }
        }
    }));
}

TEST_CASE("write cursor: a key that is not the highest is not appended", "[store]") {
    const TempDirectory directory;
    Opened opened(directory);
    auto txn = opened.env->write().value();
    auto cursor = WriteCursor::open(txn, opened.database).value();
    REQUIRE(cursor.append(as_bytes("b"), as_bytes("1")));
    CHECK_FALSE(cursor.append(as_bytes("a"), as_bytes("2")));
}

}  // namespace skald::store::lmdb
