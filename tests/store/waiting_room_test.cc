#include "store/waiting_room.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <thread>

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

using namespace std::chrono_literals;
using Numbers = std::vector<int>;

// Requests, numbered from 1 in the order they come.
class Requests {
  public:
    Submission make(const std::vector<std::string>& streams, int producer = 0,
                    const std::string& data = "") {
        Append append;
        for (const std::string& stream : streams) {
            append.streams.push_back({stream, Expected::any(), {event_of("t", data)}});
        }
        bytes_.push_back(wire::encode_request(append, ids_).value().bytes);
        Submission submission{wire::RequestView::open(as_bytes(bytes_.back())).value(),
                              std::nullopt, nullptr, bytes_.size()};
        if (producer != 0) {
            submission.producer.emplace();
            submission.producer->id.bytes[0] = static_cast<std::uint8_t>(producer);
        }
        return submission;
    }

  private:
    wire::IdSource ids_;
    std::deque<std::string> bytes_;
};

Monotonic at(std::chrono::nanoseconds time) {
    return Monotonic{time};
}

// The queue "jobs", full with three, and appends to it.
struct FullQueue {
    FullQueue() {
        gate().open("jobs", {{3, 1'000'000}, 5s}, {});
        come({"jobs", "jobs", "jobs"});
        settle(3);
    }
    QueueGate& gate() { return log.volume().queues(); }
    // Appends, each a request; what becomes of them is told in `ended`.
    void come(const std::vector<std::string>& streams, std::optional<Uuid> producer = {}) {
        for (const std::string& stream : streams) {
            const int number = ++count;
            Append append = Append::one(stream, event_of("t", std::to_string(number)));
            if (producer) {
                append.producer = Producer{*producer, Epoch{1}, sequence++};
            }
            log.store().append_async(std::move(append), [this, number](const auto& receipt) {
                const std::scoped_lock lock(mutex);
                (receipt ? written : refused).push_back(number);
                changed.notify_all();
            });
        }
    }
    // Waits until so many have ended.
    void settle(std::size_t ended) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return written.size() + refused.size() >= ended; });
    }
    // What was submitted before has been looked at by then.
    void look() {
        std::thread([this] { log.append("looked", {"now"}); }).join();
    }
    void leave(std::uint64_t done) { gate().leave("jobs", {done, 0}); }

    TestLog log;
    std::mutex mutex;
    std::condition_variable changed;
    Numbers written;  // guarded by mutex, like the rest
    Numbers refused;
    int count = 0;
    std::uint64_t sequence = 0;
};

}  // namespace

TEST_CASE("waiting_room: what must not overtake waits as well", "[store]") {
    Requests requests;
    WaitingRoom room;
    CHECK(room.empty());
    CHECK_FALSE(room.holds_up(requests.make({"a"}, 1)));
    room.put(requests.make({"a", "b"}, 1), {}, at(0s), at(5s));
    CHECK(room.holds_up(requests.make({"x"}, 1)));
    CHECK(room.holds_up(requests.make({"x", "b"}, 2)));
    CHECK_FALSE(room.holds_up(requests.make({"x"}, 2)));
    CHECK_FALSE(room.holds_up(requests.make({"x"})));
    Submission of_thread = requests.make({"c"});
    of_thread.source = 7;
    room.put(of_thread, {}, at(0s), at(9s));
    of_thread = requests.make({"y"});
    CHECK_FALSE(room.holds_up(of_thread));
    of_thread.source = 7;
    CHECK(room.holds_up(of_thread));
}

