// A directory of declared projections, over a log.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "skald/cqrs/declared_models.h"
#include "tests/cqrs/stores.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

using namespace std::chrono_literals;
using Rows = std::vector<std::string>;

inline std::string counting(const std::string& name, const std::string& extra = {}) {
    return "name = '" + name + "'\nkey = 'id'\n" + extra +
           "\n[columns]\nid = 'text'\nn = 'integer'\n[[index]]\ncolumns = 'n'\n"
           "[[on]]\ntype = 'T'\nkey = 'data.id'\nadd = { n = 1 }\n";
}
// The same key, twice as much.
inline std::string doubling(const std::string& name, const std::string& extra = {}) {
    std::string text = counting(name, extra);
    return text.replace(text.find("n = 1 }"), 7, "n = 2 }");
}

struct Models {
    explicit Models(const std::string& kind = "memory") : world(kind) { open(); }

    std::string path(const std::string& below) const {
        return directory.path("projections/" + below);
    }
    // No projector gets a subscription from here on.
    void cut_off() {
        for (std::uint64_t n = 1; n <= 1000; ++n) {
            world.store().fail_before(FaultyEventStore::Call::subscribe, n,
                                      Error(Errc::connection_lost, "gone"));
        }
    }
    void open(bool run = true) {
        models.reset();
        DeclaredModelsOptions options;
        options.run = run;
        options.model.map_bytes = std::size_t{1} << 28;
        auto opened = DeclaredModels::open(world.store(), directory.path("projections"), options);
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        models = std::move(*opened);
    }
    void happens(const std::string& id) { world.append("s-" + id, "T", R"({"id":")" + id + "\"}"); }
    void caught_up(const std::string& name, std::uint32_t version = 0) {
        const auto done = models->catch_up(name, version, [](auto, auto) { return true; });
        INFO((done ? "" : done.error().message));
        REQUIRE(done);
    }
    std::uint32_t create(const std::string& text) {
        auto begun = models->create("f.toml", text);
        INFO((begun ? "" : begun.error().message));
        REQUIRE(begun);
        caught_up(begun->name, begun->version);
        return begun->version;
    }
    Rows rows(const std::string& name, const std::vector<std::string>& key = {}) {
        auto page = models->query(name, {.key = key});
        INFO((page ? "" : page.error().message));
        REQUIRE(page);
        return page->rows;
    }
    std::vector<std::uint32_t> versions(const std::string& name) {
        std::vector<std::uint32_t> versions;
        const auto info = models->show(name);
        REQUIRE(info);
        for (const ModelVersionInfo& version : info->versions) {
            versions.push_back(version.version);
        }
        return versions;
    }
    ModelVersionInfo version(const std::string& name, std::uint32_t number) {
        const auto info = models->show(name);
        REQUIRE(info);
        for (const ModelVersionInfo& version : info->versions) {
            if (version.version == number) {
                return version;
            }
        }
        return {};
    }

    World world;
    TempDirectory directory;
    std::unique_ptr<DeclaredModels> models;
};

}  // namespace skald::cqrs
