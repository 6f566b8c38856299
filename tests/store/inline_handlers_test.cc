#include "store/inline_handlers.h"

#include <atomic>
#include <future>
#include <thread>

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

// Counts events in a database of its own, and refuses those whose data is its word.
class Counter final : public InlineHandler {
  public:
    Counter(InlineHost& host, std::string name, std::string refuses = "no")
        : host_(host), name_(std::move(name)), refuses_(std::move(refuses)) {
        REQUIRE(host_.alone([&] {
            return host_.write_alone([&](lmdb::WriteTxn& txn) -> Result<void> {
                auto opened = txn.open(("test." + name_).c_str(), lmdb::Keys::integers);
                database_ = opened ? *opened : lmdb::Database{};
                return opened ? Result<void>() : opened.error();
            });
        }));
        attach();
    }
    ~Counter() override { leave(); }

    void attach() {
        REQUIRE(host_.alone([&]() -> Result<void> {
            host_.attach(*this);
            attached_ = true;
            return {};
        }));
    }
    void leave() {
        if (std::exchange(attached_, false)) {
            host_.detach(*this);
        }
    }

    const std::string& name() const override { return name_; }
    Result<void> apply(std::span<const EventView> request) override {
        overlaps += writing ? 1 : 0;
        for (const EventView& event : request) {
            if (event.data == refuses_) {
                return refusal;
            }
        }
        for (const EventView& event : request) {
            seen.emplace_back(event);
        }
        last_ = request.size();
        return {};
    }
    void undo() override {
        seen.resize(seen.size() - last_);
        ++undone;
    }
    Result<void> write(lmdb::WriteTxn& txn, const Position& end) override {
        writing = true;
        ends.push_back(end);
        auto ok = txn.put(database_, 0, as_bytes(std::to_string(seen.size())));
        return write_error ? *write_error : ok;
    }
    void committed() override {
        writing = false;
        ++commits;
    }
    void abandoned() override {
        writing = false;
        ++abandons;
    }

    std::optional<std::string> stored() const {
        auto txn = host_.env().read();
        REQUIRE(txn);
        auto found = txn->get(database_, 0);
        REQUIRE(found);
        return *found ? std::optional(std::string(as_text(**found))) : std::nullopt;
    }

    Error refusal{Errc::handler_failed, "refused by the test"};
    std::optional<Error> write_error;
    std::vector<Event> seen;
    std::vector<Position> ends;
    std::atomic<int> commits = 0;
    int abandons = 0;
    std::atomic<bool> writing = false;  // on its way to the disk
    std::atomic<int> overlaps = 0;      // requests that were decided meanwhile
    int undone = 0;

  private:
    InlineHost& host_;
    const std::string name_;
    const std::string refuses_;
    lmdb::Database database_;
    bool attached_ = false;
    std::size_t last_ = 0;
};

Result<Receipt> append(TestLog& log, const std::string& stream, const std::string& data,
                       Expected expected = Expected::any()) {
    return log.store().append(Append::one(stream, event_of("t", data), expected));
}

// What waits while a commit gives its outcomes is one commit.
std::vector<Result<Receipt>> append_together(TestLog& log, const std::vector<Append>& appends) {
    std::promise<void> entered;
    std::promise<void> release;
    log.store().append_async(Append::one("gate", event_of("t", "")), [&](const auto&) {
        entered.set_value();
        release.get_future().wait();
    });
    entered.get_future().wait();
    std::vector<std::promise<Result<Receipt>>> promises(appends.size());
    for (std::size_t i = 0; i < appends.size(); ++i) {
        log.store().append_async(appends[i], [&promise = promises[i]](auto receipt) {
            promise.set_value(std::move(receipt));
        });
    }
    release.set_value();
    std::vector<Result<Receipt>> receipts;
    for (auto& promise : promises) {
        receipts.push_back(promise.get_future().get());
    }
    return receipts;
}

}  // namespace

