// What a worker's handler gives, as it travels.
#include "wire/service_call.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "base/glob.h"
#include "base/limits.h"

namespace skald::wire {
namespace {

Error failure(const ServiceHandler& handler) {
    const auto reply = carry_out(handler, {});
    REQUIRE_FALSE(reply);
    return reply.error();
}

}  // namespace

TEST_CASE("service call: replies and errors are the handler's", "[wire]") {
    CHECK(*carry_out([](const ServiceRequest& request)
                         -> Result<std::string> { return std::string(request.payload); },
                     {"x", std::chrono::milliseconds(5)}) == "x");
    const Error error(Errc::forbidden, "no");
    CHECK(failure([&](const ServiceRequest&) -> Result<std::string> { return error; }) == error);
}

TEST_CASE("service call: what is thrown is handler_failed", "[wire]") {
    const Error thrown = failure([](const ServiceRequest&) -> Result<std::string> {
        throw std::runtime_error("on purpose");
    });
    CHECK(thrown == Error(Errc::handler_failed, "the worker failed: on purpose"));
    const Error other = failure([](const ServiceRequest&) -> Result<std::string> { throw 7; });
    CHECK(other.code == Errc::handler_failed);
}

TEST_CASE("service call: what is too long is refused or cut", "[wire]") {
    std::size_t size = limits::kRequestBytesMax;
    const auto large = [&size](const ServiceRequest&) -> Result<std::string> {
        return std::string(size, 'x');
    };
    CHECK(carry_out(large, {})->size() == size);
    ++size;
    CHECK(failure(large).code == Errc::handler_failed);
    const Error cut = failure([](const ServiceRequest&) -> Result<std::string> {
        Error error(Errc::busy, "x");
        while (error.message.size() < 2 * limits::kErrorTextBytesMax) {
            error.message += "\u00e9";
        }
        error.conflicts.resize(10'000);
        return error;
    });
    CHECK(cut.message.size() == limits::kErrorTextBytesMax - 1);
    CHECK(is_utf8(cut.message));
    CHECK(cut.conflicts.size() == limits::kErrorConflictsMax);
}

TEST_CASE("service call: a brief handler answers, leaves it to the other, or fails", "[wire]") {
    BriefAnswers brief([](const ServiceRequest& request) -> std::optional<Result<std::string>> {
        if (request.payload == "throw") {
            throw std::runtime_error("on purpose");
        }
        if (request.payload == "large") {
            return std::string(limits::kRequestBytesMax + 1, 'x');
        }
        return request.payload == "slow" ? std::nullopt
                                         : std::optional<Result<std::string>>("at once");
    });
    CHECK(**brief.ask({"quick"}) == "at once");
    CHECK_FALSE(brief.ask({"slow"}));
    CHECK(brief.ask({"throw"})->error().code == Errc::handler_failed);
    CHECK(brief.ask({"large"})->error().code == Errc::handler_failed);
    brief.close();
    CHECK_FALSE(brief.ask({"quick"}));
    CHECK_FALSE(BriefAnswers(nullptr).ask({"quick"}));
}

TEST_CASE("service call: whoever ends a brief handler waits for it", "[wire]") {
    std::promise<void> entered;
    std::atomic<bool> closing = false;
    std::atomic<bool> left = false;
    BriefAnswers brief([&](const ServiceRequest&) -> std::optional<Result<std::string>> {
        entered.set_value();
        closing.wait(false);
        for (int i = 0; i < 10'000; ++i) {
            std::this_thread::yield();
        }
        left = true;
        return std::nullopt;
    });
    std::thread asker([&] { (void)brief.ask({"x"}); });
    entered.get_future().wait();
    closing = true;
    closing.notify_all();
    brief.close();
    CHECK(left);
    asker.join();
}

TEST_CASE("service call: threads are 1-1,024", "[wire]") {
    for (const std::uint32_t threads : {1U, kServeThreadsMax}) {
        CHECK(check_serve_options({.threads = threads}));
    }
    for (const std::uint32_t threads : {0U, kServeThreadsMax + 1}) {
        CHECK(check_serve_options({.threads = threads}).error().code == Errc::invalid_argument);
    }
}

}  // namespace skald::wire
