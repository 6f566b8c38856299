// Callers that wait for their answers run the client's loop themselves: from several threads,
// beside appends that do not wait and subscriptions that come and go.
#include <catch2/catch.hpp>
#include <thread>

#include "tests/broker/node_fixture.h"

namespace skald {
namespace {

constexpr std::uint64_t kRounds = 200;

// How many rounds went as they must: the receipt is the next version's, which a read then finds.
std::uint64_t append_and_read(EventStore& store, const std::string& stream,
                              std::atomic<std::uint64_t>& answers) {
    Read newest;
    newest.selection = Selection::stream(stream);
    newest.start = End{};
    newest.backward = true;
    newest.limit = 1;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        store.append_async(Append::one(stream + "-async", event("x")),
                           [&](auto receipt) { answers += receipt ? 1U : 0U; });
        const auto receipt = store.append(Append::one(stream, event("x")));
        const auto page = store.read(newest);
        if (!receipt || receipt->version != Version{i} || !page || page->events.size() != 1 ||
            page->events[0].version != Version{i}) {
            return i;
        }
    }
    return kRounds;
}

}  // namespace

TEST_CASE("client: a caller that waits alone gets each answer", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    auto store = connect_to(*node);
    std::atomic<std::uint64_t> answers{0};
    CHECK(append_and_read(*store, "s", answers) == kRounds);
    store.reset();
    CHECK(answers == kRounds);
}

TEST_CASE("client: callers that wait in many threads get each answer", "[node]") {
    const TempDirectory directory;
    const auto node = start(options_of(directory));
    auto store = connect_to(*node);
    std::atomic<std::uint64_t> answers{0};
    std::atomic<std::uint64_t> rounds{0};
    {
        std::vector<std::jthread> threads;
        for (const char* stream : {"a", "b", "c"}) {
            threads.emplace_back(
                [&, stream] { rounds += append_and_read(*store, stream, answers); });
        }
        for (int i = 0; i < 20; ++i) {
            Listener listener;
            const auto subscription = store->subscribe(Subscribe{}, listener);
            REQUIRE(subscription);
            CHECK(listener.wait_until_caught_up());
        }
    }
    CHECK(rounds == 3 * kRounds);
    store.reset();
    CHECK(answers == 3 * kRounds);
}

}  // namespace skald
