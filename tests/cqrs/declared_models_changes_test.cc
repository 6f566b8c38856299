// The declared projections of a directory, changed while somebody waits for them.
#include <atomic>
#include <future>
#include <thread>

#include "tests/cqrs/declared_models_fixture.h"

namespace skald::cqrs {
namespace {

// Waits in another thread for a version that never gets there; ends by itself after a minute, with
// shutting_down.
class Waiter {
  public:
    Waiter(DeclaredModels& models, const std::string& name, std::uint32_t version)
        : ended_(std::async(std::launch::async, [this, &models, name, version] {
              auto ended = models.catch_up(name, version, [this](auto, auto) {
                  waits();
                  return ++told_ < 240;
              });
              waits();
              return ended;
          })) {
        waiting_.wait(false);
    }
    Result<void> ended() { return ended_.get(); }

  private:
    void waits() {
        waiting_.store(true);
        waiting_.notify_all();
    }

    std::atomic<bool> waiting_ = false;
    int told_ = 0;
    std::future<Result<void>> ended_;
};

// A version that runs, and a second that no event reaches.
void cut_off_second(Models& m) {
    m.happens("a");
    m.create(counting("work"));
    m.cut_off();
    REQUIRE(m.models->create("f.toml", doubling("work")));
}

}  // namespace

TEST_CASE("declared models: pause stops what somebody waits for", "[cqrs]") {
    Models m;
    cut_off_second(m);
    Waiter waiter(*m.models, "work", 2);
    REQUIRE(m.models->pause("work"));
    CHECK(m.version("work", 2).state == "idle");
    CHECK(waiter.ended());
}

TEST_CASE("declared models: a version goes while somebody waits, and its number with it",
          "[cqrs]") {
    Models m;
    cut_off_second(m);
    Waiter waiter(*m.models, "work", 2);
    const auto third = m.models->create("f.toml", doubling("work", "poison = 'park'"));
    REQUIRE(third);
    CHECK(third->version == 3);
    CHECK(m.versions("work") == std::vector<std::uint32_t>{1, 3});
    const auto ended = waiter.ended();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == Errc::not_found);
}

TEST_CASE("declared models: removed while somebody waits", "[cqrs]") {
    Models m;
    cut_off_second(m);
    Waiter waiter(*m.models, "work", 2);
    REQUIRE(m.models->remove("work"));
    const auto ended = waiter.ended();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == Errc::not_found);
    CHECK(m.models->list()->empty());
}

TEST_CASE("declared models: while a version is promoted no other change is made", "[cqrs]") {
    Models m;
    cut_off_second(m);
    std::atomic<bool> over = false;
    auto promoted = std::async(std::launch::async, [&] {
        auto done = m.models->promote("work", 2, 60s);
        over = true;
        return done;
    });
    // The newest once more changes nothing, unless it is refused.
    auto created = m.models->create("f.toml", doubling("work"));
    while (created && !over) {
        std::this_thread::yield();
        created = m.models->create("f.toml", doubling("work"));
    }
    REQUIRE_FALSE(created);
    CHECK(created.error().code == Errc::busy);
    CHECK(m.models->rebuild("work").error().code == Errc::busy);
    CHECK(m.models->promote("work", 2, 0s).error().code == Errc::busy);
    CHECK(m.models->remove("work").error().code == Errc::busy);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
    // A version that stops is not waited for.
    REQUIRE(m.models->pause("work"));
    CHECK_FALSE(promoted.get());
    REQUIRE(m.models->remove("work"));
}

TEST_CASE("declared models: a version that is not begun is there, and is not promoted", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    REQUIRE(m.models->pause("work"));
    REQUIRE(m.models->create("f.toml", doubling("work")));
    CHECK(m.versions("work") == std::vector<std::uint32_t>{1, 2});
    CHECK(m.version("work", 2).state == "idle");
    CHECK_FALSE(m.version("work", 2).complete);
    const auto promoted = m.models->promote("work", 2, 0s);
    REQUIRE_FALSE(promoted);
    CHECK(promoted.error().code == Errc::not_ready);
    CHECK_THAT(promoted.error().message, Catch::Contains("the projection is paused"));
    CHECK(m.models->promote("work", 3, 0s).error().code == Errc::not_found);
    REQUIRE(m.models->resume("work"));
    m.caught_up("work", 2);
    CHECK(m.models->promote("work", 2, 60s));
}

