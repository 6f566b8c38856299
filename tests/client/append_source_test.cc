#include "client/append_source.h"

#include <catch2/catch.hpp>
#include <deque>

namespace skald::client {
namespace {

class Queue final : public CallQueue {
  public:
    bool take_room(std::size_t bytes) override {
        if (appends == most) {
            return false;
        }
        ++appends;
        room += bytes;
        return true;
    }
    void give_room(std::size_t given, std::size_t bytes) override {
        appends -= given;
        room -= bytes;
    }
    bool submit(std::unique_ptr<Sequenced>& call, AppendSource* open) override {
        if (closed) {
            return false;
        }
        calls.push_back({std::move(call), open});
        return true;
    }

    struct Submitted {
        std::unique_ptr<Sequenced> call;
        AppendSource* open;
    };
    std::deque<Submitted> calls;
    std::size_t appends = 0;
    std::size_t room = 0;
    std::size_t most = 1000;
    bool closed = false;
};

// What is submitted, and what became of each append.
struct Fixture {
    void append(const Append& request) {
        const std::size_t call = results.size();
        results.emplace_back();
        source.append(
            request, Partition{},
            [this, call](Result<Receipt> result) { results[call].push_back(std::move(result)); },
            queue, spare);
    }
    void append(const std::string& stream, const std::string& data = "x",
                Expected expected = Expected::any()) {
        NewEvent event;
        event.type = "t";
        event.data = data;
        append(Append::one(stream, event, expected));
    }
    // The loop takes the oldest call.
    std::unique_ptr<Sequenced> take() {
        auto [call, open] = std::move(queue.calls.front());
        queue.calls.pop_front();
        if (open != nullptr) {
            open->close(*call, memory);
        }
        return std::move(call);
    }
    std::vector<std::string> data_of(const Sequenced& call) {
        const auto view = wire::RequestView::open(as_bytes(call.request));
        REQUIRE(view);
        std::vector<std::string> data;
        for (std::uint32_t i = 0; i < view->header().records; ++i) {
            data.emplace_back(wire::parse_record(view->record_bytes(i))->data);
        }
        return data;
    }
    Errc error(std::size_t call) {
        REQUIRE(results[call].size() == 1);
        REQUIRE_FALSE(results[call][0]);
        return results[call][0].error().code;
    }

    Queue queue;
    SpareCalls spare;
    AppendSource source;
    wire::RequestGroup memory;
    std::vector<std::vector<Result<Receipt>>> results;
};

using Data = std::vector<std::string>;

}  // namespace

TEST_CASE("append source: appends to one stream share a call until it is taken", "[client]") {
    Fixture f;
    f.append("a", "1");
    f.append("a", "2");
    REQUIRE(f.queue.calls.size() == 1);
    const auto first = f.take();
    f.append("a", "3");
    REQUIRE(f.queue.calls.size() == 1);
    CHECK(f.data_of(*first) == Data{"1", "2"});
    CHECK(first->members.size() == 2);
    CHECK(first->stream == "a");
    CHECK(f.data_of(*f.take()) == Data{"3"});
}

TEST_CASE("append source: no append passes another", "[client]") {
    Fixture f;
    f.append("a", "1");
    f.append("b", "2");
    f.append("a", "3");
    f.append("a", "4", Expected::exact(1));
    f.append("a", "5");
    f.append("a", "6");
    REQUIRE(f.queue.calls.size() == 5);
    for (const Data& data : {Data{"1"}, Data{"2"}, Data{"3"}, Data{"4"}, Data{"5", "6"}}) {
        CHECK(f.data_of(*f.take()) == data);
    }
}

TEST_CASE("append source: each append of a call gets its own receipt", "[client]") {
    Fixture f;
    NewEvent event;
    event.type = "t";
    f.append("a");
    f.append(Append::many("a", {event, event, event}));
    f.append("a");
    Written written;
    written.version = Version{14};
    written.offset = Offset{104};
    written.lineage = Uuid{};
    written.digest = 7;
    Resolved resolved{f.take(), written};
    const auto view = wire::RequestView::open(as_bytes(resolved.call->request));
    resolved.finish();
    const std::uint64_t expected[][3] = {{10, 100, 0}, {13, 103, 3}, {14, 104, 4}};
    for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE(f.results[i].size() == 1);
        const Receipt& receipt = *f.results[i][0];
        CHECK(receipt.stream == "a");
        CHECK(receipt.version.value == expected[i][0]);
        CHECK(receipt.offset.value == expected[i][1]);
        CHECK(receipt.id == view->record_id(static_cast<std::uint32_t>(expected[i][2])));
        REQUIRE(receipt.position.partitions.size() == 1);
        CHECK(receipt.position.partitions[0].next.value == expected[i][1] + 1);
    }
}

TEST_CASE("append source: what refuses a call refuses each append in it, once", "[client]") {
    Fixture f;
    f.append("a");
    f.append("a");
    Resolved resolved{f.take(), Error(Errc::stream_tombstoned, "gone")};
    resolved.finish();
    CHECK(f.error(0) == Errc::stream_tombstoned);
    CHECK(f.error(1) == Errc::stream_tombstoned);
}

TEST_CASE("append source: what is too large for a queue together may be tried alone", "[client]") {
    Fixture f;
    f.append("a");
    const bool together = GENERATE(true, false);
    if (together) {
        f.append("a");
    }
    Resolved resolved{f.take(), Error(Errc::request_too_large, "the queue holds one")};
    resolved.finish();
    CHECK(f.error(0) == (together ? Errc::busy : Errc::request_too_large));
}

TEST_CASE("append source: room is counted for each append, and given back as it was", "[client]") {
    Fixture f;
    f.append("a", std::string(100, 'x'));
    f.append("a", std::string(200, 'x'));
    f.append("a", std::string(9000, 'x'));
    CHECK(f.queue.appends == 3);
    std::size_t room = 0;
    while (!f.queue.calls.empty()) {
        const auto call = f.take();
        CHECK(call->room >= call->request.size() / 2);
        room += call->room;
    }
    CHECK(room == f.queue.room);
}

TEST_CASE("append source: without room, or of a client that closes, an append is busy",
          "[client]") {
    Fixture f;
    f.queue.most = 1;
    f.append("a", "1");
    f.append("a", "2");
    f.append("a", "3", Expected::no_stream());
    CHECK(f.error(1) == Errc::busy);
    CHECK(f.error(2) == Errc::busy);
    CHECK(f.data_of(*f.take()) == Data{"1"});

    f.queue.most = 1000;
    f.queue.closed = true;
    f.append("a", "4");
    f.append("a", "5", Expected::no_stream());
    CHECK(f.error(3) == Errc::busy);
    CHECK(f.error(4) == Errc::busy);
    CHECK(f.queue.appends == 1);

    f.queue.closed = false;
    f.append("a", "6");
    CHECK(f.data_of(*f.take()) == Data{"6"});
}

TEST_CASE("append source: an append that breaks a rule is refused alone", "[client]") {
    Fixture f;
    f.append("a", "1");
    f.append(Append::many("a", {}));
    NewEvent nameless;
    f.append(Append::one("a", nameless));
    f.append("a", "2");
    CHECK(f.error(1) == Errc::invalid_argument);
    CHECK(f.error(2) == Errc::invalid_event);
    CHECK(f.queue.appends == 2);
    CHECK(f.data_of(*f.take()) == Data{"1", "2"});
}

}  // namespace skald::client
