#include "store/head_cache.h"

#include <fmt/format.h>
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "base/limits.h"

namespace skald::store {
namespace {

std::string stream(std::uint64_t n) {
    return fmt::format("order-{}", n);
}

std::optional<Version> find(const HeadCache& cache, std::uint64_t n) {
    return cache.find(cache.key(stream(n)));
}

}  // namespace

TEST_CASE("head_cache: gives what was put last, until it is forgotten", "[store]") {
    CHECK(rc::check("as a map does, for few streams", [] {
        HeadCache cache(*rc::gen::arbitrary<std::uint64_t>());
        std::map<std::uint64_t, std::uint64_t> model;
        const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
            rc::gen::pair(rc::gen::inRange(0, 200), rc::gen::inRange(0, 50)));
        for (const auto& [n, next] : steps) {
            const std::uint64_t at = static_cast<std::uint64_t>(n);
            if (next == 0) {
                cache.forget(cache.key(stream(at)));
                model.erase(at);
            } else {
                cache.put(cache.key(stream(at)), Version{static_cast<std::uint64_t>(next)});
                model[at] = static_cast<std::uint64_t>(next);
            }
        }
        for (std::uint64_t at = 0; at < 200; ++at) {
            // 200 streams in 1,024 sets of four: none pushes another out, but by great ill luck.
            const auto known = model.find(at);
            RC_ASSERT(
                find(cache, at) ==
                (known != model.end() ? std::optional(Version{known->second}) : std::nullopt));
        }
    }));
}

TEST_CASE("head_cache: is bounded, and right about whatever it still knows", "[store]") {
    constexpr std::uint64_t kStreams = 3'000'000;
    HeadCache cache(7);
    CHECK(cache.owned_bytes() < 128 * limits::kKiB);
    for (std::uint64_t n = 0; n < kStreams; ++n) {
        cache.put(cache.key(stream(n)), Version{n + 1});
    }
    CHECK(cache.owned_bytes() == limits::kHeadCacheBytesMax);
    std::uint64_t wrong = 0;
    std::uint64_t late = 0;  // found, of the newest hundred thousand
    for (std::uint64_t n = 0; n < kStreams; ++n) {
        const auto found = find(cache, n);
        wrong += found && found->value != n + 1 ? 1 : 0;
        late += found && n >= kStreams - 100'000 ? 1 : 0;
    }
    CHECK(wrong == 0);
    CHECK(late > 95'000);
}

TEST_CASE("head_cache: in a full set the stream that was put least recently makes room",
          "[store]") {
    HeadCache cache(7);
    // Of one set, as long as the cache has not grown.
    const auto key = [](std::uint64_t n) { return HeadCache::Key{n, n}; };
    for (std::uint64_t n = 1; n <= 4; ++n) {
        cache.put(key(n), Version{n});
    }
    cache.put(key(1), Version{10});
    cache.put(key(5), Version{5});
    CHECK(cache.find(key(1)) == Version{10});
    CHECK_FALSE(cache.find(key(2)));
    CHECK(cache.find(key(3)) == Version{3});
    CHECK(cache.find(key(5)) == Version{5});
}

TEST_CASE("head_cache: what differs in any bit that is kept is another stream", "[store]") {
    HeadCache cache(7);
    const HeadCache::Key key{0, 0};
    cache.put(key, Version{1});
    CHECK(cache.find(key) == Version{1});
    CHECK_FALSE(cache.find({1, 0}));
    CHECK_FALSE(cache.find({0, 1}));
    CHECK_FALSE(cache.find({0, std::uint64_t{1} << 23}));
}

TEST_CASE("head_cache: a version beyond 40 bits is not kept", "[store]") {
    HeadCache cache(7);
    const HeadCache::Key key = cache.key("order-1");
    const std::uint64_t most = (std::uint64_t{1} << 40) - 1;
    cache.put(key, Version{most});
    CHECK(cache.find(key) == Version{most});
    cache.put(key, Version{most + 1});
    CHECK_FALSE(cache.find(key));
}

}  // namespace skald::store
