// A node, and the program that asks it, from several threads at a time.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "tests/await.h"
#include "tests/cli/harness.h"
#include "tests/cli/node_of_test.h"

namespace skald::cli {

class CoordDesk {
  public:
    using Words = std::vector<std::string>;

    CoordDesk() : node_(start_node(directory_)) {}

    // Any thread: each run has a world of its own.
    Ran run(Words words, const StopSignal* stop = nullptr) const {
        Harness harness;
        harness.backends.connect = connect;
        harness.backends.connect_coord = coord::connect_coord;
        harness.backends.connect_services = connect_services;
        harness.stop = stop;
        const Words server{"--server", node_->endpoints().front()};
        words.insert(words.begin(), server.begin(), server.end());
        return harness.run(std::move(words));
    }
    std::future<Ran> begin(Words words, const StopSignal* stop = nullptr) const {
        return std::async(std::launch::async,
                          [this, words = std::move(words), stop] { return run(words, stop); });
    }
    // What it printed, when it went well.
    std::string out(Words words) const {
        const Ran ran = run(std::move(words));
        INFO(ran.err);
        CHECK(ran.status == 0);
        return ran.out;
    }
    // The same, a JSON object a line.
    std::vector<nlohmann::json> objects(Words words) const {
        words.push_back("--json");
        return parsed(out(std::move(words)));
    }
    static std::vector<nlohmann::json> parsed(const std::string& text) {
        std::vector<nlohmann::json> all;
        for (const std::string& line : lines_of(text)) {
            all.push_back(nlohmann::json::parse(line));
        }
        return all;
    }
    std::string path(const std::string& name) const { return directory_.path(name); }
    std::string text_of(const std::string& name) const {
        std::ifstream in(path(name));
        return {std::istreambuf_iterator<char>(in), {}};
    }
    Node& node() { return *node_; }
    void stop_node() { node_.reset(); }

  private:
    const TempDirectory directory_;
    std::unique_ptr<Node> node_;
};

}  // namespace skald::cli
