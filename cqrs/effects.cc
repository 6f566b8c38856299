#include "cqrs/effects.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "cqrs/position_order.h"

namespace skald::cqrs {

void Effects::begin_event(Partition partition, Offset offset, std::size_t place) {
    before_ = effects_.size();
    partition_ = partition;
    offset_ = offset;
    place_ = place;
}

void Effects::add(std::function<void()> act) {
    effects_.push_back({partition_, offset_, place_, std::move(act)});
}

void Effects::clear() {
    effects_.clear();
    before_ = 0;
}

void Effects::absorb(const std::vector<Effects*>& others) {
    const auto own = static_cast<std::ptrdiff_t>(effects_.size());
    for (Effects* other : others) {
        std::move(other->effects_.begin(), other->effects_.end(), std::back_inserter(effects_));
        other->clear();
    }
    std::stable_sort(effects_.begin() + own, effects_.end(),
                     [](const Effect& a, const Effect& b) { return a.place < b.place; });
}

void Effects::run(const Position& muted_until, ModelProgress& progress) {
    for (const Effect& effect : std::exchange(effects_, {})) {
        if (is_past(muted_until, effect.partition, effect.offset)) {
            continue;
        }
        try {
            effect.act();
        } catch (const std::exception& e) {
            progress.note_error(
                Error(Errc::handler_failed,
                      fmt::format("partition {} offset {}: an effect failed: {}",
                                  effect.partition.value, effect.offset.value, e.what())));
        } catch (...) {
            progress.note_error(Error(Errc::handler_failed, "an effect failed"));
        }
    }
    before_ = 0;
}

}  // namespace skald::cqrs
