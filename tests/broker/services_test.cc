// Programs that serve and ask, over a node and its sockets.
#include <atomic>
#include <future>
#include <thread>

#include "tests/broker/services_fixture.h"

namespace skald {

TEST_CASE("services: a request is answered by a worker elsewhere", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory, GENERATE("ipc", "inproc")));
    auto workers = services_of(*node);
    auto asker = services_of(*node);
    CHECK(asker->request("echo", "x", 10s).error().code == Errc::not_ready);
    auto serving =
        serve(*workers, "echo", [](const ServiceRequest& request) -> Result<std::string> {
            if (request.payload == "throw") {
                throw std::runtime_error("on purpose");
            }
            if (request.payload == "fail") {
                return Error(Errc::forbidden, "not that");
            }
            return std::string(request.payload) +
                   (request.left > 0s && request.left <= 10s ? "!" : "?");
        });
    CHECK(*asker->request("echo", "x", 10s) == "x!");
    CHECK(*asker->request("echo", "", 10s) == "!");
    const std::string large(4 << 20, 'x');
    CHECK(asker->request("echo", large, 10s).error().code == Errc::handler_failed);  // one more
    CHECK(asker->request("echo", large.substr(1), 10s)->size() == large.size());
    CHECK(asker->request("echo", large + "x", 10s).error().code == Errc::request_too_large);
    CHECK(asker->request("echo", "fail", 10s).error() == Error(Errc::forbidden, "not that"));
    CHECK(asker->request("echo", "throw", 10s).error().code == Errc::handler_failed);
    CHECK(asker->request("echo", "x", 0ms).error().code == Errc::invalid_argument);
    CHECK(workers->serve("echo", nullptr, {.balance = Balance::weighted}).error().code ==
          Errc::already_exists);
    CHECK(workers->serve("echo", nullptr, {.threads = 0}).error().code == Errc::invalid_argument);
    serving.reset();
    auto after = asker->request("echo", "x", 10s);
    while (!after && after.error().code == Errc::outcome_unknown) {  // the node hears of it soon
        after = asker->request("echo", "x", 10s);
    }
    REQUIRE_FALSE(after);
    CHECK(after.error().code == Errc::not_ready);
}

TEST_CASE("services: a request that nobody waits for is answered later", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto workers = services_of(*node);
    auto asker = services_of(*node);
    Gate gate;
    auto serving = serve(*workers, "slow", [&](const ServiceRequest& request) {
        gate.pass();
        return std::string(request.payload);
    });
    using Answer = Result<std::string>;
    const auto begin = [&](Services& services, std::string payload) {
        auto promise = std::make_shared<std::promise<Answer>>();
        services.begin_request("slow", std::move(payload), 60s,
                               [promise](Answer answer) { promise->set_value(std::move(answer)); });
        return promise->get_future();
    };
    auto first = begin(*asker, "1");
    auto second = begin(*asker, "2");
    gate.wait_for(1);
    CHECK(first.wait_for(0s) == std::future_status::timeout);
    gate.open();
    CHECK(*first.get() == "1");
    CHECK(*second.get() == "2");
    CHECK(begin(*asker, std::string((4 << 20) + 1, 'x')).get().error().code ==
          Errc::request_too_large);
    // At the end of the client at the latest.
    node->stop();
    auto last = begin(*asker, "3");
    asker.reset();
    CHECK_FALSE(last.get());
}

TEST_CASE("services: several workers share, and each has threads", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto asker = services_of(*node);
    Gate gate;
    std::atomic<int> counts[2] = {0, 0};
    std::vector<std::unique_ptr<Services>> workers;
    std::vector<std::unique_ptr<Serving>> servings;
    for (auto& count : counts) {
        workers.push_back(services_of(*node));
        servings.push_back(serve(*workers.back(), "work",
                                 [&](const ServiceRequest&) -> Result<std::string> {
                                     ++count;
                                     gate.pass();
                                     return std::string("done");
                                 },
                                 {.threads = 2}));
    }
    std::vector<std::thread> askers;
    std::atomic<int> done{0};
    for (int i = 0; i < 6; ++i) {
        askers.emplace_back([&] { done += asker->request("work", "x", 60s) ? 1 : 0; });
    }
    gate.wait_for(4);  // all threads of both; two requests wait at the node
    CHECK(counts[0] == 2);
    CHECK(counts[1] == 2);
    gate.open();
    for (std::thread& thread : askers) {
        thread.join();
    }
    CHECK(done == 6);
}

TEST_CASE("services: a time that is over", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto asker = services_of(*node);
    auto workers = services_of(*node);
    Gate gate;
    auto serving = serve(*workers, "slow", [&](const ServiceRequest&) -> Result<std::string> {
        gate.pass();
        return std::string("late");
    });
    CHECK(asker->request("slow", "x", 50ms).error().code == Errc::outcome_unknown);
    CHECK(asker->request("slow", "x", 50ms).error().code == Errc::timed_out);  // never handed out
    gate.open();
    CHECK(*asker->request("slow", "x", 60s) == "late");
}

