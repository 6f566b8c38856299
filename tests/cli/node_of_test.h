// A node of a test's own, for commands that ask one.
#pragma once

#include <catch2/catch.hpp>
#include <memory>

#include "skald/node.h"
#include "tests/temp_directory.h"

namespace skald::cli {

inline std::unique_ptr<Node> start_node(const TempDirectory& directory) {
    NodeOptions options;
    options.data_dir = directory.path("d");
    options.map_bytes = std::size_t{1} << 30;
    options.listen = {"ipc://" + directory.path("n")};
    auto started = Node::start(options);
    REQUIRE(started);
    return std::move(*started);
}

}  // namespace skald::cli
