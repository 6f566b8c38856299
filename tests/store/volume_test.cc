#include "store/volume.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "base/random.h"
#include "skald/store.h"
#include "store/identity.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

Errc open_error(const std::string& directory, bool create = true) {
    VolumeOptions options;
    options.create = create;
    const auto volume = Volume::open(directory, options);
    REQUIRE_FALSE(volume);
    INFO(volume.error().message);
    CHECK(volume.error().message.find(directory) != std::string::npos);
    return volume.error().code;
}

lmdb::EnvOptions env_options() {
    lmdb::EnvOptions options;
    options.map_bytes = limits::kGiB;
    return options;
}

// Changes what stands in a database of a closed log.
template <typename Change>
void edit(const std::string& directory, const char* name, lmdb::Keys keys, Change change) {
    auto env = lmdb::Env::open(directory, env_options());
    REQUIRE(env);
    auto txn = (*env)->write();
    REQUIRE(txn);
    const auto database = txn->find(name, keys).value();
    REQUIRE(database);
    change(*txn, *database);
    REQUIRE(std::move(*txn).commit());
}

std::vector<std::uint64_t> aligned_copy(std::string_view bytes) {
    std::vector<std::uint64_t> words(bytes.size() / 8 + 1);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
}

}  // namespace

TEST_CASE("volume: a directory is open once", "[store]") {
    const TestLog log;
    CHECK(open_error(log.directory()) == Errc::already_open);
}

TEST_CASE("volume: a missing directory is not found unless it may be created", "[store]") {
    const TempDirectory dir;
    CHECK(open_error(dir.path("none"), false) == Errc::not_found);
    CHECK(open_error(dir.path(), false) == Errc::not_found);
}

TEST_CASE("volume: another LMDB database is left alone", "[store]") {
    const TempDirectory dir;
    {
        auto env = lmdb::Env::open(dir.path("db"), env_options());
        auto txn = (*env)->write();
        REQUIRE(txn->open("somebody's", lmdb::Keys::bytes));
        REQUIRE(std::move(*txn).commit());
    }
    CHECK(open_error(dir.path("db")) == Errc::unknown_format);
}

TEST_CASE("volume: a later format is left alone", "[store]") {
    TestLog log;
    log.close();
    edit(log.directory(), "node", lmdb::Keys::bytes, [](lmdb::WriteTxn& txn, lmdb::Database node) {
        std::string identity(as_text(*txn.get(node, as_bytes("identity")).value()));
        store_le(identity.data(), kFormatVersion + 1);
        REQUIRE(txn.put(node, as_bytes("identity"), as_bytes(identity)));
    });
    CHECK(open_error(log.directory()) == Errc::unknown_format);
}

TEST_CASE("volume: a directory that may not be written is read only", "[store]") {
    if (geteuid() == 0) {
        return;  // root may write anywhere
    }
    TestLog log;
    log.close();
    const auto mode = [&](unsigned m) {
        for (const char* file : {"/data.mdb", "/lock.mdb", "/skald.lock", ""}) {
            REQUIRE(chmod((log.directory() + file).c_str(), m | (*file == 0 ? 0100U : 0U)) == 0);
        }
    };
    mode(0400);
    CHECK(open_error(log.directory()) == Errc::read_only);
    mode(0600);
}

TEST_CASE("volume: a damaged batch at the end is corrupt, with its offset", "[store]") {
    TestLog log;
    log.append("s", {"0", "1"});
    log.append("s", {"2"});
    log.close();
    edit(log.directory(), "p0.log", lmdb::Keys::integers,
         [](lmdb::WriteTxn& txn, lmdb::Database batches) {
             std::string batch(as_text(*txn.get(batches, 2).value()));
             batch[20] ^= 1;
             REQUIRE(txn.put(batches, 2, as_bytes(batch)));
         });
    const auto volume = Volume::open(log.directory(), {});
    REQUIRE_FALSE(volume);
    CHECK(volume.error().code == Errc::corrupt);
    CHECK(volume.error().offset == 2U);
}

TEST_CASE("volume: a damaged record is corrupt, with its offset, however it is read", "[store]") {
    TestLog log;
    log.append("a", {"0", "1"});
    log.append("a", {"2", "damaged", "4"});
    const std::string pushes_out_of_memory(limits::kMiB, 'x');
    for (int i = 0; i < 9; ++i) {
        log.append("b", {pushes_out_of_memory});
    }
    const std::string path = log.directory() + "/data.mdb";
    const std::string file = bytes_of_file(path);
    std::fstream disk(path, std::ios::in | std::ios::out | std::ios::binary);
    // Pages that were copied since hold it too.
    for (auto at = file.find("damaged"); at != std::string::npos;
         at = file.find("damaged", at + 1)) {
        disk.seekp(static_cast<std::streamoff>(at)).put('D');
    }
    disk.close();
    Read read;
    for (const Selection& selection :
         {Selection::all(), Selection::stream("a"), Selection::type("made")}) {
        read.selection = selection;
        const auto page = log.store().read(read);
        REQUIRE_FALSE(page);
        CHECK(page.error().code == Errc::corrupt);
        CHECK(page.error().offset == 3U);
    }
}

