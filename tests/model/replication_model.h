// The replication protocol as a model for Explorer.
#pragma once

#include "tests/model/explorer.h"
#include "tests/model/replication_steps.h"

namespace skald::model {

class ReplicationModel {
  public:
    using State = model::State;
    using Action = model::Action;

    explicit ReplicationModel(Setup setup) : setup_(std::move(setup)) {}

    [[nodiscard]] std::vector<State> initial() const;
    void successors(const State& state, Steps::Out& out) const;
    [[nodiscard]] const char* violation(const State& state) const {
        return model::violation(state, setup_);
    }
    [[nodiscard]] Bytes pack(const State& state) const { return model::pack(state, setup_); }
    [[nodiscard]] State unpack(std::string_view bytes) const {
        return model::unpack(bytes, setup_);
    }
    [[nodiscard]] const char* kind(const Action& action) const { return action.what; }
    [[nodiscard]] std::string describe(const Action& action) const {
        return model::describe(action);
    }

  private:
    Setup setup_;
};

// One search, with what it took. `check_healing`: from every state that has enough disks left, the
// cluster must be able to acknowledge again (replication_healing.h).
struct Result {
    Report report;
    double seconds = 0;
    std::uint64_t healed = 0;  // states from which it was tried
};

Result search(const Setup& setup, std::uint64_t states, bool check_healing);
// Random walks of 200 steps, healing tried from some of their states.
Result wander(const Setup& setup, std::uint64_t seed, std::uint64_t walks);

}  // namespace skald::model