TEST_CASE("declared models: a version is asked by its own key", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    std::string other = counting("work");
    for (std::size_t at = other.find("id"); at != std::string::npos;
         at = other.find("id", at + 3)) {
        other.replace(at, 2, other[at - 1] == '.' ? "id" : "who");
    }
    REQUIRE(m.create(other) == 2);
    const auto page = m.models->query("work", {.key = {"a"}, .version = 2});
    INFO((page ? "" : page.error().message));
    REQUIRE(page);
    CHECK(page->rows == Rows{R"({"who":"a","n":1})"});
}

TEST_CASE("declared models: a parked event is projected once it fits", "[cqrs]") {
    Models m;
    m.create(
        "name = 'names'\nkey = 'id'\npoison = 'park'\n[columns]\nid = 'text'\nname = 'text'\n"
        "[[index]]\ncolumns = 'name'\nunique = true\n"
        "[[on]]\ntype = 'T'\nkey = 'data.id'\nset = { name = 'data.name' }\n");
    const auto named = [&](const std::string& id, const std::string& name) {
        m.world.append("s-1", "T", R"({"id":")" + id + R"(","name":")" + name + "\"}");
    };
    named("a", "x");
    named("b", "x");
    named("b", "z");
    named("c", "x");
    named("a", "y");
    m.caught_up("names");
    CHECK(m.version("names", 1).parked == 3);
    const auto of_b = m.models->parked("names", "b");
    REQUIRE(of_b);
    REQUIRE(of_b->size() == 2);
    CHECK(of_b->at(0).keys == std::vector<std::string>{"b"});
    CHECK(of_b->at(1).reason.empty());
    const auto replayed = m.models->replay_parked("names", "b");
    REQUIRE(replayed);
    CHECK(replayed->events == 2);
    CHECK_FALSE(replayed->error);
    CHECK(m.rows("names") == Rows{R"({"id":"a","name":"y"})", R"({"id":"b","name":"z"})"});
    CHECK(m.models->replay_parked("names", "b").error().code == Errc::not_found);
    REQUIRE(m.models->pause("names"));
    CHECK(m.models->parked("names", "")->size() == 1);
    CHECK(m.models->replay_parked("names", "c").error().code == Errc::not_ready);
}

TEST_CASE("declared models: changed, asked and removed by several at once", "[cqrs]") {
    Models m;
    m.happens("a");
    std::atomic<int> queries = 0;
    const auto change = [&](unsigned seed) {
        for (unsigned i = 0; i < 60; ++i) {
            seed = seed * 1664525 + 1013904223;
            DeclaredModels& models = *m.models;
            switch ((seed >> 24) % 8) {
                case 0:
                    (void)models.create("f.toml", counting("work"));
                    break;
                case 1:
                    (void)models.create("f.toml", doubling("work"));
                    break;
                case 2:
                    (void)models.promote("work", 0, 1ms);
                    break;
                case 3:
                    (void)models.pause("work");
                    break;
                case 4:
                    (void)models.resume("work");
                    break;
                case 5:
                    (void)models.catch_up("work", 0, [](auto, auto) { return false; });
                    break;
                case 6:
                    (void)models.replay_parked("work", "a");
                    break;
                default:
                    if (i % 4 == 0) {
                        (void)models.remove("work");
                    } else {
                        (void)models.rebuild("work");
                    }
            }
            const auto page = models.query("work", {});
            queries += page && page->rows.size() == 1 ? 1 : 0;
        }
    };
    std::vector<std::thread> threads;
    for (const unsigned seed : {1U, 2U, 3U, 4U}) {
        threads.emplace_back(change, seed);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(queries > 0);
    // Whatever came of it is what stands on the disk.
    const auto left = m.models->list();
    REQUIRE(left);
    if (!left->empty()) {
        REQUIRE(m.models->remove("work"));
    }
    m.open();
    CHECK(m.models->list()->empty());
    CHECK(m.create(counting("work")) == 1);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
}

}  // namespace skald::cqrs