TEST_CASE("inline handlers: see events as they are stored then", "[store]") {
    TestLog log(GENERATE(std::uint16_t{1}, std::uint16_t{4}));
    log.append("before", {"0"});
    Counter counter(log.volume().inline_host(), "a");
    NewEvent full = event_of("full", "data");
    full.tags = {"one", "two"};
    full.correlation_id = "flow";
    Append two;
    two.streams.push_back({"{x}-1", Expected::no_stream(), {full, event_of("t", "")}});
    two.streams.push_back({"{x}-2", Expected::any(), {event_of("u", "more")}});
    const auto receipt = log.store().append(two);
    REQUIRE(receipt);
    REQUIRE(append(log, "{x}-1", "third"));
    const auto stored = log.read(Selection::all());
    REQUIRE(stored.size() == 5);
    CHECK(counter.seen == std::vector<Event>(stored.begin() + 1, stored.end()));
    CHECK(counter.commits == 2);
    CHECK(counter.abandons == 0);
    CHECK(counter.ends.back() == *log.store().position());
    CHECK(counter.stored() == "4");
}

TEST_CASE("inline handlers: a refused request leaves nothing in a group commit", "[store]") {
    TestLog log;
    Counter counter(log.volume().inline_host(), "a");
    const auto receipts =
        append_together(log, {Append::one("s", event_of("t", "1")),
                              Append::one("s", event_of("t", "no"), Expected::exact(0)),
                              Append::one("s", event_of("t", "2"), Expected::exact(0))});
    REQUIRE(receipts[0]);
    REQUIRE_FALSE(receipts[1]);
    CHECK(receipts[1].error() == counter.refusal);
    REQUIRE(receipts[2]);
    CHECK(log.data("s") == std::vector<std::string>{"1", "2"});
    const auto events = log.read(Selection::stream("s"));
    CHECK(events[0].recorded_at == events[1].recorded_at);
    CHECK(receipts[2]->offset == receipts[0]->offset + 1);
    CHECK(counter.commits == 2);  // the gate's, and that of the three
    CHECK(counter.stored() == "3");
    // Fences, and what a stream is known to be, as before.
    Append fenced = Append::one("new", event_of("t", "no"), Expected::no_stream());
    fenced.fence = Fence{"f", 7};
    CHECK_FALSE(log.store().append(fenced));
    fenced.streams[0].events[0].data = "yes";
    fenced.fence->token = 6;
    CHECK(log.store().append(fenced));
    CHECK(counter.abandons == 1);  // a commit with nothing in it
}

TEST_CASE("inline handlers: a producer's refused request stays refused", "[store]") {
    TestLog log;
    Counter counter(log.volume().inline_host(), "a");
    wire::IdSource ids;
    Append request = Append::one("s", event_of("t", "no"));
    request.producer = Producer{ids.next(), Epoch{1}, 0, 0};
    auto receipt = log.store().append(request);
    REQUIRE_FALSE(receipt);
    CHECK(receipt.error().code == Errc::handler_failed);
    receipt = log.store().append(request);
    REQUIRE_FALSE(receipt);
    CHECK(receipt.error().code == Errc::already_rejected);
    request.streams[0].events[0].data = "yes";
    request.producer->sequence = 1;
    const auto written = log.store().append(request);
    REQUIRE(written);
    const auto repeated = log.store().append(request);
    REQUIRE(repeated);
    CHECK(repeated->repeated);
    CHECK(repeated->offset == written->offset);
    CHECK(counter.seen.size() == 1);  // a repeat is not asked again
}

TEST_CASE("inline handlers: when one refuses the others forget the request", "[store]") {
    TestLog log;
    Counter first(log.volume().inline_host(), "first", "no");
    Counter second(log.volume().inline_host(), "second", "never");
    REQUIRE(append(log, "s", "1"));
    CHECK_FALSE(append(log, "s", "never"));
    CHECK(first.undone == 1);
    CHECK(second.undone == 0);
    CHECK_FALSE(append(log, "s", "no"));
    CHECK(first.undone == 1);
    CHECK(second.undone == 0);
    REQUIRE(append(log, "s", "2"));
    CHECK(first.stored() == "2");
    CHECK(second.stored() == "2");
    second.leave();
    CHECK(append(log, "s", "never"));
    CHECK(first.stored() == "3");
    CHECK(second.stored() == "2");
}

