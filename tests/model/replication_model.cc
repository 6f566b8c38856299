#include "tests/model/replication_model.h"

#include <ctime>

#include "tests/model/replication_healing.h"
#include "tests/model/walker.h"

namespace skald::model {

std::vector<State> ReplicationModel::initial() const {
    State state;
    for (int i = 0; i < kNodes; ++i) {
        Node& node = at(state, i);
        node.up = i < setup_.bounds.nodes;
        node.promised = 1;
        node.epoch = node.up ? 1 : 0;
        node.aligned = node.up;
    }
    Members isr{.mask = setup_.isr, .disk = {}};
    for (int i = 0; i < kNodes; ++i) {
        at(isr.disk, i) = has(isr.mask, i) ? 1 : 0;
    }
    state.config.isr = isr;
    Node& first = at(state, 0);
    first.role = primary;
    first.isr = isr;
    first.stated_disk = isr.disk;
    state.source[1] = state.source_incarnation[1] = 1;
    normalise(state, setup_);
    return {state};
}

void ReplicationModel::successors(const State& state, Steps::Out& out) const {
    Steps steps(setup_, out);
    client_steps(state, setup_, steps);
    log_steps(state, setup_, steps);
    membership_steps(state, setup_, steps);
    failover_steps(state, setup_, steps);
    delivery_steps(state, setup_, steps);
    fault_steps(state, setup_, steps);
}

namespace {

template <typename Run>
Result timed(const Run& run) {
    Result result;
    const std::clock_t start = std::clock();
    result.report = run(result.healed);
    result.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    return result;
}

}  // namespace

Result search(const Setup& setup, std::uint64_t states, bool check_healing) {
    const ReplicationModel model(setup);
    return timed([&](std::uint64_t& healed) {
        Explorer<ReplicationModel> explorer(model);
        if (!check_healing) {
            return explorer.explore({.states = states});
        }
        return explorer.explore({.states = states}, [&](const State& state) {
            ++healed;
            return stuck(state, setup);
        });
    });
}

Result wander(const Setup& setup, std::uint64_t seed, std::uint64_t walks) {
    const ReplicationModel model(setup);
    return timed([&](std::uint64_t& healed) {
        std::uint64_t seen = 0;
        return walk(model, {.seed = seed, .walks = walks}, [&](const State& state) {
            const bool now = ++seen % 16 == 0 && has_room(state);
            healed += now ? 1 : 0;
            return now ? stuck(state, setup) : nullptr;
        });
    });
}

}  // namespace skald::model
