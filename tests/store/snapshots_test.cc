#include "store/snapshots.h"

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store {

TEST_CASE("snapshots: the newest is given back, also after a restart", "[store]") {
    TestLog log;
    CHECK_FALSE(log.store().get_snapshot("s").value());
    REQUIRE(log.store().put_snapshot("s", {Version{1}, 7, "one"}));
    REQUIRE(log.store().put_snapshot("s", {Version{2}, 8, "two"}));
    for (int round = 0; round < 2; ++round) {
        const auto found = log.store().get_snapshot("s").value();
        REQUIRE(found);
        CHECK(found->version == Version{2});
        CHECK(found->fingerprint == 8);
        CHECK(found->bytes == "two");
        log.reopen();
    }
}

TEST_CASE("snapshots: too large, or of no stream's name, are refused", "[store]") {
    TestLog log;
    const Snapshot large{Version{1}, 0, std::string(limits::kSnapshotBytesMax + 1, 'x')};
    CHECK(log.store().put_snapshot("s", large).error().code == Errc::request_too_large);
    CHECK(log.store().put_snapshot("a*", {}).error().code == Errc::invalid_stream_name);
    CHECK(log.store().get_snapshot("").error().code == Errc::invalid_stream_name);
}

TEST_CASE("snapshots: a damaged one is a missing one", "[store]") {
    const TempDirectory dir;
    lmdb::EnvOptions options;
    options.map_bytes = limits::kMiB;
    auto env = lmdb::Env::open(dir.path("env"), options);
    auto txn = (*env)->write();
    const lmdb::Database database = txn->open("snapshots", lmdb::Keys::bytes).value();
    REQUIRE(write_snapshot(*txn, database, "s", {Version{1}, 7, "bytes"}));
    std::string value(as_text(*txn->get(database, as_bytes("s")).value()));
    value.back() ^= 1;
    REQUIRE(txn->put(database, as_bytes("s"), as_bytes(value)));
    CHECK_FALSE(read_snapshot(*txn, database, "s").value());
    REQUIRE(txn->put(database, as_bytes("s"), as_bytes("short")));
    CHECK_FALSE(read_snapshot(*txn, database, "s").value());
}

}  // namespace skald::store
