#include "store/lmdb/files.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "store/lmdb/env.h"
#include "tests/temp_directory.h"

namespace skald::store::lmdb {
namespace {

namespace fs = std::filesystem;

EnvOptions small_map() {
    EnvOptions options;
    options.map_bytes = std::size_t{16} << 20U;
    return options;
}

Result<void> write_something(Env& env) {
    auto txn = env.write();
    REQUIRE(txn);
    auto db = txn->open("some", Keys::integers);
    REQUIRE(db);
    const std::string value(100'000, 'v');
    if (auto ok = txn->put(*db, 1, as_bytes(value)); !ok) {
        return ok;
    }
    return std::move(*txn).commit();
}

TEST_CASE("files: a directory is made with all above it", "[store]") {
    const TempDirectory temp;
    REQUIRE(make_directory(temp.path() + "/a/b/c/"));
    CHECK(fs::is_directory(temp.path() + "/a/b/c"));
    CHECK(make_directory(temp.path() + "/a/b/c"));
    std::ofstream(temp.path() + "/file").put('x');
    CHECK_FALSE(make_directory(temp.path() + "/file/below"));
}

TEST_CASE("files: what a cut left of making the data file is no hindrance", "[store]") {
    const TempDirectory temp;
    std::ofstream(temp.path() + "/new.mdb") << "half of a page";
    auto env = Env::open(temp.path(), small_map());
    REQUIRE(env);
    CHECK(write_something(**env));
    CHECK_FALSE(fs::exists(temp.path() + "/new.mdb"));
}

TEST_CASE("files: a data file that is there stays as it is", "[store]") {
    const TempDirectory temp;
    std::ofstream(temp.path() + "/data.mdb") << "no environment, but somebody's";
    REQUIRE(make_data_file(temp.path()));
    CHECK(fs::file_size(temp.path() + "/data.mdb") == 30);
    CHECK_FALSE(Env::open(temp.path(), small_map()));
}

TEST_CASE("files: a data file shorter than its pages is corrupt, not a signal", "[store]") {
    const TempDirectory temp;
    {
        auto env = Env::open(temp.path(), small_map());
        REQUIRE(env);
        REQUIRE(write_something(**env));
    }
    fs::resize_file(temp.path() + "/data.mdb", 20'480);
    auto env = Env::open(temp.path(), small_map());
    REQUIRE_FALSE(env);
    CHECK(env.error().code == Errc::corrupt);
}

}  // namespace
}  // namespace skald::store::lmdb
