#include "store/lifecycle_mask.h"

namespace skald::store {

Result<StreamFacts> facts_of(const PartitionLog& log, const IndexSnapshot& index,
                             std::string_view stream) {
    auto head = index.head(stream);
    if (!head) {
        return head.error();
    }
    StreamFacts facts;
    if (!*head) {
        return facts;
    }
    facts.next = (*head)->next;
    facts.lifecycle = (*head)->lifecycle;
    if (facts.lifecycle && !is_ours(stream)) {
        auto control = log.control_at(*facts.lifecycle);
        if (!control) {
            return control.error();
        }
        facts.control = *control;
        facts.settle_next();
    }
    return facts;
}

Result<bool> LifecycleMask::alive(const PartitionLog& log, const IndexSnapshot& index,
                                  Time log_time, const EventView& event) {
    if (!known_ || known_->stream != event.stream) {
        auto facts = facts_of(log, index, event.stream);
        if (!facts) {
            return facts.error();
        }
        known_ = Known{std::string(event.stream), *facts};
    }
    const StreamFacts& facts = known_->facts;
    return facts.control.alive(event.version, event.recorded_at, facts.next, log_time);
}

}  // namespace skald::store
