#include "broker/consumers/taken_offsets.h"

#include <algorithm>
#include <iterator>

namespace skald::broker {

void TakenOffsets::add(Offset first, Offset next) {
    if (first >= next) {
        return;
    }
    auto it = ranges_.upper_bound(first);
    if (it != ranges_.begin() && std::prev(it)->second >= first) {
        --it;
        it->second = std::max(it->second, next);
    } else {
        it = ranges_.emplace_hint(it, first, next);
    }
    for (auto behind = std::next(it); behind != ranges_.end() && behind->first <= it->second;
         behind = ranges_.erase(behind)) {
        it->second = std::max(it->second, behind->second);
    }
}

bool TakenOffsets::contains(Offset offset) const {
    const auto behind = ranges_.upper_bound(offset);
    return behind != ranges_.begin() && std::prev(behind)->second > offset;
}

Offset TakenOffsets::first_open(Offset begin) const {
    const auto behind = ranges_.upper_bound(begin);
    return behind == ranges_.begin() ? begin : std::max(begin, std::prev(behind)->second);
}

void TakenOffsets::each(const std::function<void(Offset first, Offset next)>& visit) const {
    for (const auto& [first, next] : ranges_) {
        visit(first, next);
    }
}

}  // namespace skald::broker
