#include "cli/commands/serve.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/curve_keys.h"
#include "skald/testing.h"
#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

// A node without a log: ends when it is stopped, or at once when told to.
// Takes every service, and never calls one.
class DeafHost final : public ServiceHost {
    Result<std::unique_ptr<Serving>> serve(std::string_view, ServiceHandler,
                                           const skald::ServeOptions&) override {
        return std::make_unique<Serving>();
    }
};

class EmptyNode final : public Node {
  public:
    EmptyNode(bool& stopped, std::optional<Error> end) : stopped_(stopped), end_(std::move(end)) {}
    std::vector<std::string> endpoints() const override {
        return {"tcp://127.0.0.1:41234", "ipc://x"};
    }
    std::string http_endpoint() const override { return "127.0.0.1:7480"; }
    std::string id() const override { return "n-1"; }
    EventStore& local() override { return *store_; }
    ServiceHost& services() override { return host_; }
    coord::Coord* coord() override { return nullptr; }
    Result<void> wait() override {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || end_; });
        return end_ ? Result<void>(*end_) : Result<void>();
    }
    void stop() override {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }

  private:
    const std::unique_ptr<EventStore> store_ = make_memory_store();
    DeafHost host_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool& stopped_;
    std::optional<Error> end_;
};

struct Served {
    NodeOptions options;
    bool stopped = false;
};

void serve_with(Harness& harness, Served& served, std::optional<Error> end) {
    harness.backends.start_node = [&served, end](const NodeOptions& options) {
        served.options = options;
        return Result<std::unique_ptr<Node>>(std::make_unique<EmptyNode>(served.stopped, end));
    };
}

}  // namespace

TEST_CASE("serve: prints the ready line with the real endpoints; its end is the node's end") {
    Harness harness;
    Served served;
    serve_with(harness, served, Error(Errc::store_failed, "the disk is gone"));
    const Ran ran = harness.run({"serve", "--config", "/dev/null", "--data", "dir", "--partitions",
                                 "3", "--listen", "tcp://127.0.0.1:*,ipc://x", "--http", ""});
    CHECK(ran.out == "ready node=n-1 listen=tcp://127.0.0.1:41234,ipc://x http=127.0.0.1:7480\n");
    CHECK(ran.status == 1);
    CHECK(ran.err == "skald: serve: the disk is gone\n");
    CHECK(served.stopped);
    CHECK(served.options.data_dir == "dir");
    CHECK(served.options.partitions == 3);
    CHECK(served.options.listen == std::vector<std::string>{"tcp://127.0.0.1:*", "ipc://x"});
    CHECK(served.options.http.empty());
}

TEST_CASE("serve: SIGTERM drains the node and ends with 0") {
    Harness harness;
    Served served;
    harness.backends.start_node = [&served](const NodeOptions&) {
        // The signal comes as soon as the node runs.
        std::raise(SIGTERM);
        return Result<std::unique_ptr<Node>>(
            std::make_unique<EmptyNode>(served.stopped, std::nullopt));
    };
    harness.handle_signals = true;
    const Ran ran = harness.run({"serve", "--config", "/dev/null"});
    CHECK(ran.status == 0);
    CHECK(ran.err.empty());
    CHECK(served.stopped);
}

TEST_CASE("serve: a node that cannot start") {
    Harness harness;
    harness.backends.start_node = [](const NodeOptions&) {
        return Result<std::unique_ptr<Node>>(Error(Errc::address_in_use, "tcp://x: in use"));
    };
    const Ran ran = harness.run({"serve", "--config", "/dev/null"});
    CHECK(ran.status == 5);
    CHECK(ran.out.empty());
    CHECK(ran.err == "skald: serve: tcp://x: in use\n");
}

