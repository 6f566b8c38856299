#include "broker/replication/epoch_ends.h"

#include <algorithm>

#include "base/check.h"

namespace skald::broker::replication {

void EpochEnds::began(Epoch epoch, Offset first) {
    SKALD_CHECK(epoch >= last(), "epochs of a log rise");
    if (epoch > last()) {
        begins_.push_back({epoch, first});
    }
}

void EpochEnds::cut(Offset end) {
    while (!begins_.empty() && begins_.back().first >= end) {
        begins_.pop_back();
    }
}

EpochEnd EpochEnds::end_of(Epoch epoch, Offset log_end) const {
    const auto above = std::find_if(begins_.begin(), begins_.end(),
                                    [&](const Begin& begin) { return begin.epoch > epoch; });
    const Offset end = above == begins_.end() ? log_end : above->first;
    return {above == begins_.begin() ? Epoch{0} : std::prev(above)->epoch, end};
}

}  // namespace skald::broker::replication