TEST_CASE("volume: an index that knows more than the log holds is no log to go on", "[store]") {
    TestLog log;
    log.append("s", {"0", "1"});
    log.append("s", {"2"});
    log.close();
    edit(
        log.directory(), "p0.producers", lmdb::Keys::bytes,
        [](lmdb::WriteTxn& txn, lmdb::Database producers) {
            const std::uint64_t covered = 4;
            REQUIRE(txn.put(producers, as_bytes("covered"), std::as_bytes(std::span(&covered, 1))));
        });
    const auto volume = Volume::open(log.directory(), {});
    REQUIRE_FALSE(volume);
    CHECK(volume.error().code == Errc::corrupt);
}

TEST_CASE("volume: the number of partitions is fixed", "[store]") {
    TestLog log(4);
    log.close();
    VolumeOptions options;
    options.partitions = 3;
    CHECK(Volume::open(log.directory(), options).error().code == Errc::invalid_argument);
    options.partitions = 1;
    const auto any = Volume::open(log.directory(), options);
    REQUIRE(any);
    CHECK((*any)->info().partitions.size() == 4);
}

TEST_CASE("volume: one append stays in one partition", "[store]") {
    TestLog log(16);
    Append two;
    two.streams = {{"a{x}", Expected::any(), {event_of("t", "")}},
                   {"b{x}", Expected::any(), {event_of("t", "")}}};
    CHECK(log.store().append(two));
    std::size_t refused = 0;
    for (int i = 0; i < 20; ++i) {
        two.streams[1].stream = "b" + std::to_string(i);
        const auto receipt = log.store().append(two);
        refused += !receipt && receipt.error().code == Errc::cross_partition ? 1 : 0;
    }
    CHECK(refused > 10);
}

TEST_CASE("volume: what was acknowledged is there after a restart", "[store]") {
    for (const std::uint16_t partitions : {std::uint16_t{1}, std::uint16_t{4}}) {
        TestLog log(partitions);
        for (int i = 0; i < 40; ++i) {
            log.append("s" + std::to_string(i % 5), {std::to_string(i)});
        }
        const auto before = log.read(Selection::all());
        const Position position = *log.store().position();
        log.reopen();
        CHECK(log.read(Selection::all()) == before);
        CHECK(*log.store().position() == position);
        CHECK(log.append("s0", {"x"}, Expected::exact(7)).version == Version{8});
    }
}

TEST_CASE("volume: event ids are known again after a restart", "[store]") {
    TestLog log;
    Append append = Append::one("s", event_of("t", ""));
    append.streams[0].events[0].id = Uuid{{1, 2, 3, 4, 5, 6, 0x80, 8, 0x80}};
    append.check_ids = true;
    const auto first = log.store().append(append);
    REQUIRE(first);
    // More than is replayed for index and producers.
    const std::vector<NewEvent> many(4096, event_of("t", "x"));
    for (int i = 0; i < 40; ++i) {
        REQUIRE(log.store().append(Append::many("many", many)));
    }
    log.reopen();
    const auto again = log.store().append(append);
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->offset == first->offset);
    // The start replays no more than the tail.
    log.close();
    edit(log.directory(), "p0.producers", lmdb::Keys::bytes,
         [](lmdb::WriteTxn& txn, lmdb::Database producers) {
             const auto covered = txn.get(producers, as_bytes("covered")).value();
             REQUIRE(covered);
             CHECK(load_le<std::uint64_t>(covered->data()) >= limits::kTailEventsMax);
         });
}

TEST_CASE("volume: a repeat is answered again when what found it is forgotten", "[store]") {
    TestLog log;
    wire::IdSource ids;
    NewEvent event = event_of("t", "");
    event.id = ids.next();
    Append append = Append::one("s", event);
    append.check_ids = true;
    const auto first = log.store().append(append);
    REQUIRE(first);
    const std::string bytes = wire::encode_request(append, ids).value().bytes;
    const Submission again{wire::RequestView::open(as_bytes(bytes)).value(),
                           Producer{random_uuid(), Epoch{1}, 0, 0}};
    REQUIRE(log.volume().append(again)->repeated);
    for (int i = 0; i < 2; ++i) {
        log.clock().advance(limits::kRecentIdsAge + std::chrono::seconds(1));
        log.append("other", {"x"});
    }
    CHECK_FALSE(log.store().append(append)->repeated);
    const auto later = log.volume().append(again);
    REQUIRE(later);
    CHECK(later->repeated);
    CHECK(later->offset == first->offset);
}

TEST_CASE("volume: a repeated delete for good gets its first receipt", "[store]") {
    TestLog log;
    log.append("s", {"a"});
    const Producer producer{random_uuid(), Epoch{1}, 0, 0};
    const auto remove = [&](const Producer& by) -> Result<AppendOutcome> {
        auto encoded = log.volume().encode_lifecycle({"s", Expected::any(), DeleteStream{true}});
        if (!encoded) {
            return encoded.error();
        }
        const std::vector<std::uint64_t> aligned = aligned_copy(*encoded);
        const Bytes bytes = std::as_bytes(std::span(aligned)).first(encoded->size());
        return log.volume().append({wire::RequestView::open(bytes, true).value(), by});
    };
    const auto first = remove(producer);
    REQUIRE(first);
    const auto again = remove(producer);
    INFO((again ? "" : again.error().message));
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->offset == first->offset);
    CHECK(remove({producer.id, Epoch{1}, 1, 1}).error().code == Errc::stream_tombstoned);
}

}  // namespace skald::store
