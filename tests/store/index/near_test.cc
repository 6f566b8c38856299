#include "store/index/near.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <vector>

namespace skald::store::index {

TEST_CASE("near: finds what a plain search finds, whatever the guess", "[store]") {
    CHECK(rc::check("as lower_bound", [](std::vector<std::uint8_t> numbers, std::uint8_t wanted,
                                         std::uint16_t guess, std::uint8_t step) {
        std::sort(numbers.begin(), numbers.end());
        const auto found =
            first_not_less(numbers.size(), guess % (numbers.size() + 2), step % 20 + 1,
                           [&](std::size_t i) { return numbers.at(i) < wanted; });
        const auto right = std::lower_bound(numbers.begin(), numbers.end(), wanted);
        RC_ASSERT(found == static_cast<std::size_t>(right - numbers.begin()));
    }));
}

}  // namespace skald::store::index
