// A log, and a read model of it that a text declares.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "skald/cqrs/declared.h"
#include "tests/cqrs/stores.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

struct Declared {
    explicit Declared(const std::string& text, const std::string& kind = "memory") : world(kind) {
        auto parsed = parse_declaration("test.toml", text);
        INFO((parsed ? "" : parsed.error().message));
        REQUIRE(parsed);
        declaration = std::move(*parsed);
        ReadModelOptions options;
        options.map_bytes = std::size_t{1} << 28;
        auto opened = ReadModel::open(directory.path("model"), options);
        REQUIRE(opened);
        model = std::move(*opened);
    }

    void append(const std::string& stream, const std::string& type, const std::string& data) {
        world.append(stream, type, data);
    }
    // Whether the rows reflect all of the log; else `error` says why.
    bool project() {
        if (!projector) {
            ProjectorOptions options;
            options.poison = declaration.poison;
            auto started = Projector::start(world.store(), *model, declaration.projection, options);
            REQUIRE(started);
            projector = std::move(*started);
        }
        const Freshness freshness =
            projector->wait_for(world.store().position().value(), std::chrono::minutes(1));
        error = freshness.error.message;
        return freshness.reached();
    }
    std::vector<std::string> rows(const RowQuery& query = {}) {
        auto page = model->query(query);
        INFO((page ? "" : page.error().message));
        REQUIRE(page);
        return page->rows;
    }

    World world;
    TempDirectory directory;
    Declaration declaration;
    std::unique_ptr<ReadModel> model;
    std::unique_ptr<Projector> projector;
    std::string error;
};

}  // namespace skald::cqrs
