#include "coord/followed.h"

#include <catch2/catch.hpp>
#include <future>

#include "tests/await.h"
#include "tests/coord/failing_coord.h"
#include "tests/temp_directory.h"

namespace skald::coord {
namespace {

using Found = std::vector<std::vector<Entry>>;
using Texts = std::vector<std::string>;

Error away() {
    return {Errc::unreachable, "the store is away"};
}

// What was told, in words: `a=1 b=2 |` and so on, a range after the other.
class Heard {
  public:
    FollowHandler handler() {
        return {[this](const Found& found) {
                    std::string text;
                    for (const auto& range : found) {
                        for (const Entry& entry : range) {
                            text += entry.key + "=" + entry.value + " ";
                        }
                        text += "|";
                    }
                    add(text);
                    return Follow::on;
                },
                [this](bool is_away) { add(is_away ? "away" : "back"); }};
    }
    // All that was told until this was, which is the last of it.
    Texts until(const std::string& text) {
        std::unique_lock lock(mutex_);
        const bool came = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
            return !texts_.empty() && texts_.back() == text;
        });
        INFO((texts_.empty() ? "nothing" : texts_.back()));
        CHECK(came);
        return std::exchange(texts_, {});
    }

    Texts rest() {
        const std::lock_guard lock(mutex_);
        return std::exchange(texts_, {});
    }

  private:
    void add(std::string text) {
        const std::lock_guard lock(mutex_);
        texts_.push_back(std::move(text));
        changed_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    Texts texts_;
};

struct Desk {
    Desk() : kept(std::move(*open_coord(directory.path("coord")))), coord(*kept) {}
    void put(const std::string& key, const std::string& value) const {
        REQUIRE(kept->txn({{}, {Put{key, value, {}}}, {}}));
    }
    std::unique_ptr<Followed> follow() { return follow(heard.handler()); }
    std::unique_ptr<Followed> follow(FollowHandler handler) {
        auto followed = std::make_unique<Followed>(coord, ranges, std::move(handler));
        REQUIRE(followed->begin());
        return followed;
    }

    const TempDirectory directory;
    std::unique_ptr<Coord> kept;
    FailingCoord coord;
    Heard heard;
    std::vector<KeyRange> ranges{KeyRange::prefix("a"), KeyRange::one("k")};
};

}  // namespace

TEST_CASE("followed: the whole state at first, and with each change", "[coord]") {
    Desk d;
    d.put("a1", "x");
    d.put("k", "0");
    const auto followed = d.follow();
    CHECK(d.heard.until("a1=x |k=0 |") == Texts{"a1=x |k=0 |"});
    d.put("b", "another's");
    d.put("a2", "y");
    CHECK(d.heard.until("a1=x a2=y |k=0 |").size() == 1);
    REQUIRE(d.kept->txn({{}, {Erase{KeyRange::prefix("a")}, Put{"k", "1", {}}}, {}}));
    CHECK(d.heard.until("|k=1 |").size() == 1);
    CHECK(d.coord.watches() == 2);
}

TEST_CASE("followed: sees together what was changed together", "[coord]") {
    Desk d;
    std::promise<void> done;
    int last = 0;
    bool together = true;
    const auto check = [&](const Found& found) {
        const std::string a = found[0].empty() ? "0" : found[0].front().value;
        const std::string k = found[1].empty() ? "0" : found[1].front().value;
        together = together && a == k && std::stoi(a) >= last;
        last = std::stoi(a);
        if (last == 50) {
            done.set_value();
        }
        return Follow::on;
    };
    auto followed = d.follow({check, {}});
    for (int i = 1; i <= 50; ++i) {
        const std::string text = std::to_string(i);
        REQUIRE(d.kept->txn({{}, {Put{"a", text, {}}, Put{"k", text, {}}}, {}}));
    }
    done.get_future().wait();
    followed.reset();
    CHECK(together);
}

TEST_CASE("followed: begins anew when a watch ended", "[coord]") {
    Desk d;
    const auto followed = d.follow();
    d.heard.until("||");
    for (const WatchEnd why : {WatchEnd::compacted, WatchEnd::lost, WatchEnd::lost}) {
        d.coord.end_watches(why);
        CHECK(d.heard.until("||") == Texts{"||"});
    }
    CHECK(d.coord.watches() == 8);
    d.put("k", "1");
    CHECK(d.heard.until("|k=1 |") == Texts{"|k=1 |"});
}

TEST_CASE("followed: tells when the store is away, and what changed meanwhile", "[coord]") {
    Desk d;
    const auto followed = d.follow();
    d.heard.until("||");
    d.coord.fail(away());
    SECTION("seen by a watch that ends") {
        d.coord.end_watches(WatchEnd::lost);
    }
    SECTION("seen by a read") {
        d.put("a", "0");
    }
    CHECK(d.heard.until("away") == Texts{"away"});
    const int reads = d.coord.reads();
    d.put("a", "1");
    while (d.coord.reads() < reads + 2) {
    }
    CHECK(d.heard.rest().empty());
    d.coord.fail(std::nullopt);
    CHECK(d.heard.until("back") == Texts{"a=1 ||", "back"});
    d.put("a", "2");
    CHECK(d.heard.until("a=2 ||") == Texts{"a=2 ||"});
}

