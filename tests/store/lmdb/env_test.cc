#include "store/lmdb/env.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store::lmdb {
namespace {

EnvOptions small(unsigned readers = 126) {
    EnvOptions options;
    options.map_bytes = 8 * limits::kMiB;
    options.readers_max = readers;
    return options;
}

struct Opened {
    std::unique_ptr<Env> env;
    Database database;
};

Opened open_env(const TempDirectory& dir, Keys keys = Keys::integers) {
    auto env = Env::open(dir.path("env"), small());
    REQUIRE(env);
    auto txn = (*env)->write();
    REQUIRE(txn);
    const Database database = txn->open("d", keys).value();
    REQUIRE(std::move(*txn).commit());
    return {std::move(*env), database};
}

}  // namespace

TEST_CASE("env: is opened once", "[store]") {
    const TempDirectory dir;
    auto first = Env::open(dir.path("env"), small());
    REQUIRE(first);
    const auto second = Env::open(dir.path("env"), small());
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::already_open);
    // By another name too.
    std::filesystem::create_symlink(dir.path("env"), dir.path("alias"));
    const auto alias = Env::open(dir.path("alias"), small());
    REQUIRE_FALSE(alias);
    CHECK(alias.error().code == Errc::already_open);
    first->reset();
    CHECK(Env::open(dir.path("env"), small()));
}

TEST_CASE("env: says what is wrong with a directory", "[store]") {
    const TempDirectory dir;
    EnvOptions options = small();
    options.create = false;
    CHECK(Env::open(dir.path("nothing"), options).error().code == Errc::not_found);
    std::ofstream(dir.path("file")) << "x";
    CHECK_FALSE(Env::open(dir.path("file"), small()));
    std::filesystem::create_directory(dir.path("other"));
    std::ofstream(dir.path("other/data.mdb")) << std::string(8192, 'x');
    const Error other = Env::open(dir.path("other"), small()).error();
    CHECK(other.code == Errc::unknown_format);
    CHECK(other.message == fmt::format("cannot open {}: data.mdb is no log", dir.path("other")));
    // A link to itself stands for what cannot be looked into: nobody is told that nothing is there.
    std::filesystem::create_directory(dir.path("loop"));
    std::filesystem::create_symlink("data.mdb", dir.path("loop/data.mdb"));
    CHECK(Env::open(dir.path("loop"), options).error().code == Errc::io_error);
}

TEST_CASE("env: a reader too many is told to try again", "[store]") {
    const TempDirectory dir;
    auto env = Env::open(dir.path("env"), small(3));
    REQUIRE(env);
    std::vector<ReadTxn> readers;
    for (int i = 0; i < 3; ++i) {
        auto reader = (*env)->read();
        REQUIRE(reader);
        readers.push_back(std::move(*reader));
    }
    const auto over = (*env)->read();
    REQUIRE_FALSE(over);
    CHECK(over.error().code == Errc::busy);
    readers.pop_back();
    CHECK((*env)->read());
}

TEST_CASE("env: knows its oldest reader", "[store]") {
    const TempDirectory dir;
    Opened opened = open_env(dir);
    auto reader = opened.env->read();
    REQUIRE(reader);
    const std::uint64_t held = reader->id();
    for (std::uint64_t i = 0; i < 3; ++i) {
        auto txn = opened.env->write();
        REQUIRE(txn->put(opened.database, i, as_bytes("v")));
        REQUIRE(std::move(*txn).commit());
    }
    CHECK(opened.env->info().oldest_reader_txn == held);
    CHECK(opened.env->info().last_txn == held + 3);
    { const ReadTxn ended = std::move(*reader); }
    CHECK(opened.env->info().oldest_reader_txn == held + 3);
}

TEST_CASE("env: a full map is an error that undoes the transaction", "[store]") {
    const TempDirectory dir;
    Opened opened = open_env(dir);
    {
        auto txn = opened.env->write();
        const std::string large(9 * limits::kMiB, 'x');
        const auto put = txn->put(opened.database, 1, as_bytes(large));
        REQUIRE_FALSE(put);
        CHECK(put.error().code == Errc::map_full);
    }
    auto txn = opened.env->write();
    REQUIRE(txn->put(opened.database, 1, as_bytes("small")));
    REQUIRE(std::move(*txn).commit());
}

TEST_CASE("txn: a child's changes are its parent's once it commits", "[store]") {
    const TempDirectory dir;
    Opened opened = open_env(dir);
    auto txn = opened.env->write();
    {
        auto child = txn->child();
        REQUIRE(child->put(opened.database, 1, as_bytes("undone")));
    }
    {
        auto child = txn->child();
        REQUIRE(child->put(opened.database, 2, as_bytes("kept")));
        REQUIRE(std::move(*child).commit());
    }
    REQUIRE(std::move(*txn).commit());
    auto reader = opened.env->read();
    CHECK_FALSE(reader->get(opened.database, 1).value());
    CHECK(as_text(*reader->get(opened.database, 2).value()) == "kept");
}

TEST_CASE("cursor: finds by number and by bytes", "[store]") {
    const TempDirectory dir;
    Opened opened = open_env(dir);
    auto txn = opened.env->write();
    for (const std::uint64_t key : {10U, 20U, 300U}) {
        REQUIRE(txn->append(opened.database, key, as_bytes(std::to_string(key))));
    }
    auto cursor = Cursor::open(*txn, opened.database);
    REQUIRE(cursor);
    CHECK_FALSE(cursor->at_or_before(9).value());
    CHECK(cursor->at_or_before(10).value()->number() == 10);
    CHECK(cursor->at_or_before(299).value()->number() == 20);
    CHECK(cursor->at_or_before(1000).value()->number() == 300);
    CHECK(cursor->at_or_after(21).value()->number() == 300);
    CHECK_FALSE(cursor->at_or_after(301).value());
    CHECK(cursor->first().value()->number() == 10);
    CHECK(cursor->last().value()->number() == 300);
    CHECK_FALSE(cursor->next().value());
}

}  // namespace skald::store::lmdb
