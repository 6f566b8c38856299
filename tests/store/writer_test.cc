#include "store/writer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

// A process that reads a log and dies with its transaction open.
class DyingReader {
  public:
    DyingReader() {
        REQUIRE(pipe(paths_) == 0);
        REQUIRE(pipe(answers_) == 0);
        child_ = fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            run();
        }
    }
    ~DyingReader() {
        for (const int fd : {paths_[0], paths_[1], answers_[0], answers_[1]}) {
            close(fd);
        }
    }
    void read_and_die(const std::string& directory) const {
        char answer = 0;
        REQUIRE(write(paths_[1], directory.c_str(), directory.size() + 1) > 0);
        REQUIRE(read(answers_[0], &answer, 1) == 1);
        REQUIRE(answer == 'y');
        REQUIRE(waitpid(child_, nullptr, 0) == child_);
    }

  private:
    [[noreturn]] void run() const {
        char path[4096] = {};
        char answer = 'n';
        if (read(paths_[0], path, sizeof path - 1) > 0) {
            lmdb::EnvOptions options;
            options.create = false;
            options.access = lmdb::Access::read;
            auto env = lmdb::Env::open(path, options);
            auto txn = env ? (*env)->read() : env.error();
            answer = txn ? 'y' : 'n';
            (void)!write(answers_[1], &answer, 1);
            _exit(0);
        }
        _exit(1);
    }
    int paths_[2] = {};
    int answers_[2] = {};
    pid_t child_ = 0;
};

// Says who was told of its outcome, and holds the commit up when asked to.
class Listener final : public AppendListener {
  public:
    void on_outcome(std::uint64_t, const Result<AppendOutcome>& outcome) override {
        written_ = outcome.has_value();
        thread_ = std::this_thread::get_id();
    }
    void on_commit(const CommitTimes&) override {
        if (hold_.valid()) {
            reached_.set_value();
            hold_.wait();
        }
    }
    void hold(std::future<void> until) { hold_ = std::move(until); }
    std::future<void> reached() { return reached_.get_future(); }
    bool written() const { return written_; }
    std::thread::id thread() const { return thread_; }

  private:
    bool written_ = false;
    std::thread::id thread_;
    std::promise<void> reached_;
    std::future<void> hold_;
};

}  // namespace

TEST_CASE("writer: a lone request is committed by its caller, others are not", "[store]") {
    TestLog log;
    wire::IdSource ids;
    const std::string bytes =
        wire::encode_request(Append::one("s", event_of("t", "")), ids).value().bytes;
    const auto request = wire::RequestView::open(as_bytes(bytes)).value();

    Listener here;
    REQUIRE(log.volume().submit_here({request, std::nullopt, &here, 0}));
    CHECK(here.written());
    CHECK(here.thread() == std::this_thread::get_id());

    Listener holding;
    std::promise<void> release;
    holding.hold(release.get_future());
    auto reached = holding.reached();
    log.volume().submit(std::vector<Submission>{{request, std::nullopt, &holding, 0}});
    reached.wait();
    Listener refused;
    CHECK_FALSE(log.volume().submit_here({request, std::nullopt, &refused, 0}));
    release.set_value();
    log.reopen();
    CHECK_FALSE(refused.written());
    CHECK(log.data("s").size() == 2);
}

TEST_CASE("writer: a reader that died does not hold pages for ever", "[store]") {
    const DyingReader reader;
    TestLog log;
    log.append("s", {"0", "1"});
    reader.read_and_die(log.directory());
    log.change("s", EraseEvent{Version{0}});
    CHECK(log.scavenge().pages_kept > 0);
    log.clock().advance(limits::kReaderCheckEvery);
    log.append("s", {"2"});
    CHECK(log.scavenge().pages_kept == 0);
}

