#include "broker/consumers/due_times.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <set>

namespace skald::broker {
namespace {

using Due = DueTimes::Due;

}  // namespace

TEST_CASE("due_times: the first is the earliest that was not taken back", "[broker][model]") {
    const bool ok = rc::check([] {
        std::set<Due> model;
        DueTimes dues;
        dues.add(Time{-1}, {});
        model.emplace(Time{-1}, Place{});
        const auto add = [&](std::int64_t time, std::uint64_t offset) {
            if (model.emplace(Time{time}, Place{Partition{}, Offset{offset}}).second) {
                dues.add(Time{time}, {Partition{}, Offset{offset}});
            }
        };
        const auto take_back = [&](std::set<Due>::iterator it) {
            model.erase(it);
            dues.tidy(model.size(), [&](const Due& due) { return model.contains(due); });
        };
        const auto steps = *rc::gen::inRange(0, 30);
        for (int i = 0; i < steps; ++i) {
            const auto count = *rc::gen::inRange<std::uint64_t>(1, 400);
            const auto time = *rc::gen::inRange<std::int64_t>(0, 1000);
            for (std::uint64_t n = 0; n < count; ++n) {
                add((time + static_cast<std::int64_t>(n) * 7919) % 1000, n);
            }
            const auto left = *rc::gen::inRange<std::size_t>(0, model.size() + 1);
            const bool from_front = *rc::gen::arbitrary<bool>();
            while (model.size() > left) {
                take_back(from_front ? model.begin() : std::prev(model.end()));
            }
            RC_ASSERT(dues.size() <= 2 * model.size() + 1024 + 400);
            RC_ASSERT(dues.empty() == model.empty());
            RC_ASSERT((model.empty() || dues.first() == *model.begin()));
        }
    });
    CHECK(ok);
}

}  // namespace skald::broker
