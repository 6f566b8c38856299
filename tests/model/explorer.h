// Breadth-first search through every state of a small system, for a violation of its invariants.
//
// Model: what explore() asks of a system. States are reached once each and in order of distance, so
// a trace that is found is a shortest one.
//
//   using State, Action                            copyable
//   std::vector<State> initial() const
//   void successors(const State&, std::vector<std::pair<Action, State>>&) const    appends
//   const char* violation(const State&) const      null when all invariants hold
//   Bytes pack(const State&) const                 equal bytes = the same state, up to symmetry
//   State unpack(std::string_view bytes) const     a state that packs to these bytes
//   std::string describe(const Action&) const
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/visited.h"

namespace skald::model {

struct Report {
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::uint64_t bytes = 0;  // what the set of visited states took
    int depth = 0;            // steps to the farthest state reached
    bool complete = false;    // every reachable state was looked at; false after a violation
    std::string violation;    // empty when there was none
    std::vector<std::string> trace;
};

struct Limits {
    std::uint64_t states = 1'000'000;  // then the search ends, incomplete
};

// Searches one model. Not thread-safe; one search per object.
template <typename Model>
class Explorer {
  public:
    using State = typename Model::State;
    using Steps = std::vector<std::pair<typename Model::Action, State>>;
    // Sees every state once, before its successors; what it returns, unless null, is a violation.
    using Look = std::function<const char*(const State&)>;

    explicit Explorer(const Model& model) : model_(model) {}

    Report explore(Limits limits, const Look& look = nullptr) {
        Report report;
        for (const State& state : model_.initial()) {
            visited_.insert(model_.pack(state), Visited::kNone);
        }
        search(limits, look, report);
        report.states = visited_.size();
        report.bytes = visited_.bytes();
        return report;
    }

  private:
    void search(Limits limits, const Look& look, Report& report) {
        Steps steps;
        std::uint64_t level_end = visited_.size();
        for (std::uint32_t at = 0; at < visited_.size(); ++at) {
            if (at == level_end) {
                level_end = visited_.size();
                ++report.depth;
            }
            if (visited_.size() >= limits.states) {
                return;
            }
            const State state = model_.unpack(visited_.at(at));
            const char* violation = model_.violation(state);
            if (violation == nullptr && look) {
                violation = look(state);
            }
            if (violation != nullptr) {
                report.violation = violation;
                report.trace = trace_to(at);
                return;
            }
            steps.clear();
            model_.successors(state, steps);
            report.transitions += steps.size();
            for (const auto& step : steps) {
                visited_.insert(model_.pack(step.second), at);
            }
        }
        report.complete = true;
    }

    // The path is walked again from its start with the states as they are, not their
    // representatives, so that one name means one thing throughout.
    [[nodiscard]] std::vector<std::string> trace_to(std::uint32_t last) const {
        std::vector<std::uint32_t> path;
        for (std::uint32_t at = last; at != Visited::kNone; at = visited_.parent(at)) {
            path.insert(path.begin(), at);
        }
        State state = first(path.front());
        std::vector<std::string> trace;
        for (std::size_t i = 1; i < path.size(); ++i) {
            Steps steps;
            model_.successors(state, steps);
            for (const auto& [action, next] : steps) {
                if (model_.pack(next).view() == visited_.at(path[i])) {
                    trace.push_back(model_.describe(action));
                    state = next;
                    break;
                }
            }
        }
        return trace;
    }

    [[nodiscard]] State first(std::uint32_t at) const {
        for (const State& state : model_.initial()) {
            if (model_.pack(state).view() == visited_.at(at)) {
                return state;
            }
        }
        return model_.unpack(visited_.at(at));
    }

    const Model& model_;
    Visited visited_;
};

}  // namespace skald::model
