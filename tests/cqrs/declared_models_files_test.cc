// The declared projections of a directory: what may stand on the disk, and what is made of it.
#include <filesystem>
#include <fstream>

#include "tests/cqrs/declared_models_fixture.h"

namespace skald::cqrs {
namespace {

namespace fs = std::filesystem;

// Two versions, the second of which is promoted.
void promoted(Models& m) {
    m.happens("a");
    m.create(counting("work"));
    m.create(doubling("work"));
    REQUIRE(m.models->promote("work", 2, 60s));
}

std::string fault(Models& m, const std::string& name) {
    const auto info = m.models->show(name);
    REQUIRE(info);
    return info->fault.value_or("");
}

}  // namespace

TEST_CASE("declared models: the rows are derived: without them the same version is active",
          "[cqrs]") {
    Models m;
    promoted(m);
    m.models.reset();
    fs::remove_all(m.path("work/model"));
    m.open();
    m.caught_up("work");
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":2})"});
    CHECK(m.version("work", 2).active);
    CHECK_FALSE(m.version("work", 1).active);
}

TEST_CASE("declared models: what is no projection is left alone", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    m.models.reset();
    fs::create_directories(m.path("backup"));
    std::ofstream(m.path("backup/notes.txt")) << "mine";
    fs::create_directories(m.path(".git/model"));
    fs::create_symlink("itself", m.path("itself"));
    m.open();
    CHECK(fs::exists(m.path("backup/notes.txt")));
    CHECK(fs::exists(m.path(".git/model")));
    const auto list = m.models->list();
    REQUIRE(list);
    REQUIRE(list->size() == 1);
    CHECK(list->at(0).name == "work");
}

TEST_CASE("declared models: rows whose declarations are gone are a fault, and stay", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    m.models.reset();
    fs::rename(m.path("work/v1.toml"), m.path("aside.toml"));
    m.open();
    CHECK_THAT(fault(m, "work"), Catch::Contains("its declarations are missing"));
    CHECK(fs::exists(m.path("work/model")));
    CHECK_FALSE(m.models->create("f.toml", counting("work")));
    m.models.reset();
    fs::rename(m.path("aside.toml"), m.path("work/v1.toml"));
    m.open();
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
}

TEST_CASE("declared models: an active version without its declaration is a fault", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    m.create(doubling("work"));
    m.models.reset();
    fs::remove(m.path("work/v1.toml"));
    m.open();
    CHECK_THAT(fault(m, "work"), Catch::Contains("version 1 is active") &&
                                     Catch::Contains("work/v1.toml; put it back"));
    CHECK_FALSE(m.models->rebuild("work"));
    CHECK_FALSE(m.models->query("work", {}));
    CHECK_FALSE(m.models->promote("work", 2, 0s));
    REQUIRE(m.models->remove("work"));
    CHECK_FALSE(fs::exists(m.path("work")));
}

TEST_CASE("declared models: a removal that was cut short is done with", "[cqrs]") {
    Models m;
    promoted(m);
    m.models.reset();
    fs::rename(m.path("work"), m.path(".removed-work"));
    m.open();
    CHECK(m.models->list()->empty());
    CHECK_FALSE(fs::exists(m.path(".removed-work")));
    CHECK(m.create(counting("work")) == 1);
}

TEST_CASE("declared models: one that another has open is not removed", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    DeclaredModelsOptions options;
    options.model.map_bytes = std::size_t{1} << 28;
    auto second = DeclaredModels::open(m.world.store(), m.directory.path("projections"), options);
    REQUIRE(second);
    const auto removed = (*second)->remove("work");
    REQUIRE_FALSE(removed);
    CHECK(removed.error().code == Errc::already_open);
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":1})"});
    CHECK(fs::exists(m.path("work/v1.toml")));
}

TEST_CASE("declared models: a version that cannot be started says why; others run", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    m.create(doubling("work"));
    m.models.reset();
    std::string other = counting("work");
    other.replace(other.find("n = 'integer'"), 13, "n = 'number'");
    std::ofstream(m.path("work/v1.toml")) << other;
    m.open();
    m.happens("a");
    m.caught_up("work", 2);
    CHECK(m.version("work", 1).state == "stopped");
    CHECK_THAT(m.version("work", 1).error.value_or(""), Catch::Contains("with other rows"));
    CHECK(m.version("work", 2).events == 2);
    const auto waited = m.models->catch_up("work", 1, [](auto, auto) { return true; });
    REQUIRE_FALSE(waited);
    CHECK_THAT(waited.error().message, Catch::Contains("with other rows"));
    m.models.reset();
    std::ofstream(m.path("work/v1.toml")) << counting("work");
    m.open();
    m.caught_up("work");
    CHECK(m.rows("work") == Rows{R"({"id":"a","n":2})"});
}

TEST_CASE("declared models: a directory that was copied says whose rows it has", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("work"));
    m.models.reset();
    fs::copy(m.path("work"), m.path("copy"), fs::copy_options::recursive);
    std::ofstream(m.path("copy/v1.toml")) << counting("copy");
    m.open();
    CHECK_THAT(m.version("copy", 1).error.value_or(""),
               Catch::Contains("holds the read model work"));
    m.caught_up("work");
}

TEST_CASE("declared models: a read model that cannot be opened keeps none from running", "[cqrs]") {
    Models m;
    m.happens("a");
    m.create(counting("bad"));
    m.create(counting("good"));
    m.models.reset();
    std::ofstream(m.path("bad/model/data.mdb"), std::ios::trunc) << std::string(8192, 'x');
    m.open();
    CHECK_FALSE(fault(m, "bad").empty());
    m.caught_up("good");
    CHECK_FALSE(m.models->query("bad", {}));
    CHECK_FALSE(m.models->catch_up("bad", 0, [](auto, auto) { return true; }));
    REQUIRE(m.models->remove("bad"));
    CHECK(m.create(counting("bad")) == 1);
}

TEST_CASE("declared models: so many and no more", "[cqrs]") {
    Models m;
    m.open(false);
    for (int i = 0; i < 256; ++i) {
        REQUIRE(m.models->create("f.toml", counting("m" + std::to_string(i))));
    }
    const auto more = m.models->create("f.toml", counting("more"));
    REQUIRE_FALSE(more);
    CHECK(more.error().code == Errc::request_too_large);
    REQUIRE(m.models->remove("m7"));
    CHECK(m.models->create("f.toml", counting("more")));
}

}  // namespace skald::cqrs
