#include "tests/crash/scratch.h"

#include "tests/crash/plan.h"

namespace skald::crash {
namespace {

constexpr std::uint64_t kStreams = 4;

LifecycleChange change_of(std::uint64_t dice, Version last) {
    switch (dice % 4) {
        case 0:
            return TruncateStream{Version{last.value - std::min<std::uint64_t>(last.value, 2)}};
        case 1:
            return SetLimits{{1 + dice / 4 % 8, std::nullopt}};
        case 2:
            return DeleteStream{};
        default:
            return EraseEvent{last};
    }
}

Result<void> change(EventStore& store, const std::string& stream, std::uint64_t dice) {
    auto info = store.stream_info(stream);
    if (!info) {
        return info.error();
    }
    if (info->state != StreamState::active || !info->last) {
        return {};
    }
    auto changed = store.change_stream(
        Lifecycle{stream, Expected::exact(*info->last), change_of(dice, *info->last)});
    return changed ? Result<void>() : changed.error();
}

Result<void> step(EventStore& store, std::uint64_t dice) {
    const std::string stream = "scratch-" + std::to_string(dice % kStreams) + "{a}";
    if (dice / 8 % 3 == 0) {
        return change(store, stream, dice / 32);
    }
    if (dice / 8 % 24 == 1) {
        // Larger than what the extender keeps free behind a commit.
        Snapshot snapshot{Version{0}, dice, std::string(600'000 + dice / 256 % 400'000, 's')};
        return store.put_snapshot(stream, snapshot);
    }
    std::vector<NewEvent> events(1 + dice / 32 % 3);
    for (NewEvent& event : events) {
        event.type = "Scratch";
        event.data = "comes and goes";
    }
    auto receipt = store.append(Append::many(stream, std::move(events)));
    return receipt ? Result<void>() : receipt.error();
}

}  // namespace

Result<void> change_scratch(EventStore& store, std::uint64_t seed, std::uint64_t steps) {
    for (std::uint64_t i = 0; steps == 0 || i < steps; ++i) {
        if (auto ok = step(store, mix(seed ^ mix(i))); !ok) {
            return ok;
        }
    }
    return {};
}

}  // namespace skald::crash
