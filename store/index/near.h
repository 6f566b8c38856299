// Searching in sorted numbers whose distribution is known well enough to guess.
#pragma once

#include <algorithm>
#include <cstddef>

namespace skald::store::index {

// The first i of [0, n) for which less(i) no longer holds, or n. Costs by how far off the guess is.
template <typename Less>
std::size_t first_not_less(std::size_t n, std::size_t guess, std::size_t step, Less less) {
    if (n == 0) {
        return 0;
    }
    std::size_t low = std::min(guess, n - 1);
    std::size_t high = low;
    if (less(low)) {
        for (++low, high = low; high < n && less(high); step *= 4) {
            low = high + 1;
            high = std::min(n, high + step);
        }
    } else {
        for (low = high > step ? high - step : 0; low < high && !less(low); step *= 4) {
            high = low;
            low = high > step ? high - step : 0;
        }
    }
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (less(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

}  // namespace skald::store::index