TEST_CASE("followed: does not ask all the time while the store is away", "[coord]") {
    Desk d;
    const auto followed = d.follow();
    d.heard.until("||");
    d.coord.fail(away());
    SECTION("seen by a watch that ends") {
        d.coord.end_watches(WatchEnd::lost);
    }
    SECTION("seen by a read") {
        d.put("a", "0");
    }
    d.heard.until("away");
    for (int i = 0; i < 50; ++i) {
        d.put("a", std::to_string(i));
    }
    CHECK(d.coord.reads() < 30);  // as many as pauses of a minute; without any, some thousand
}

TEST_CASE("followed: tells a state again that could not be dealt with", "[coord]") {
    Desk d;
    int tries = 0;
    FollowHandler handler = d.heard.handler();
    handler.on_state = [&, tell = handler.on_state](const Found& found) {
        return ++tries < 4 ? Follow::again : tell(found);
    };
    const auto followed = d.follow(handler);
    CHECK(d.heard.until("||") == Texts{"||"});  // and not of a store that was away
    CHECK(tries == 4);
    d.put("k", "1");
    CHECK(d.heard.until("|k=1 |") == Texts{"|k=1 |"});
    CHECK(tries == 5);
    CHECK(d.coord.watches() == 2);
}

TEST_CASE("followed: does not tell all the time what cannot be dealt with", "[coord]") {
    Desk d;
    std::atomic<int> tries{0};
    const auto followed = d.follow({[&](const Found&) {
                                        ++tries;
                                        return Follow::again;
                                    },
                                    {}});
    await([&] { return tries >= 3; });
    for (int i = 0; i < 50; ++i) {
        d.put("a", std::to_string(i));
    }
    CHECK(tries < 30);  // as many as pauses of a minute
}

TEST_CASE("followed: no more than was asked for", "[coord]") {
    Desk d;
    std::atomic<int> told{0};
    const auto followed = d.follow({[&](const Found& found) {
                                        ++told;
                                        return found[1].empty() ? Follow::on : Follow::no_more;
                                    },
                                    {}});
    await([&] { return told == 1; });
    CHECK(d.coord.watches_standing() == 2);
    d.put("k", "1");
    await([&] { return d.coord.watches_standing() == 0; });
    const int reads = d.coord.reads();
    for (int i = 0; i < 50; ++i) {
        d.put("k", std::to_string(i));
    }
    CHECK(told == 2);
    CHECK(d.coord.reads() == reads);
}

TEST_CASE("followed: a store may begin anew, with lower revisions", "[coord]") {
    Desk d;
    auto restored = std::move(*open_coord(d.directory.path("restored")));
    d.put("a", "0");
    auto followed = d.follow();
    d.heard.until("a=0 ||");
    d.put("a", "1");
    d.heard.until("a=1 ||");
    d.coord.fail(away());
    d.coord.end_watches(WatchEnd::lost);
    d.heard.until("away");
    d.coord.replace(*restored);
    d.coord.fail(std::nullopt);
    CHECK(d.heard.until("back") == Texts{"||", "back"});
    REQUIRE(restored->txn({{}, {Put{"k", "2", {}}}, {}}));
    CHECK(d.heard.until("|k=2 |") == Texts{"|k=2 |"});
    followed.reset();
}

TEST_CASE("followed: what cannot be followed is refused", "[coord]") {
    Desk d;
    d.coord.fail(away());
    CHECK(Followed(d.coord, d.ranges, d.heard.handler()).begin().error() == away());
    CHECK(d.coord.watches() == 0);
}

TEST_CASE("followed: its end waits for a call that runs, and no other comes", "[coord]") {
    Desk d;
    std::promise<void> reached;
    std::promise<void> go_on;
    std::atomic<bool> over{false};
    std::atomic<bool> ended{false};
    std::atomic<bool> late{false};
    bool first = true;
    auto followed = d.follow({[&](const Found&) {
                                  late = late || ended;
                                  if (std::exchange(first, false)) {
                                      reached.set_value();
                                      go_on.get_future().wait();
                                      over = true;
                                  }
                                  return Follow::on;
                              },
                              {}});
    reached.get_future().wait();
    d.put("a", "1");
    auto end = std::async(std::launch::async, [&] {
        followed.reset();
        ended = true;
        return over.load();
    });
    go_on.set_value();
    CHECK(end.get());
    d.put("a", "2");
    CHECK_FALSE(late);
}

TEST_CASE("followed: ends while it tries to begin anew", "[coord]") {
    Desk d;
    for (int i = 0; i < 20; ++i) {
        auto followed = d.follow();
        d.coord.fail(away());
        d.coord.end_watches(WatchEnd::lost);
        d.put("a", std::to_string(i));
        d.heard.until("away");
        followed.reset();
        d.coord.fail(std::nullopt);
    }
}

}  // namespace skald::coord
