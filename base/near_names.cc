#include "base/near_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace skald {
namespace {

// Letters to insert, remove, change or swap with their neighbour to get from a to b.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> two_above;
    std::vector<std::size_t> above(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::vector<std::size_t> row(b.size() + 1, i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], two_above[j - 2] + 1);
            }
        }
        two_above = std::exchange(above, std::move(row));
    }
    return above[b.size()];
}

}  // namespace

std::vector<std::string> near_names(std::string_view word, const std::vector<std::string>& names) {
    const std::size_t at_most = std::max<std::size_t>(1, word.size() / 3);
    std::vector<std::pair<std::size_t, std::string>> found;
    for (const std::string& name : names) {
        const bool begins = word.size() >= 2 && name.starts_with(word);
        const std::size_t far = begins ? 0 : distance(word, name);
        if (far <= at_most) {
            found.emplace_back(far, name);
        }
    }
    std::sort(found.begin(), found.end());
    found.resize(std::min<std::size_t>(found.size(), 3));
    std::vector<std::string> near;
    for (auto& [far, name] : found) {
        near.push_back(std::move(name));
    }
    return near;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
    std::vector<std::string> near = near_names(word, names);
    for (std::string& name : near) {
        name = fmt::format("`{}`", name);
    }
    return near.empty() ? std::string()
                        : fmt::format(": did you mean {}?", fmt::join(near, " or "));
}

}  // namespace skald