TEST_CASE("serve: --print-config shows every value and its source") {
    Harness harness;
    harness.environment["SKALD_LOG__LEVEL"] = "error";
    const std::vector<std::string> words{"serve",          "--config", "/dev/null",
                                         "--print-config", "--http",   "127.0.0.1:0"};
    const Ran text = harness.run(words);
    CHECK(text.status == 0);
    CHECK(text.out.find("\nhttp = \"127.0.0.1:0\"  # --http\n") != std::string::npos);
    CHECK(text.out.find("\nlevel = \"error\"  # $SKALD_LOG__LEVEL\n") != std::string::npos);
    std::vector<std::string> as_json = words;
    as_json.emplace_back("--json");
    const json document = json::parse(harness.run(as_json).out);
    CHECK(document["node.partitions"] == json{{"value", 1}, {"source", "default"}});
    CHECK(document["listen.http"]["value"] == "127.0.0.1:0");
    CHECK(document["limits.sessions"] == json{{"value", 16384}, {"source", "default"}});
    CHECK(document["security.permissions"] == json::array());
}

TEST_CASE("serve: --print-config --json holds the permissions with their places") {
    const TempDirectory directory;
    const std::string path = directory.path("c.toml");
    std::ofstream(path) << "[[security.permissions]]\nkey = \"*\"\nread = [\"a-*\", \"b\"]\n";
    Harness harness;
    const Ran ran = harness.run({"serve", "--config", path, "--print-config", "--json"});
    CHECK(json::parse(ran.out)["security.permissions"] == json{{{"key", "*"},
                                                                {"read", {"a-*", "b"}},
                                                                {"write", json::array()},
                                                                {"admin", json::array()},
                                                                {"source", path + ":1"}}});
}

TEST_CASE("serve: sizes and limits reach the node") {
    Harness harness;
    Served served;
    serve_with(harness, served, Error(Errc::store_failed, "the disk is gone"));
    harness.environment = {{"SKALD_NODE__MAP_BYTES", "100000001"},
                           {"SKALD_LIMITS__SESSIONS", "7"},
                           {"SKALD_LIMITS__SUBSCRIPTIONS", "8"},
                           {"SKALD_LIMITS__REQUEST_BYTES_IN_FLIGHT", "10000000"},
                           {"SKALD_LIMITS__SESSION_BYTES_IN_FLIGHT", "9000000"},
                           {"SKALD_LIMITS__SESSION_REQUESTS_IN_FLIGHT", "9"},
                           {"SKALD_LIMITS__SEND_BYTES_QUEUED", "11000000"},
                           {"SKALD_LIMITS__EXPIRY_MS", "1500"}};
    CHECK(harness.run({"serve", "--config", "/dev/null"}).status == 1);
    CHECK(served.options.map_bytes == 100'003'840);
    CHECK(served.options.limits.sessions == 7);
    CHECK(served.options.limits.subscriptions == 8);
    CHECK(served.options.limits.request_bytes_in_flight == 10'000'000);
    CHECK(served.options.limits.session_bytes_in_flight == 9'000'000);
    CHECK(served.options.limits.session_requests_in_flight == 9);
    CHECK(served.options.limits.send_bytes_queued == 11'000'000);
    CHECK(served.options.limits.expiry == std::chrono::milliseconds(1500));
}

TEST_CASE("serve: a configuration that cannot be read") {
    Harness harness;
    CHECK(harness.run({"serve", "--config", "/none.toml"}).status == 3);
    harness.environment["SKALD_NODE__PARTITIONS"] = "0";
    const Ran ran = harness.run({"serve", "--config", "/dev/null"});
    CHECK(ran.status == 2);
    CHECK(ran.err.starts_with("skald: serve: environment variable SKALD_NODE__PARTITIONS: "));
}

TEST_CASE("serve: keys and permissions reach the node") {
    const TempDirectory directory;
    const std::string path = directory.path("node.key");
    const CurveKeys keys = make_curve_keys();
    REQUIRE(write_secret_key(path, keys.secret_key));
    ServeConfig config;
    config.secret_key_file = path;
    config.clients = {"*"};
    config.permissions = {{"*", {"a"}, {"b"}, {"c"}}};
    const auto options = node_options(config);
    std::filesystem::remove(path);
    REQUIRE(options);
    CHECK(options->secret_key == keys.secret_key);
    CHECK(options->clients == std::vector<std::string>{"*"});
    REQUIRE(options->permissions.size() == 1);
    CHECK(options->permissions[0].write == std::vector<std::string>{"b"});
    CHECK(node_options(config).error().code == Errc::not_found);
}

}  // namespace skald::cli
