// A consumer that is the queue of one stream: what is done of it, and what it drops.
#include <algorithm>

#include "base/limits.h"
#include "broker/consumers/consumer.h"

namespace skald::broker {

bool Consumer::knows(Place place) const {
    const auto taken = taken_.find(place.partition);
    return entries_.contains(place) ||
           (taken != taken_.end() && taken->second.contains(place.offset));
}

Consumer::Amount Consumer::kept() const {
    Amount amount{entries_.size(), 0};
    for (const auto& [place, entry] : entries_) {
        amount.bytes += entry.bytes;
    }
    return amount;
}

Consumer::Amount Consumer::unrecorded() const {
    Amount amount = change_.left;
    if (under_way_) {
        amount.count += under_way_->left.count;
        amount.bytes += under_way_->left.bytes;
    }
    return amount;
}

// What is not in the log any more was read, and so was all before what was read: what stands there
// and is no entry is done.
store::Removal Consumer::removal() const {
    store::Removal removal;
    Version done_from;
    const auto done_to = [&](Version version) {
        if (removal.before == Version{} && done_from == Version{}) {
            removal.before = version;
        } else if (done_from < version) {
            removal.behind.push_back({done_from, version});
        }
    };
    std::size_t looked = 0;
    for (const auto& [place, entry] : entries_) {
        if (entry.version >= read_to_) {
            break;
        }
        done_to(entry.version);
        done_from = entry.version + 1;
        if (++looked == limits::kConsumerWindowMax ||
            removal.behind.size() == limits::kRemovedRangesMax) {
            return removal;
        }
    }
    done_to(read_to_);
    return removal;
}

void Consumer::drop_oldest(Amount over) {
    for (auto it = entries_.begin();
         it != entries_.end() && (over.count != 0 || over.bytes != 0) && !full();) {
        const auto next = std::next(it);
        const State state = it->second.state;
        if (state == State::ready || state == State::delayed) {
            over.count -= std::min<std::uint64_t>(over.count, 1);
            over.bytes -= std::min<std::uint64_t>(over.bytes, it->second.bytes);
            let_go(it);
            settle(it, Done::dropped);
        }
        it = next;
    }
}

}  // namespace skald::broker
