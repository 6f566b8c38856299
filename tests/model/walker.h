// Random walks through a system that is too large to be searched: they go deep where Explorer goes
// wide. They prove nothing; what they find is real, by a trace that is not a shortest one.
//
// Model: as for Explorer; besides, const char* kind(const Action&) const. At each step a kind of
// action is drawn first, so that what can be done in many ways is not done all the time.
#pragma once

#include <algorithm>
#include <random>

#include "tests/model/explorer.h"

namespace skald::model {

struct Walks {
    std::uint64_t seed = 1;
    std::uint64_t walks = 100;
    int steps = 200;  // in one walk, at most
};

// Looks at every state that a walk comes to. `states` and `transitions` of the report count steps.
template <typename Model>
Report walk(const Model& model, Walks walks, const typename Explorer<Model>::Look& look = nullptr) {
    std::mt19937_64 random(walks.seed);
    Report report;
    typename Explorer<Model>::Steps steps;
    std::vector<const char*> kinds;
    for (std::uint64_t i = 0; i < walks.walks && report.violation.empty(); ++i) {
        typename Model::State state = model.initial().front();
        report.trace.clear();
        for (int depth = 0; depth < walks.steps && report.violation.empty(); ++depth) {
            steps.clear();
            model.successors(state, steps);
            if (steps.empty()) {
                break;
            }
            kinds.clear();
            for (const auto& step : steps) {
                kinds.push_back(model.kind(step.first));
            }
            std::sort(kinds.begin(), kinds.end());
            kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
            const char* const kind = kinds[random() % kinds.size()];
            steps.erase(
                std::remove_if(steps.begin(), steps.end(),
                               [&](const auto& step) { return model.kind(step.first) != kind; }),
                steps.end());
            const auto& step = steps[random() % steps.size()];
            report.trace.push_back(model.describe(step.first));
            state = step.second;
            ++report.states;
            const char* violation = model.violation(state);
            if (violation == nullptr && look) {
                violation = look(state);
            }
            report.violation = violation == nullptr ? "" : violation;
        }
        report.depth = std::max(report.depth, static_cast<int>(report.trace.size()));
    }
    report.transitions = report.states;
    if (report.violation.empty()) {
        report.trace.clear();
    }
    return report;
}

}  // namespace skald::model
