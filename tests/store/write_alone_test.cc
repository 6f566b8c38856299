// What an inline projection changes beside the log's commits.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "base/limits.h"
#include "store/inline_handler.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

// No file of this process grows beyond a size: a write there fails.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(std::uintmax_t bytes) {
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit low{std::min<rlim_t>(bytes, before_.rlim_max), before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
    }
    ~FileSizeLimit() {
        (void)setrlimit(RLIMIT_FSIZE, &before_);
        (void)std::signal(SIGXFSZ, signal_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  private:
    rlimit before_{};
    void (*const signal_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

}  // namespace

// The extender is close and far from done when a commit of many pages goes through where it writes.
TEST_CASE("write alone: large changes beside the file's extender are whole", "[store]") {
    const TempDirectory directory;
    VolumeOptions options;
    options.map_bytes = limits::kGiB;
    options.ahead = {0, 2 * limits::kMiB, 512 * limits::kMiB, 2 * limits::kMiB, 0, 0};
    auto volume = Volume::open(directory.path("log"), options);
    REQUIRE(volume);
    const auto store = make_local_store(**volume);
    InlineHost& host = (*volume)->inline_host();
    lmdb::Database database;
    std::uint64_t next = 0;
    const auto value_of = [](std::uint64_t i) {
        return std::string(limits::kMiB, static_cast<char>('a' + i % 26));
    };
    for (const std::uint64_t values : {10, 20, 30, 40, 50}) {
        REQUIRE(store->append(Append::one("s", event_of("t", ""))));  // wakes it
        REQUIRE(host.alone([&] {
            return host.write_alone([&](lmdb::WriteTxn& txn) -> Result<void> {
                database = txn.open("test.large", lmdb::Keys::integers).value();
                Result<void> ok;
                for (const std::uint64_t end = next + values; ok && next < end; ++next) {
                    ok = txn.append(database, next, as_bytes(value_of(next)));
                }
                return ok;
            });
        }));
    }
    auto txn = host.env().read();
    REQUIRE(txn);
    for (std::uint64_t i = 0; i < next; ++i) {
        auto found = txn->get(database, i);
        REQUIRE(found);
        REQUIRE(*found);
        REQUIRE(as_text(**found) == value_of(i));
    }
}

TEST_CASE("write alone: a change that is not committed stops the volume", "[store]") {
    TestLog log;
    log.append("s", {"0"});
    InlineHost& host = log.volume().inline_host();
    const auto change = [&](std::size_t bytes, const Result<void>& outcome) {
        return host.alone([&] {
            return host.write_alone([&](lmdb::WriteTxn& txn) -> Result<void> {
                auto database = txn.open("test.large", lmdb::Keys::integers);
                auto ok = database ? txn.put(*database, 1, as_bytes(std::string(bytes, 'x')))
                                   : database.error();
                return ok ? outcome : ok;
            });
        });
    };
    // One that fails by itself does not.
    CHECK(change(1, Error(Errc::handler_failed, "not wanted")).error().code ==
          Errc::handler_failed);
    CHECK_FALSE(log.volume().failure());
    log.append("s", {"1"});
    {
        const FileSizeLimit full(std::filesystem::file_size(log.directory() + "/data.mdb"));
        CHECK(change(limits::kMiB, {}).error().code == Errc::io_error);
    }
    CHECK(log.volume().failure());
    CHECK(log.store().append(Append::one("s", event_of("t", "2"))).error().code ==
          Errc::store_failed);
    log.reopen();
    CHECK(log.data("s") == std::vector<std::string>{"0", "1"});
}

}  // namespace skald::store
