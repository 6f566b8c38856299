#include "cqrs/touched.h"

#include <algorithm>

namespace skald::cqrs {
namespace {

bool share(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() && right != b.end() && *left != *right) {
        *left < *right ? ++left : ++right;
    }
    return left != a.end() && right != b.end();
}

}  // namespace

void Touched::sort() {
    std::sort(read_.begin(), read_.end());
    std::sort(changed_.begin(), changed_.end());
}

bool Touched::collides(const Touched& other) const {
    return share(changed_, other.changed_) || share(changed_, other.read_) ||
           share(read_, other.changed_);
}

void Touched::clear() {
    read_.clear();
    changed_.clear();
}

}  // namespace skald::cqrs