TEST_CASE("waiting_room: who is first in all lines is tried, and then those behind it", "[store]") {
    Requests requests;
    WaitingRoom room;
    const auto put = [&](const std::vector<std::string>& streams, int producer,
                         std::optional<Monotonic> until) {
        room.put(requests.make(streams, producer), {}, at(1s), until);
    };
    // What is tried now; `stays` says who finds no room.
    const auto tried = [&](const Numbers& stays = {}) {
        Numbers numbers;
        while (WaitingRoom::Waiter* const waiter = room.next()) {
            const int number = static_cast<int>(waiter->submission.tag);
            numbers.push_back(number);
            if (std::find(stays.begin(), stays.end(), number) != stays.end()) {
                room.stay(*waiter, at(9s));
            } else {
                room.leave(*waiter);
            }
        }
        return numbers;
    };
    put({"a"}, 1, at(5s));             // 1
    put({"b", "a"}, 0, std::nullopt);  // 2
    put({"c"}, 2, at(3s));             // 3
    put({"x"}, 1, std::nullopt);       // 4
    put({"b"}, 0, std::nullopt);       // 5
    CHECK(room.next_try() == at(3s));
    room.time_is(at(2s));
    CHECK(tried().empty());
    room.room_in("b");  // whose first waits for a as well
    room.room_in("z");
    CHECK(tried().empty());
    room.room_in("a");
    room.room_in("a");
    CHECK(room.next_try() == Monotonic{});
    CHECK(tried({1}) == Numbers{1});
    CHECK(room.next_try() == at(3s));
    room.time_is(at(3s));
    CHECK(tried() == Numbers{3});
    CHECK(room.next_try() == at(9s));

    SECTION("when there is room") {
        room.room_in("a");
        CHECK(tried() == Numbers{1, 4, 2, 5});
    }
    SECTION("when one behind finds none") {
        room.room_in("a");
        CHECK(tried({2}) == Numbers{1, 4, 2});
        room.time_is(at(9s));
        CHECK(tried() == Numbers{2, 5});
    }
    SECTION("when all are to be tried") {
        room.try_all();
        CHECK(tried() == Numbers{1, 4, 2, 5});
    }
    CHECK(room.empty());
    CHECK_FALSE(room.next_try());
    CHECK_FALSE(room.holds_up(requests.make({"a"}, 1)));
}

TEST_CASE("waiting_room: keeps requests of its own", "[store]") {
    WaitingRoom room;
    std::string name;
    {
        Requests requests;
        room.put(requests.make({"a-stream-of-some-length"}), {}, at(0s), at(5s));
    }
    room.try_all();
    const wire::RequestView& kept = room.next()->submission.request;
    CHECK(kept.name(kept.stream(0).name) == "a-stream-of-some-length");
}

TEST_CASE("waiting_room: is bounded", "[store]") {
    Requests requests;
    WaitingRoom room;
    room.put(requests.make({"a"}, 1), {}, at(0s), at(5s));
    SECTION("by requests") {
        const Submission small = requests.make({"a"}, 1);
        for (std::size_t n = 1; n < limits::kWaitingRequestsMax; ++n) {
            REQUIRE(room.has_room(small));
            room.put(small, {}, at(0s), std::nullopt);
        }
        CHECK_FALSE(room.has_room(small));
    }
    SECTION("by bytes") {
        const Submission large = requests.make({"a"}, 1, std::string(limits::kMiB, 'x'));
        for (std::size_t n = 1; n < limits::kWaitingBytesMax / limits::kMiB; ++n) {
            REQUIRE(room.has_room(large));
            room.put(large, {}, at(0s), std::nullopt);
        }
        CHECK_FALSE(room.has_room(large));
        CHECK(room.has_room(requests.make({"a"}, 1)));
    }
    room.try_all();
    while (WaitingRoom::Waiter* const waiter = room.next()) {
        room.leave(*waiter);
    }
    CHECK(room.has_room(requests.make({"a"}, 1, std::string(limits::kMiB, 'x'))));
}