TEST_CASE("services: workers in the node's own process", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto asker = services_of(*node);
    Gate gate;
    auto served = node->services().serve("echo",
                                         [&](const ServiceRequest& request) -> Result<std::string> {
                                             if (request.payload == "throw") {
                                                 throw std::runtime_error("on purpose");
                                             }
                                             if (request.payload == "wait") {
                                                 gate.pass();
                                             }
                                             return std::string(request.payload) +
                                                    (request.left <= 60s ? "!" : "?");
                                         },
                                         {.threads = 2});
    REQUIRE(served);
    CHECK(*asker->request("echo", "x", 60s) == "x!");
    CHECK(asker->request("echo", "throw", 60s).error().code == Errc::handler_failed);
    CHECK(asker->request("echo", std::string(4 << 20, 'x'), 60s).error().code ==
          Errc::handler_failed);  // one more
    // Two at one time; the third waits at the node.
    std::vector<std::thread> askers;
    std::atomic<int> done{0};
    for (int i = 0; i < 3; ++i) {
        askers.emplace_back([&] { done += asker->request("echo", "wait", 60s) ? 1 : 0; });
    }
    gate.wait_for(2);
    gate.open();
    for (std::thread& thread : askers) {
        thread.join();
    }
    CHECK(done == 3);
    // With others elsewhere they are one service.
    auto workers = services_of(*node);
    auto more = serve(*workers, "echo", [](const ServiceRequest&) -> Result<std::string> {
        return std::string("elsewhere");
    });
    CHECK(*asker->request("echo", "x", 60s) != *asker->request("echo", "x", 60s));
    served->reset();
    auto reply = asker->request("echo", "x", 60s);
    while (!reply || *reply != "elsewhere") {  // the node hears of it soon
        reply = asker->request("echo", "x", 60s);
    }
    CHECK(node->services().serve("echo", nullptr, {.threads = 0}).error().code ==
          Errc::invalid_argument);
    CHECK(node->services().serve("$mine", nullptr).error().code == Errc::invalid_argument);
    node->stop();
    CHECK(node->services().serve("echo", nullptr).error().code == Errc::shutting_down);
}

TEST_CASE("services: those that are served are listed", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto services = services_of(*node);
    using Names = std::vector<std::string>;
    CHECK(*services->names("", 60s) == Names{"consumers", "coord"});  // the node's own
    const auto nothing = [](const ServiceRequest&) -> Result<std::string> { return std::string(); };
    const auto b = serve(*services, "a/b", nothing);
    const auto a = serve(*services, "a/a", nothing);
    const auto c = serve(*services, "c", nothing);
    const auto here = node->services().serve("b", nothing);
    CHECK(*services->names("", 60s) == Names{"a/a", "a/b", "b", "c", "consumers", "coord"});
    CHECK(*services->names("a/", 60s) == Names{"a/a", "a/b"});
    CHECK(*services->names("c", 60s) == Names{"c", "consumers", "coord"});
    CHECK(services->names("d", 60s)->empty());
}

TEST_CASE("services: whoever ends while a request is with it leaves it unknown, and others go on",
          "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto asker = services_of(*node);
    auto workers = services_of(*node);
    std::vector<std::unique_ptr<Gate>> gates;
    auto other = serve(*workers, "other", [](const ServiceRequest&) -> Result<std::string> {
        return std::string("still here");
    });
    // More than a connection survives of what is malformed.
    for (int i = 0; i < 20; ++i) {
        gates.push_back(std::make_unique<Gate>());
        std::atomic<bool> ended{false};
        auto serving = serve(*workers, "slow", [&](const ServiceRequest&) -> Result<std::string> {
            gates.back()->pass();
            ended = true;
            return std::string("late");
        });
        std::thread asking(
            [&] { CHECK(asker->request("slow", "x", 60s).error().code == Errc::outcome_unknown); });
        gates.back()->wait_for(1);
        std::thread ending([&] { serving.reset(); });
        asking.join();  // before the call ends
        CHECK_FALSE(ended);
        gates.back()->open();
        ending.join();
        CHECK(ended);  // it was waited for
        REQUIRE(*asker->request("other", "x", 60s) == "still here");
    }
}

TEST_CASE("services: a worker's error comes through, as long as it may be", "[broker]") {
    TempDirectory directory;
    auto node = start(options_of(directory));
    auto asker = services_of(*node);
    auto workers = services_of(*node);
    auto serving = serve(*workers, "fail", [](const ServiceRequest&) -> Result<std::string> {
        return Error(Errc::forbidden, std::string(3 << 20, 'x'));
    });
    for (int i = 0; i < 20; ++i) {
        const auto reply = asker->request("fail", "x", 60s);
        REQUIRE_FALSE(reply);
        REQUIRE(reply.error() == Error(Errc::forbidden, std::string(64 * 1024, 'x')));
    }
}

TEST_CASE("services: serving goes on after the node was restarted", "[broker]") {
    TempDirectory directory;
    const auto options = options_of(directory);
    auto node = start(options);
    auto workers = services_of(*node);
    auto asker = services_of(*node);
    auto serving =
        serve(*workers, "echo", [](const ServiceRequest& request) -> Result<std::string> {
            return std::string(request.payload);
        });
    REQUIRE(asker->request("echo", "x", 10s));
    node.reset();
    node = start(options);
    // Until the worker is back nobody serves, and until the asker is back nothing is sent.
    Result<std::string> reply = Error();
    for (int i = 0; i < 100'000 && !reply; ++i) {
        reply = asker->request("echo", "again", 10s);
    }
    REQUIRE(reply);
    CHECK(*reply == "again");
}

}  // namespace skald
