// Requests that a worker answers on the thread that takes them in.
#include <atomic>
#include <future>
#include <thread>

#include "tests/broker/services_fixture.h"

namespace skald {

TEST_CASE("services: a brief handler answers on the thread that takes requests in", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto workers = services_of(*node);
    auto asker = services_of(*node);
    ServiceHost& host = GENERATE(true, false) ? node->services() : *workers;
    Gate gate;
    std::atomic<int> looks{0};
    std::thread::id looked;
    std::thread::id worked;
    ServeOptions options;
    options.brief = [&](const ServiceRequest& request) -> std::optional<Result<std::string>> {
        ++looks;
        looked = std::this_thread::get_id();
        if (request.payload == "slow") {
            return std::nullopt;
        }
        return std::string(request.payload) +
               (request.left > 0s && request.left <= 10s ? "!" : "?");
    };
    auto serving = host.serve(
        "both",
        [&](const ServiceRequest& request) -> Result<std::string> {
            gate.pass();
            worked = std::this_thread::get_id();
            return std::string(request.payload) + ", done";
        },
        options);
    REQUIRE(serving);
    CHECK(*asker->request("both", "x", 10s) == "x!");
    std::promise<Result<std::string>> slow;
    asker->begin_request("both", "slow", 60s,
                         [&](Result<std::string> answer) { slow.set_value(std::move(answer)); });
    gate.wait_for(1);
    gate.open();
    CHECK(*slow.get_future().get() == "slow, done");
    CHECK(looks == 2);
    CHECK(looked != worked);
    serving->reset();
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(asker->request("both", "x", 10s));
    }
    CHECK(looks == 2);
}

// Requests that come together while the first is looked at. How many wait by then is the system's
// to say, so it may take some rounds until they are more than a turn answers.
TEST_CASE("services: more than a turn answers at once are answered by the worker", "[broker]") {
    constexpr int kRequests = 1000;
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto asker = services_of(*node);
    std::mutex mutex;
    std::condition_variable changed;
    bool asked = false;
    int answered = 0;
    int wrong = 0;
    std::atomic<int> worked{0};
    ServeOptions options;
    options.brief = [&](const ServiceRequest& request) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return asked; });
        return std::optional<Result<std::string>>(std::string(request.payload));
    };
    const auto serving = node->services().serve(
        "echo",
        [&](const ServiceRequest& request) -> Result<std::string> {
            ++worked;
            return std::string(request.payload);
        },
        options);
    REQUIRE(serving);
    for (int round = 0; round < 100 && worked == 0; ++round) {
        {
            const std::lock_guard lock(mutex);
            asked = false;
            answered = 0;
        }
        for (int i = 0; i < kRequests; ++i) {
            asker->begin_request("echo", std::to_string(i), 60s,
                                 [&, i](const Result<std::string>& answer) {
                                     const std::lock_guard lock(mutex);
                                     wrong += answer && *answer == std::to_string(i) ? 0 : 1;
                                     ++answered;
                                     changed.notify_all();
                                 });
        }
        std::unique_lock lock(mutex);
        asked = true;
        changed.notify_all();
        REQUIRE(changed.wait_for(lock, 60s, [&] { return answered == kRequests; }));
    }
    CHECK(wrong == 0);
    CHECK(worked > 0);
}

}  // namespace skald
