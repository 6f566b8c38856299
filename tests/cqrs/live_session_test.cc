// One live query on its way to an asker elsewhere: numbers, parts, the end.
#include "cqrs/live_session.h"

#include <deque>
#include <utility>

#include "cqrs/limits.h"
#include "skald/cqrs/done.h"
#include "tests/cqrs/shelf.h"

namespace skald::cqrs {
namespace {

LiveSession session_of(Shelf& shelf) {
    auto source = shelf.model().follow({});
    REQUIRE(source);
    return LiveSession(std::move(*source));
}

LiveAnswer poll(LiveSession& session, std::uint64_t received) {
    auto answer = session.poll({received, 0});
    REQUIRE(answer);
    return *answer;
}

std::string text_of(const LiveAnswer& answer) {
    return encode_value(answer).value();
}

class Given final : public LiveSource {
  public:
    explicit Given(std::deque<LiveNext> all) : all_(std::move(all)) {}
    LiveNext next(std::chrono::milliseconds) override {
        if (all_.empty()) {
            return {};
        }
        LiveNext first = std::move(all_.front());
        all_.pop_front();
        return first;
    }
    void stop() override {}
    std::size_t held() const override { return 0; }

  private:
    std::deque<LiveNext> all_;
};

}  // namespace

TEST_CASE("live session: an answer is given again until the next poll has it", "[cqrs]") {
    Shelf shelf;
    shelf.put_now({1, 1, "", {}});
    LiveSession session = session_of(shelf);
    const LiveAnswer first = poll(session, 0);
    CHECK(first.number == 1);
    REQUIRE(first.parts.size() == 1);
    CHECK(first.parts[0].kind == LiveKind::snapshot);
    CHECK(text_of(poll(session, 0)) == text_of(first));
    shelf.put_now({2, 2, "", {}});
    CHECK(text_of(poll(session, 0)) == text_of(first));
    const LiveAnswer second = poll(session, 1);
    CHECK(second.number == 2);
    REQUIRE(second.parts.size() == 1);
    CHECK(second.parts[0].kind == LiveKind::deltas);
    REQUIRE(second.parts[0].rows.size() == 1);
    CHECK(second.parts[0].rows[0].key == R"({"id":2})");
    // One without parts has no number of its own.
    for (int i = 0; i < 2; ++i) {
        const LiveAnswer none = poll(session, 2);
        CHECK(none.number == 2);
        CHECK(none.parts.empty());
    }
    CHECK(session.poll({1, 0}).error().code == Errc::invalid_argument);
    CHECK(session.poll({3, 0}).error().code == Errc::invalid_argument);
    shelf.put_now({2, 3, "", {}});
    shelf.put_now({2, 4, "", {}});
    const LiveAnswer third = poll(session, 2);
    CHECK(third.number == 3);
    CHECK(third.parts.size() == 2);  // all that waits
}

TEST_CASE("live session: resyncs and the end are told, the end again and again", "[cqrs]") {
    Shelf shelf;
    shelf.put_now({1, 1, "", {}});
    LiveSession session = session_of(shelf);
    poll(session, 0);
    shelf.empty();
    const LiveAnswer resync = poll(session, 1);
    REQUIRE(resync.parts.size() == 1);
    CHECK(resync.parts[0].kind == LiveKind::resync);
    CHECK(resync.parts[0].why == "rebuilding");
    CHECK(poll(session, 2).parts.empty());
    shelf.commit();
    CHECK(poll(session, 2).parts.at(0).kind == LiveKind::snapshot);
    shelf.close();
    for (std::uint64_t received = 3; received < 5; ++received) {
        const LiveAnswer end = poll(session, received);
        REQUIRE(end.parts.size() == 1);
        CHECK(end.parts[0].kind == LiveKind::ended);
        CHECK(end.parts[0].error == static_cast<std::uint32_t>(Errc::shutting_down));
        CHECK_FALSE(end.parts[0].message.empty());
    }
}

TEST_CASE("live session: what is larger than an answer comes in parts", "[cqrs]") {
    const std::string quotes(300'000, '"');  // two bytes each in the reply
    LiveSnapshot<std::string> snapshot{{}, at_offset(1), 1};
    LiveDeltas<std::string> deltas{{}, at_offset(2), 1};
    for (int i = 0; i < 4; ++i) {
        snapshot.rows.push_back({std::to_string(i), quotes});
        deltas.deltas.push_back({LiveOp::put, std::to_string(i), quotes});
    }
    deltas.deltas.push_back({LiveOp::removed, "4", std::string(2'000'000, 'x')});
    LiveDeltas<std::string> last{{{LiveOp::put, "5", "{}"}}, at_offset(3), 1};
    LiveSession session(std::make_unique<Given>(
        std::deque<LiveNext>{std::move(snapshot), std::move(deltas), std::move(last)}));
    // Rows of each snapshot and commit, which ends where there is no more of it.
    std::vector<std::size_t> told;
    std::size_t rows = 0;
    std::size_t answers = 0;
    std::vector<std::size_t> held;
    for (LiveAnswer answer = poll(session, 0); !answer.parts.empty();
         answer = poll(session, answer.number)) {
        held.push_back(session.held());
        std::size_t here = 0;
        for (const LivePart& part : answer.parts) {
            here += part.rows.size();
            rows += part.rows.size();
            if (!part.more) {
                told.push_back(std::exchange(rows, 0));
            }
        }
        ++answers;
        CHECK((here == 1 || text_of(answer).size() <= limits::kLiveAnswerBytesMax + 1024));
        CHECK(text_of(answer).size() <= skald::limits::kRequestBytesMax);
    }
    CHECK(answers > 5);
    CHECK(held.front() == 3 * (quotes.size() + 1));
    CHECK(held.back() == 0);
    CHECK(told == std::vector<std::size_t>{4, 5, 1});
}

TEST_CASE("live session: a row that fits into no reply ends it", "[cqrs]") {
    LiveSnapshot<std::string> snapshot{{}, at_offset(1), 1};
    snapshot.rows.push_back({"first", "{}"});
    snapshot.rows.push_back({"second", std::string(2'100'000, '"')});
    LiveSession session(std::make_unique<Given>(std::deque<LiveNext>{std::move(snapshot)}));
    const LiveAnswer answer = poll(session, 0);
    REQUIRE(answer.parts.size() == 1);
    CHECK(answer.parts[0].error == static_cast<std::uint32_t>(Errc::handler_failed));
    CHECK_THAT(answer.parts[0].message, Catch::Contains("second"));
}

TEST_CASE("live session: what it holds waits in its source or in itself", "[cqrs]") {
    Shelf shelf;
    shelf.put_now({1, 1, std::string(200, 'x'), {}});
    LiveSession session = session_of(shelf);
    CHECK(session.held() > 200);
    poll(session, 0);
    CHECK(session.held() == 0);
    shelf.put_now({2, 2, std::string(200, 'x'), {}});
    CHECK(session.held() > 200);
    poll(session, 1);
    CHECK(session.held() == 0);
}

TEST_CASE("live session: ended from outside, it lets go of what it holds and says why", "[cqrs]") {
    Shelf shelf;
    shelf.put_now({1, 1, "", {}});
    LiveSession session = session_of(shelf);
    const LiveAnswer first = poll(session, 0);
    shelf.put_now({2, 2, std::string(200, 'x'), {}});
    CHECK(session.held() > 200);
    session.end(Error(Errc::busy, "they hold too much"));
    CHECK(session.held() == 0);
    shelf.put_now({3, 3, std::string(200, 'x'), {}});
    CHECK(session.held() == 0);
    CHECK(text_of(poll(session, 0)) == text_of(first));
    const LiveAnswer end = poll(session, 1);
    REQUIRE(end.parts.size() == 1);
    CHECK(end.parts[0].kind == LiveKind::ended);
    CHECK(end.parts[0].error == static_cast<std::uint32_t>(Errc::busy));
    CHECK(end.parts[0].message == "they hold too much");
}

}  // namespace skald::cqrs
