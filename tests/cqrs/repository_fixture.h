// What the tests of a repository share.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "skald/cqrs/repository.h"
#include "tests/cqrs/stores.h"
#include "tests/forwarding_store.h"

namespace skald::cqrs {

// Never sleeps, and follows the world's clock.
inline RepositoryOptions quiet(World& world) {
    RepositoryOptions options;
    options.category = "account";
    options.clock = &world.clock();
    options.wait = [](std::chrono::microseconds) {};
    return options;
}

// A command that no store's error may stop.
template <typename State, typename Command>
Outcome<State> must(Repository<State>& repository, const std::string& id, const Command& command,
                    const ExecuteOptions& options = {}) {
    auto done = repository.execute(id, command, options);
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return std::move(*done);
}

}  // namespace skald::cqrs
