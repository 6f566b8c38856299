// The log of a node at work, over a socket: copied, and scavenged.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "skald/admin.h"
#include "store/local_store.h"
#include "store/volume.h"
#include "tests/broker/node_fixture.h"
#include "tests/contract/log_source_contract.h"

namespace skald {
namespace {

ClientOptions client_of(const Node& node, std::chrono::milliseconds timeout = 10s) {
    ClientOptions options;
    options.servers = node.endpoints();
    options.timeout = timeout;
    return options;
}

std::unique_ptr<LogSource> log_of(const Node& node) {
    auto log = connect_log(client_of(node));
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log);
    return std::move(*log);
}

void check_sound(const std::string& directory) {
    const auto report = verify_directory(directory);
    REQUIRE(report);
    for (const VerifyProblem& problem : report->problems) {
        FAIL_CHECK(problem.place << ": " << problem.message);
    }
    CHECK(report->index_checked);
}

// The data of all events in a directory.
std::multiset<std::string> data_in(const std::string& directory) {
    store::VolumeOptions options;
    options.create = false;
    auto volume = store::Volume::open(directory, options);
    REQUIRE(volume);
    const auto store = store::make_local_store(**volume);
    std::multiset<std::string> data;
    Read read;
    for (bool end = false; !end;) {
        auto page = store->read(read);
        REQUIRE(page);
        for (const EventView& view : page->events) {
            data.emplace(view.data);
        }
        read.start = page->next;
        end = page->end;
    }
    return data;
}

// Appends without a pause, until it is told to end.
class Publisher {
  public:
    explicit Publisher(const Node& node)
        : store_(connect_to(node)), thread_([this](const std::stop_token& stop) { run(stop); }) {}
    // How many were acknowledged; they are numbered from 0.
    int acknowledged() const { return acknowledged_.load(); }
    void await(int count) {
        for (int seen = acknowledged_; seen < count; seen = acknowledged_) {
            acknowledged_.wait(seen);
        }
    }

  private:
    void run(const std::stop_token& stop) {
        for (int i = 0; !stop.stop_requested(); ++i) {
            const auto stream = "s-" + std::to_string(i % 10);
            const auto receipt =
                store_->append(Append::one(stream, event("live-" + std::to_string(i))));
            if (!receipt) {
                std::abort();  // Catch2 counts on one thread only
            }
            ++acknowledged_;
            acknowledged_.notify_all();
        }
    }
    std::atomic<int> acknowledged_{0};
    std::unique_ptr<EventStore> store_;
    std::jthread thread_;
};

}  // namespace

TEST_CASE("log source: the contract, of a node", "[node][contract]") {
    const auto transport = GENERATE("ipc", "inproc");
    const TempDirectory directory;
    const auto node = start(options_of(directory, transport));
    contract::fill_log(*connect_to(*node));
    contract::run_log_source_contract(*log_of(*node));
}