TEST_CASE("writer: each request of a commit gets its own outcome", "[store]") {
    TestLog log;
    std::vector<std::promise<Result<Receipt>>> promises(200);
    for (std::size_t i = 0; i < promises.size(); ++i) {
        Append append = Append::one("s", event_of("t", ""));
        // Every second one is wrong once the first was written.
        append.streams[0].expected = i % 2 == 0 ? Expected::any() : Expected::no_stream();
        log.store().append_async(std::move(append), [&promise = promises[i]](auto receipt) {
            promise.set_value(std::move(receipt));
        });
    }
    Version next{0};
    for (std::size_t i = 0; i < promises.size(); ++i) {
        const auto receipt = promises[i].get_future().get();
        REQUIRE(receipt.has_value() == (i % 2 == 0));
        if (receipt) {
            CHECK(receipt->version == next);
            ++next;
        } else {
            CHECK(receipt.error().code == Errc::wrong_expected_version);
        }
    }
}

TEST_CASE("writer: a repeat of what is on its way to the disk gets the first receipt", "[store]") {
    constexpr int kPairs = 3000;
    std::vector<std::promise<Result<Receipt>>> promises(2 * kPairs);
    TestLog log;
    wire::IdSource ids;
    for (int i = 0; i < kPairs; ++i) {
        NewEvent event = event_of("t", "");
        event.id = ids.next();
        const Append append =
            Append::one("s" + std::to_string(i), std::move(event), Expected::no_stream());
        for (const int again : {0, 1}) {
            auto& promise = promises[static_cast<std::size_t>(2 * i + again)];
            log.store().append_async(
                append, [&promise](auto receipt) { promise.set_value(std::move(receipt)); });
        }
    }
    for (int i = 0; i < kPairs; ++i) {
        const auto first = promises[static_cast<std::size_t>(2 * i)].get_future().get();
        const auto second = promises[static_cast<std::size_t>(2 * i + 1)].get_future().get();
        REQUIRE(first);
        REQUIRE(second);
        REQUIRE_FALSE(first->repeated);
        REQUIRE(second->repeated);
        REQUIRE(second->offset == first->offset);
    }
}

TEST_CASE("writer: what was submitted is committed before it ends", "[store]") {
    TestLog log;
    std::atomic<int> answers{0};
    for (int i = 0; i < 50; ++i) {
        log.store().append_async(Append::one("s", event_of("t", "")),
                                 [&](auto receipt) { answers += receipt ? 1 : 0; });
    }
    log.reopen();
    CHECK(answers == 50);
    CHECK(log.data("s").size() == 50);
}

TEST_CASE("writer: beyond its queue it is busy, and nothing was written", "[store]") {
    TestLog log;
    std::atomic<int> written{0};
    std::atomic<int> busy{0};
    // Until the first callback returns nothing more is committed.
    std::promise<void> filled;
    log.store().append_async(Append::one("s", event_of("t", "")),
                             [wait = filled.get_future().share()](const auto&) { wait.wait(); });
    const std::string large(limits::kMiB, 'x');
    for (int i = 0; i < 200; ++i) {
        log.store().append_async(Append::one("s", event_of("t", large)), [&](auto receipt) {
            written += receipt ? 1 : 0;
            busy += !receipt && receipt.error().code == Errc::busy ? 1 : 0;
        });
    }
    CHECK(busy > 0);
    CHECK(written == 0);
    filled.set_value();
    log.reopen();
    CHECK(written + busy == 200);
    CHECK(log.store().stream_info("s").value().last == Version(written.load() + 0ULL));
}

// Each commit may hold many of them: more than the room that the extender keeps free of itself.
TEST_CASE("writer: large changes beside the file's extender leave the log whole", "[store]") {
    TestLog log(1, true);
    const std::string large(limits::kSnapshotBytesMax, 'x');
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 3; ++i) {
                const std::string stream = "s" + std::to_string(t);
                (void)log.store().put_snapshot(stream, {Version(i + 0ULL), 0, large});
                (void)log.store().append(Append::one(stream, event_of("t", "")));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK_FALSE(log.volume().failure());
    log.reopen();
    CHECK(log.read(Selection::all()).size() == 24);
    for (int t = 0; t < 8; ++t) {
        CHECK(log.store().get_snapshot("s" + std::to_string(t)).value()->bytes == large);
    }
}

}  // namespace skald::store