TEST_CASE("inline handlers: an error of storage stops the volume, and nothing is there",
          "[store]") {
    TestLog log;
    {
        Counter counter(log.volume().inline_host(), "a");
        REQUIRE(append(log, "s", "1"));
        Result<Receipt> receipt = Error(Errc::busy, "");
        SECTION("of a request") {
            counter.refusal = Error(Errc::io_error, "of the test");
            receipt = append(log, "s", "no");
        }
        SECTION("of the commit") {
            counter.write_error = Error(Errc::map_full, "of the test");
            receipt = append(log, "s", "2");
            REQUIRE_FALSE(receipt);
            CHECK(receipt.error().code == Errc::outcome_unknown);
        }
        CHECK_FALSE(receipt);
        CHECK(counter.abandons == 1);
        CHECK(counter.stored() == "1");
        REQUIRE(log.volume().failure());
        CHECK_THAT(log.volume().failure()->message, Catch::Contains("of the test"));
        CHECK(append(log, "s", "3").error().code == Errc::store_failed);
    }
    log.reopen();
    CHECK(log.data("s") == std::vector<std::string>{"1"});
}

TEST_CASE("inline handlers: lifecycle changes pass through them", "[store]") {
    TestLog log;
    Counter counter(log.volume().inline_host(), "a");
    log.append("s", {"0", "1", "2"});
    log.change("s", TruncateStream{Version{1}});
    log.change("s", EraseEvent{Version{1}});
    CHECK(log.data("s") == std::vector<std::string>{"2"});
    REQUIRE(counter.seen.size() == 5);
    CHECK(counter.seen[3].control);
    CHECK(append(log, "s", "3", Expected::exact(2)));
    log.change("s", DeleteStream{true});
    CHECK(append(log, "s", "4").error().code == Errc::stream_tombstoned);
    CHECK(counter.stored() == "7");
}

TEST_CASE("inline handlers: a name is claimed once, and only some are", "[store]") {
    TestLog log;
    InlineHost& host = log.volume().inline_host();
    REQUIRE(host.claim("0"));
    CHECK(host.claim("0").error().code == Errc::already_exists);
    for (std::size_t i = 1; i < limits::kInlineHandlersMax; ++i) {
        REQUIRE(host.claim(std::to_string(i)));
    }
    CHECK(host.claim("more").error().code == Errc::request_too_large);
    host.release("0");
    CHECK(host.claim("more"));
}

TEST_CASE("inline handlers: a change that fails alone is undone and stops nothing", "[store]") {
    TestLog log;
    Counter counter(log.volume().inline_host(), "a");
    InlineHost& host = log.volume().inline_host();
    const auto ok = host.alone([&] {
        return host.write_alone([&](lmdb::WriteTxn& txn) -> Result<void> {
            REQUIRE(txn.open("test.other", lmdb::Keys::bytes));
            return Error(Errc::invalid_argument, "changed its mind");
        });
    });
    CHECK(ok.error().message == "changed its mind");
    auto txn = host.env().read();
    REQUIRE(txn);
    CHECK_FALSE(*txn->find("test.other", lmdb::Keys::bytes));
    CHECK(append(log, "s", "1"));
}

// Beside an extender that races every commit, and readers and writers at once.
TEST_CASE("inline handlers: attached and detached while others append", "[store]") {
    TestLog log(1, true);
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> written = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            while (!stop) {
                written += append(log, "s" + std::to_string(t), std::string(2000, 'x')) ? 1 : 0;
            }
        });
    }
    Counter counter(log.volume().inline_host(), "a");
    for (int round = 0; round < 20; ++round) {
        const int commits = counter.commits;
        while (counter.commits < commits + 3) {
            std::this_thread::yield();
        }
        counter.leave();
        counter.attach();
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(counter.overlaps == 0);
    CHECK(counter.stored() == std::to_string(counter.seen.size()));
    CHECK_FALSE(log.volume().failure());
    counter.leave();
    log.reopen();
    CHECK(log.store().position()->partitions[0].next.value == written);
}

}  // namespace skald::store
