#include "client/remote_coord.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

#include "client/limits.h"
#include "tests/wire/frame.h"
#include "wire/coord_messages.h"

namespace skald::client {
namespace {

using namespace std::chrono_literals;
using coord::KeyRange;
using coord::Revision;
using std::chrono::milliseconds;
using wire::CoordReply;
using wire::CoordRequest;

struct Poll {
    std::string service;
    CoordRequest request;
    milliseconds time{0};
    std::function<void(Result<std::string>)> answer;

    void reply(const CoordReply& reply) const { answer(wire::encode(reply)); }
};

// A node's services of coordination as a test plays them. Outlives the client's hold on it.
class Polls {
  public:
    void add(Poll poll) {
        const std::lock_guard lock(mutex_);
        polls_.push_back(std::move(poll));
        come_.notify_all();
    }
    // The next one, once it is there.
    Poll take() {
        std::unique_lock lock(mutex_);
        REQUIRE(come_.wait_for(lock, 60s, [&] { return !polls_.empty(); }));
        Poll poll = std::move(polls_.front());
        polls_.pop_front();
        return poll;
    }

  private:
    std::mutex mutex_;
    std::condition_variable come_;
    std::deque<Poll> polls_;
};

class PolledServices final : public Services {
  public:
    explicit PolledServices(Polls& polls) : polls_(polls) {}
    Result<std::string> request(std::string_view, std::string, milliseconds) override {
        return Error(Errc::unreachable, "nobody answers");
    }
    void begin_request(std::string_view name, std::string payload, milliseconds time,
                       std::function<void(Result<std::string>)> answer) override {
        const wire::Frame frame(as_bytes(payload));
        auto request = wire::decode_coord_request(frame.bytes()).value();
        polls_.add({std::string(name), std::move(request), time, std::move(answer)});
    }
    Result<std::unique_ptr<Serving>> serve(std::string_view, ServiceHandler,
                                           const ServeOptions&) override {
        return Error(Errc::not_ready, "nobody serves here");
    }
    Result<std::vector<std::string>> names(std::string_view, milliseconds) override {
        return std::vector<std::string>();
    }

  private:
    Polls& polls_;
};

struct Fixture {
    explicit Fixture(milliseconds timeout = 5s)
        : coord(coord_over(std::make_unique<PolledServices>(polls), timeout)) {}
    auto watch() {
        auto watch = coord->watch(
            KeyRange::one("k"), Revision{7},
            {[this](Revision revision, const std::vector<coord::Change>&) { told(revision); },
             [this](coord::WatchEnd why) { end.set_value(why); }});
        REQUIRE(watch);
        return std::move(*watch);
    }
    void told(Revision revision) {
        const std::lock_guard lock(mutex);
        revisions.push_back(revision.value);
    }

    std::mutex mutex;
    std::vector<std::uint64_t> revisions;  // guarded by mutex
    std::promise<coord::WatchEnd> end;
    Polls polls;
    std::unique_ptr<coord::Coord> coord;
};

CoordReply news(std::uint64_t revision) {
    CoordReply reply;
    reply.news = {{Revision{revision}, {}}};
    return reply;
}

}  // namespace

TEST_CASE("remote coord: each poll begins behind what the one before told", "[client]") {
    Fixture f;
    const auto watch = f.watch();
    Poll poll = f.polls.take();
    CHECK(poll.service == wire::kCoordPolls);
    CHECK(poll.request.keys == KeyRange::one("k"));
    CHECK(poll.request.from == Revision{7});
    CHECK(poll.request.wait > 0ms);
    CHECK(poll.time == poll.request.wait + 5s);
    poll.reply(news(9));
    poll = f.polls.take();
    CHECK(poll.request.from == Revision{10});
    CoordReply quiet;
    quiet.revision = Revision{40};
    poll.reply(quiet);
    poll = f.polls.take();
    CHECK(poll.request.from == Revision{41});
    poll.reply({});  // it does not say how far
    poll = f.polls.take();
    CHECK(poll.request.from == Revision{41});
    const std::lock_guard lock(f.mutex);
    CHECK(f.revisions == std::vector<std::uint64_t>{9});
}

TEST_CASE("remote coord: a poll that fails is tried again, and the node heard at once",
          "[client]") {
    Fixture f;
    const auto watch = f.watch();
    f.polls.take().answer(Error(Errc::outcome_unknown, "the connection was lost"));
    Poll poll = f.polls.take();
    CHECK(poll.request.from == Revision{7});
    CHECK(poll.request.wait == 0ms);
    CHECK(poll.time == 5s);
    poll.answer(Error(Errc::not_ready, "nobody serves it"));
    f.polls.take().reply({});
    CHECK(f.polls.take().request.wait > 0ms);
}

TEST_CASE("remote coord: a watch ends when its poll can never succeed, or fails for long",
          "[client]") {
    Fixture f(0ms);
    const auto watch = f.watch();
    SECTION("refused") {
        f.polls.take().answer(Error(Errc::forbidden, "not for you"));
        CHECK(f.end.get_future().get() == coord::WatchEnd::lost);
    }
    SECTION("out of reach for the timeout") {
        f.polls.take().answer(Error(Errc::unreachable, "nobody answers"));
        CHECK(f.end.get_future().get() == coord::WatchEnd::lost);
    }
    SECTION("compacted") {
        CoordReply compacted;
        compacted.end = coord::WatchEnd::compacted;
        f.polls.take().reply(compacted);
        CHECK(f.end.get_future().get() == coord::WatchEnd::compacted);
    }
}

TEST_CASE("remote coord: a watch counts until its last poll is answered", "[client]") {
    Fixture f;
    const auto watch = [&] {
        return f.coord->watch(KeyRange::one("k"), Revision{7},
                              {[](Revision, const std::vector<coord::Change>&) {}, {}});
    };
    std::vector<std::unique_ptr<coord::Watch>> watches;
    for (std::size_t i = 0; i < kWatchesMax; ++i) {
        watches.push_back(std::move(*watch()));
    }
    CHECK(watch().error().code == Errc::busy);
    watches.clear();
    CHECK(watch().error().code == Errc::busy);
    for (std::size_t i = 0; i < kWatchesMax; ++i) {
        f.polls.take().reply({});
    }
    auto again = watch();
    while (!again) {  // the answers are on their way
        again = watch();
    }
    CHECK(f.polls.take().request.from == Revision{7});
}

}  // namespace skald::client