TEST_CASE("remote log: a copy made under writes holds all that was acknowledged before, once",
          "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.partitions = 3;
    const auto node = start(options);
    const std::string large(300'000, 'x');
    for (int i = 0; i < 30; ++i) {
        REQUIRE(node->local().append(Append::one("large-" + std::to_string(i), event(large))));
    }
    Publisher publisher(*node);
    publisher.await(100);
    const int before = publisher.acknowledged();
    const auto log = log_of(*node);
    const auto report = backup_log(*log, directory.path("copy"));
    INFO((report ? std::string() : report.error().message));
    REQUIRE(report);
    publisher.await(publisher.acknowledged() + 10);
    check_sound(directory.path("copy"));
    const auto data = data_in(directory.path("copy"));
    CHECK(data.count(large) == 30);
    for (int i = 0; i < before; ++i) {
        CHECK(data.count("live-" + std::to_string(i)) == 1);
    }
    REQUIRE(restore_directory(directory.path("copy"), directory.path("restored")));
    CHECK(data_in(directory.path("restored")).size() == data.size());
}

TEST_CASE("remote log: a copy goes on after the node was restarted", "[node]") {
    const TempDirectory directory;
    auto node = start(options_of(directory));
    const std::string large(1'000'000, 'x');
    for (int i = 0; i < 20; ++i) {
        REQUIRE(node->local().append(Append::one("s", event(large))));
    }
    const auto log = log_of(*node);
    bool restarted = false;
    const auto report = backup_log(*log, directory.path("copy"), [&](std::uint64_t, std::uint64_t) {
        if (!std::exchange(restarted, true)) {
            node.reset();
            node = start(options_of(directory));
        }
    });
    INFO((report ? std::string() : report.error().message));
    REQUIRE(report);
    CHECK(restarted);
    CHECK(report->records == 20);
    check_sound(directory.path("copy"));
}

TEST_CASE("remote log: of a copy whose node went away nothing is left", "[node]") {
    const TempDirectory directory;
    auto node = start(options_of(directory));
    const std::string large(1'000'000, 'x');
    for (int i = 0; i < 20; ++i) {
        REQUIRE(node->local().append(Append::one("s", event(large))));
    }
    auto log = connect_log(client_of(*node, 300ms));
    REQUIRE(log);
    const auto report = backup_log(**log, directory.path("copy"),
                                   [&](std::uint64_t, std::uint64_t) { node.reset(); });
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::timed_out);
    CHECK_FALSE(std::filesystem::exists(directory.path("copy")));
}

TEST_CASE("remote log: copies of a log that is scavenged all the time are sound", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    Publisher publisher(*node);
    std::atomic<int> refused{0};
    std::jthread scavenging([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            for (int s = 0; s < 10; ++s) {
                StreamLimits limits;
                limits.max_count = 5;
                (void)node->local().change_stream(
                    {"s-" + std::to_string(s), Expected::any(), SetLimits{limits}});
            }
            refused += scavenge_node(client_of(*node)) ? 0 : 1;
        }
    });
    const auto log = log_of(*node);
    int whole = 0;
    for (int round = 0; round < 8; ++round) {
        publisher.await(publisher.acknowledged() + 50);
        const std::string copy = directory.path("copy" + std::to_string(round));
        const auto report = backup_log(*log, copy);
        if (report) {
            ++whole;
            check_sound(copy);
        } else {
            INFO(report.error().message);
            CHECK(report.error().code == Errc::log_truncated);
            CHECK_FALSE(std::filesystem::exists(copy));
        }
    }
    CHECK(whole > 0);
    scavenging.request_stop();
    scavenging.join();
    CHECK(refused == 0);
}

TEST_CASE("remote log: a key without the right to administer everything gets nothing", "[node]") {
    const TempDirectory directory;
    NodeOptions options = options_of(directory);
    options.permissions = {{"*", {"*"}, {"*"}, {"s*"}}};
    const auto node = start(options);
    const auto report = backup_log(*log_of(*node), directory.path("copy"));
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::forbidden);
    CHECK_FALSE(std::filesystem::exists(directory.path("copy")));
    CHECK(scavenge_node(client_of(*node)).error().code == Errc::forbidden);
}

TEST_CASE("remote scavenge: erased bytes are gone from the data file of a node at work", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    const auto store = connect_to(*node);
    const auto in_data_file = [&](const std::string& text) {
        std::ifstream file(directory.path("data/data.mdb"), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        return bytes.find(text) != std::string::npos;
    };
    const std::string secret = "TheSecretThatMustGo";
    REQUIRE(store->append(Append::many("person", {event("first"), event(secret)})));
    Publisher publisher(*node);
    publisher.await(50);
    CHECK(in_data_file(secret));
    REQUIRE(store->change_stream({"person", Expected::any(), EraseEvent{Version{1}}}));
    std::uint64_t last = 0;
    const auto report = scavenge_node(client_of(*node), [&](std::uint64_t done, std::uint64_t) {
        CHECK(done >= last);
        last = done;
    });
    INFO((report ? std::string() : report.error().message));
    REQUIRE(report);
    CHECK(report->pages_zeroed > 0);
    CHECK_FALSE(in_data_file(secret));
    publisher.await(publisher.acknowledged() + 10);
}

}  // namespace skald
