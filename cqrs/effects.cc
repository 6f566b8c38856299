#include "cqrs/effects.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "cqrs/position_order.h"

namespace skald::cqrs {

void Effects::begin_event(Partition partition, Offset offset) {
    before_ = effects_.size();
    partition_ = partition;
    offset_ = offset;
}

void Effects::add(std::function<void()> act) {
    effects_.push_back({partition_, offset_, std::move(act)});
}

void Effects::clear() {
    effects_.clear();
    before_ = 0;
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