TEST_CASE("waiting_room: a full queue lets appends wait for room, in their order", "[store]") {
    FullQueue f;
    f.come({"jobs", "other", "jobs", "jobs"});
    f.look();
    // Not one of this thread before another.
    CHECK(f.written == Numbers{1, 2, 3});
    f.leave(1);
    f.settle(5);
    f.look();
    CHECK(f.written == Numbers{1, 2, 3, 4, 5});
    // Not before those that wait.
    f.come({"jobs"});
    f.look();
    f.leave(3);
    f.settle(8);
    CHECK(f.written == Numbers{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(f.refused.empty());
}

TEST_CASE("waiting_room: after its time an append is refused, and others go on", "[store]") {
    FullQueue f;
    const Uuid producer{{7}};
    f.come({"jobs", "other"}, producer);
    f.look();
    f.log.clock().advance(4s);
    std::thread([&] { f.come({"jobs"}); }).join();
    f.look();
    CHECK(f.written == Numbers{1, 2, 3});
    f.log.clock().advance(1s);
    f.look();
    f.settle(5);
    CHECK(f.written == Numbers{1, 2, 3, 5});
    CHECK(f.refused == Numbers{4});
    // The first one was decided: the producer goes on behind it, and does not get in with it.
    f.leave(1);
    f.settle(6);
    f.come({"other"}, producer);
    f.settle(7);
    CHECK(f.written == Numbers{1, 2, 3, 5, 6, 7});
    f.come({"jobs"});
    f.look();
    f.log.clock().advance(5s);
    f.look();
    f.settle(8);
    CHECK(f.refused == Numbers{4, 8});
}

TEST_CASE("waiting_room: nothing waits longer than the store is open", "[store]") {
    FullQueue f;
    f.come({"jobs", "jobs"});
    f.look();
    SECTION("when it closes") {
        f.log.close();
    }
    SECTION("when waiting ends before") {
        f.gate().allow_waits(false);
    }
    f.settle(5);
    CHECK(f.refused == Numbers{4, 5});
}

TEST_CASE("waiting_room: a call of a thread does not overtake what the thread began before",
          "[store]") {
    const TempDirectory directory;
    auto volume = Volume::open(directory.path("v"), {});
    REQUIRE(volume);
    const auto store = make_local_store(**volume);
    REQUIRE(store->append(Append::one("other", event_of("t", ""))));
    (*volume)->queues().open("jobs", {{1, 1000}, 20ms}, {1, 10});
    std::atomic<bool> ended{false};
    store->append_async(Append::one("jobs", event_of("t", "")), [&](const auto&) { ended = true; });
    SECTION("an append") {
        CHECK(store->append(Append::one("other", event_of("t", ""))));
    }
    SECTION("a change") {
        CHECK(store->change_stream({"other", Expected::any(), TruncateStream{Version{1}}}));
    }
    CHECK(ended);
}

TEST_CASE("waiting_room: a store that fails lets nobody wait", "[store]") {
    const TempDirectory directory;
    VolumeOptions options;
    options.map_bytes = std::size_t{4} << 20;
    auto volume = Volume::open(directory.path("v"), options);
    REQUIRE(volume);
    (*volume)->queues().open("jobs", {{1, 1000}, 10min}, {1, 10});
    Requests requests;
    const Submission waits = requests.make({"jobs"});
    auto ended = std::async(std::launch::async, [&] { return (*volume)->append(waits); });
    while (!(*volume)->failure()) {
        (void)(*volume)->append(requests.make({"large"}, 0, std::string(500'000, 'x')));
    }
    CHECK(ended.get().error().code == Errc::store_failed);
}

TEST_CASE("waiting_room: the time ends by itself", "[store]") {
    const TempDirectory directory;
    auto volume = Volume::open(directory.path("v"), {});
    REQUIRE(volume);
    (*volume)->queues().open("jobs", {{1, 1000}, 20ms}, {1, 10});
    Requests requests;
    CHECK((*volume)->append(requests.make({"jobs"})).error().code == Errc::busy);
}

TEST_CASE("waiting_room: those that have room go before what came later, in a full commit too",
          "[store]") {
    FullQueue f;
    f.come({"jobs"});
    f.look();
    // Holds the commit up, so that more comes than the next can take.
    std::promise<void> held;
    std::promise<void> reached;
    std::thread([&] {
        f.log.store().append_async(Append::one("first", event_of("t", "")), [&](const auto&) {
            reached.set_value();
            held.get_future().wait();
        });
    }).join();
    reached.get_future().wait();
    const std::string large(limits::kMiB - 1000, 'x');
    std::thread([&] {
        for (int i = 0; i < 20; ++i) {
            f.log.store().append_async(Append::one("large", event_of("t", large)),
                                       [&](const auto&) {
                                           const std::scoped_lock lock(f.mutex);
                                           f.written.push_back(100);
                                           f.changed.notify_all();
                                       });
        }
    }).join();
    f.leave(1);
    held.set_value();
    f.settle(24);
    const auto at = std::find(f.written.begin(), f.written.end(), 4) - f.written.begin();
    CHECK(at <= 3 + 5);
}

TEST_CASE("waiting_room: who waits is checked once more when there is room", "[store]") {
    FullQueue f;
    std::promise<Result<Receipt>> ended;
    f.log.store().append_async(Append::one("jobs", event_of("t", ""), Expected::stream_exists()),
                               [&](auto receipt) { ended.set_value(std::move(receipt)); });
    f.look();
    SECTION("and goes in") {
        f.leave(1);
        CHECK(ended.get_future().get()->version == Version{3});
    }
    SECTION("and may be wrong by then") {
        std::thread([&] { f.log.change("jobs", DeleteStream{}); }).join();
        f.leave(1);
        CHECK(ended.get_future().get().error().code == Errc::wrong_expected_version);
        CHECK(f.gate().held("jobs")->count == 2);
    }
}

}  // namespace skald::store
