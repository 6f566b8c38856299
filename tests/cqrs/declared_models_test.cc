// The declared projections of a directory, on each store.
#include "skald/cqrs/declared_models.h"

#include <filesystem>
#include <fstream>

#include "tests/cqrs/declared_models_fixture.h"

namespace skald::cqrs {

TEST_CASE("declared models: created, followed, found again after a restart", "[cqrs]") {
    Models m(GENERATE(every_store()));
    m.happens("a");
    CHECK(m.create(counting("work")) == 1);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
    m.happens("a");
    m.happens("b");
    m.caught_up("work");
    CHECK(m.rows("work", {"a"}) == Rows{R"({"id":"a","n":2})"});
    CHECK(m.rows("work", {"c"}).empty());
    m.open();
    m.happens("b");
    m.caught_up("work");
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":2})", R"({"id":"b","n":2})"});
    CHECK(m.version("work", 1).events == 4);
    CHECK(m.version("work", 1).lag == 0);
    CHECK(m.version("work", 1).state == "running");
    CHECK(m.models->create("f.toml", counting("work"))->begun == false);
    CHECK(m.versions("work") == std::vector<std::uint32_t>{1});
}

TEST_CASE("declared models: a changed file is built beside, promoted in one step", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    CHECK(m.create(doubling("work")) == 2);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
    m.happens("a");
    m.caught_up("work", 1);
    m.caught_up("work", 2);
    REQUIRE(m.models->promote("work", 0, 60s));
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":4})"});
    CHECK(m.version("work", 1).previous);
    // Back, and again: the previous one is kept up to date.
    m.happens("a");
    m.caught_up("work", 1);
    m.caught_up("work", 2);
    REQUIRE(m.models->promote("work", 1, 60s));
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":3})"});
    REQUIRE(m.models->promote("work", 2, 60s));
    auto rebuilt = m.models->rebuild("work");
    REQUIRE(rebuilt);
    CHECK(rebuilt->version == 3);
    m.caught_up("work", 3);
    REQUIRE(m.models->promote("work", 0, 60s));
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":6})"});
    CHECK(m.versions("work") == std::vector<std::uint32_t>{2, 3});
    CHECK_FALSE(std::filesystem::exists(m.directory.path("projections/work/v1.toml")));
    m.open();
    m.caught_up("work");
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":6})"});
    CHECK(m.models->promote("work", 0, 0s).error().code == Errc::not_found);
}

TEST_CASE("declared models: of the versions that are built only the last is kept", "[cqrs]") {
    Models m;
    m.create(counting("work"));
    m.create(counting("work", "poison = 'park'"));
    CHECK(m.create(counting("work", "poison = 'retry'")) == 3);
    CHECK(m.versions("work") == std::vector<std::uint32_t>{1, 3});
    CHECK(m.models->promote("work", 2, 0s).error().code == Errc::not_found);
}

TEST_CASE("declared models: a version that is named is that one, or refused", "[cqrs]") {
    Models m;
    CHECK(m.create(counting("work", "version = 4")) == 4);
    const auto again = m.models->create("f.toml", doubling("work", "version = 4"));
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::already_exists);
    CHECK_THAT(again.error().message, Catch::Contains("raise `version` to 5"));
    CHECK(m.create(doubling("work", "version = 9")) == 9);
}

TEST_CASE("declared models: paused is paused across restarts", "[cqrs]") {
    Models m;
    m.create(counting("work"));
    m.happens("a");
    m.caught_up("work");
    REQUIRE(m.models->pause("work"));
    CHECK(m.version("work", 1).state == "idle");
    m.happens("a");
    m.open();
    m.caught_up("work");
    CHECK(m.models->show("work")->paused);
    CHECK(m.version("work", 1).lag == 1);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
    REQUIRE(m.models->resume("work"));
    m.caught_up("work");
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":2})"});
    m.open();
    CHECK_FALSE(m.models->show("work")->paused);
}

TEST_CASE("declared models: a poison event is told, parked and replayed", "[cqrs]") {
    Models m;
    m.create(counting("stops"));
    m.create(counting("parks", "poison = 'park'"));
    m.world.append("s-1", "T", "{}");
    const auto stopped = m.models->catch_up("stops", 0, [](auto, auto) { return true; });
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == Errc::not_ready);
    CHECK_THAT(stopped.error().message, Catch::Contains("stream s-1 version 0"));
    CHECK_THAT(m.version("stops", 1).error.value_or(""),
               Catch::Contains("key id from data.id: expected text, found nothing"));
    m.caught_up("parks");
    CHECK(m.version("parks", 1).parked == 1);
    const auto parked = m.models->parked("parks", "");
    REQUIRE(parked);
    REQUIRE(parked->size() == 1);
    CHECK(parked->at(0).key == "stream:s-1");
    const auto replayed = m.models->replay_parked("parks", "stream:s-1");
    REQUIRE(replayed);
    CHECK(replayed->error);
}

TEST_CASE("declared models: removed with all of it, and the name is free", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    m.create(counting("other"));
    REQUIRE(m.models->remove("work"));
    CHECK_FALSE(std::filesystem::exists(m.directory.path("projections/work")));
    const auto gone = m.models->query("work", {});
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Errc::not_found);
    CHECK(gone.error().message == "there is no read model `work`; there are other");
    CHECK(m.create(doubling("work")) == 1);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":2})"});
}

TEST_CASE("declared models: one that cannot be read does not keep others from running", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("bad"));
    m.create(counting("good"));
    m.models.reset();
    std::ofstream(m.directory.path("projections/bad/v1.toml")) << "name = ";
    m.open();
    m.caught_up("good");
    const auto list = m.models->list();
    REQUIRE(list);
    REQUIRE(list->size() == 2);
    CHECK_THAT(list->at(0).fault.value_or(""), Catch::Contains("bad/v1.toml:1:8: "));
    CHECK_FALSE(list->at(1).fault);
    CHECK_FALSE(m.models->query("bad", {}));
    CHECK(m.models->remove("bad"));
}

TEST_CASE("declared models: a key has its columns, a field is one there is", "[cqrs]") {
    Models m;
    m.create(counting("work"));
    const auto message = [&](const RowQuery& query) {
        const auto page = m.models->query("work", query);
        REQUIRE_FALSE(page);
        CHECK(page.error().code == Errc::invalid_argument);
        return page.error().message;
    };
    CHECK(message({.key = {"a", "b"}}) == "work: the key is id; 2 values were given");
    RowQuery by_name;
    by_name.where = {{"name", std::string("x")}};
    CHECK(message(by_name) == "work: no field name; there are id, n");
}

TEST_CASE("declared models: an interrupted wait goes on later", "[cqrs]") {
    Models m;
    m.open(false);
    m.happens("a");
    REQUIRE(m.models->create("f.toml", counting("work")));
    CHECK(m.version("work", 1).state == "idle");  // nothing was started
    CHECK(m.version("work", 1).active);
    m.cut_off();
    const auto stopped = m.models->catch_up("work", 0, [](auto, auto) { return false; });
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == Errc::shutting_down);
}

}  // namespace skald::cqrs
