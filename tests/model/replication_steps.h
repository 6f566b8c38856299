// What may happen next in a state of the replication model. Each function below is one part of the
// protocol, or of the world: it adds the states that one action of that part leads to.
//
// A node appears as its letter in descriptions. Whatever a timer would start may happen any time.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/replication_state.h"

namespace skald::model {

// What is done, by which node, to or with which other, and a number. -1: none.
struct Action {
    const char* what = "";
    int node = -1;
    int other = -1;
    int value = -1;
};

std::string describe(const Action& action);

// Collects the states that follow one.
class Steps {
  public:
    using Out = std::vector<std::pair<Action, State>>;
    Steps(const Setup& setup, Out& out) : setup_(setup), out_(out) {}

    void add(const Action& action, State state);
    // Adds the state with the message in flight; where there is no room, one state for each message
    // that is lost instead. A sender may always lose a message, so there is no other loss.
    void send(const Action& action, const State& state, const Message& message);

  private:
    const Setup& setup_;
    Out& out_;
};

// Clients: appends, refusals, linearizable reads.
void client_steps(const State& state, const Setup& setup, Steps& steps);
// The log: making durable, fetching, R10, HW, merging.
void log_steps(const State& state, const Setup& setup, Steps& steps);
// R9: claim, FENCE, choice of the winner, activation, and learning the configuration.
void failover_steps(const State& state, const Setup& setup, Steps& steps);
// R5: leave, join, and giving up a change whose outcome is unknown.
void membership_steps(const State& state, const Setup& setup, Steps& steps);
// Crashes, power cuts, wiped disks, restarts.
void fault_steps(const State& state, const Setup& setup, Steps& steps);
// The arrival of each message in flight.
void delivery_steps(const State& state, const Setup& setup, Steps& steps);

// What a node does with a message. False when it ignores it.
bool receive_fetch(State& state, const Setup& setup, const Message& message,
                   std::optional<Message>& reply);
bool receive_reply(State& state, const Setup& setup, const Message& message);
bool receive_offsets(State& state, const Setup& setup, const Message& message);
bool receive_answer(State& state, const Setup& setup, const Message& message);
bool receive_change(State& state, const Message& message);

// Single moves, as the steps make them and a healing cluster does.
Message fetch_of(const State& state, const Setup& setup, int node);
std::optional<Message> offsets_for(const State& state, const Setup& setup, int node);
bool advance_hw(State& state, const Setup& setup, int node);
Message claim_of(const State& state, int node);
bool learn(State& state, const Setup& setup, int node);
bool fence(State& state, const Setup& setup, int node, int epoch);
std::optional<Message> answer_of(const State& state, const Setup& setup, int node, int epoch);
// R9.5: whose log may be chosen, as a mask; 0 when too few have answered or one is chosen already.
int choices(const State& state, const Setup& setup, int node);
void choose(State& state, int node, int winner);
std::optional<Message> activation_of(const State& state, const Setup& setup, int node);
Message change_of(const State& state, int node, const Members& isr);
std::optional<Message> leave_of(State& state, const Setup& setup, int node, int other);
std::optional<Message> join_of(State& state, const Setup& setup, int node, int other);
void restart(State& state, int node);

// Null when all invariants hold.
const char* violation(const State& state, const Setup& setup);

// ---- Shared terms

inline Node& at(State& state, int node) {
    return state.node[static_cast<std::size_t>(node)];
}
inline const Node& at(const State& state, int node) {
    return state.node[static_cast<std::size_t>(node)];
}
inline int& at(PerNode& values, int node) {
    return values[static_cast<std::size_t>(node)];
}
inline int at(const PerNode& values, int node) {
    return values[static_cast<std::size_t>(node)];
}
inline bool has(int mask, int node) {
    return (mask >> node & 1) != 0;
}
// Whose log the node's epoch goes by, or -1.
inline int source_of(const State& state, int epoch) {
    return state.source[static_cast<std::size_t>(epoch)] - 1;
}
int count(int mask);
// R4.
int commit_quorum(int mask, const Setup& setup);
int election_quorum(int mask, const Setup& setup);
// The LEO that a node tells others.
int stated_leo(const Node& node, const Setup& setup);
// R3, R9.8: a record of its own epoch is committed, so that all before it is.
bool is_open(const Node& node);
// A member counts when it is known by the disk it has.
bool is_proven(const State& state, const Members& set, int node);

}  // namespace skald::model
