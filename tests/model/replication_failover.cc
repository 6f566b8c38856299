// R9: how another primary comes to be.
#include <algorithm>

#include "tests/model/replication_steps.h"

namespace skald::model {
namespace {

int candidate_of(const State& state, int epoch) {
    for (int i = 0; i < kNodes; ++i) {
        if (at(state, i).role == candidate && at(state, i).epoch == epoch) {
            return i;
        }
    }
    return -1;
}

bool counts(const Node& node, int other, const Setup& setup) {
    const int disk = at(node.stated_disk, other);
    return has(node.isr.mask, other) &&
           (disk == at(node.isr.disk, other) || (setup.bugs.has(Bug::fence_unproven) && disk != 0));
}

// Keeps the better of two statements: a member's log only gets nearer to the winner's. One from a
// disk that is no member's is not taken at all: it may replace what a choice rests on.
void note(Node& node, const Setup& setup, const Message& answer) {
    const int from = answer.from;
    if ((!has(node.isr.mask, from) || at(node.isr.disk, from) != answer.disk) &&
        !setup.bugs.has(Bug::fence_unproven)) {
        return;
    }
    const bool better = std::pair(answer.last_epoch, answer.at) >=
                        std::pair(at(node.last_epoch, from), at(node.leo, from));
    if (answer.disk > at(node.stated_disk, from) ||
        (answer.disk == at(node.stated_disk, from) && better)) {
        at(node.stated_disk, from) = answer.disk;
        at(node.last_epoch, from) = answer.last_epoch;
        at(node.leo, from) = answer.at;
        at(node.stated_incarnation, from) = answer.incarnation;
    }
}

Message statement_of(const Node& node, int from, int to, int epoch) {
    return {.kind = Message::answer,
            .from = from,
            .to = to,
            .epoch = epoch,
            .at = node.durable,
            .last_epoch = node.log.epoch_before(node.durable),
            .disk = node.disk,
            .incarnation = node.incarnation};
}

// An older epoch ends here for this node. The promise is synced, and with it all before it.
void enter(Node& node, int epoch, const Setup& setup) {
    node.epoch = epoch;
    node.promised = epoch;
    node.role = follower;
    node.aligned = false;
    if (setup.fsync) {
        node.durable = node.log.size();
    }
}

void become_candidate(State& state, const Setup& setup, int i) {
    Node& node = at(state, i);
    node.role = candidate;
    node.isr = state.config.isr;
    node.stated_disk = {};
    if (setup.fsync) {
        node.durable = node.log.size();
    }
    note(node, setup, statement_of(node, i, i, node.epoch));
}

void become_primary(State& state, int i) {
    Node& node = at(state, i);
    node.role = primary;
    node.aligned = true;
    node.isr = state.config.isr;
    node.revision = state.config.revision;
    node.proposed = {};
    // Activated as it stands, its members are those durable to its end.
    const int end = state.config.incarnation == node.incarnation ? node.log.size() : 0;
    node.leo = {};
    node.stated_disk = node.isr.disk;
    for (int other = 0; other < kNodes; ++other) {
        at(node.leo, other) = has(node.isr.mask, other) ? end : 0;
    }
    if (node.log.last_epoch() != node.epoch) {
        node.log.push(node.epoch, kBarrier);
    }
}

bool opens(const State& state, const Setup& setup, int i) {
    const Node& node = at(state, i);
    const Config& config = state.config;
    if (node.role == primary || !config.active || config.primary != i ||
        config.epoch != node.epoch || node.log.size() == kLogMax) {
        return false;
    }
    return config.incarnation == node.incarnation || setup.bugs.has(Bug::restart_same_epoch);
}

bool follow_config(State& state, const Setup& setup, Node& node) {
    const Config& config = state.config;
    if (node.role != primary || config.epoch != node.epoch || node.proposed.mask == 0) {
        return false;
    }
    if (config.revision == node.revision) {
        if (setup.bugs.has(Bug::reread_is_answer)) {
            node.proposed = {};
            return true;
        }
        return false;
    }
    node.isr = config.isr;
    node.revision = config.revision;
    node.proposed = {};
    return true;
}

bool is_eligible(const Node& node, int other, int winner, const Setup& setup) {
    if (!counts(node, other, setup)) {
        return false;
    }
    return setup.bugs.has(Bug::activate_all_responders) ||
           (at(node.last_epoch, other) == at(node.last_epoch, winner) &&
            at(node.leo, other) >= at(node.leo, winner));
}

void choice_steps(const State& state, const Setup& setup, Steps& steps, int i) {
    const int winners = choices(state, setup, i);
    for (int other = 0; other < kNodes; ++other) {
        if (has(winners, other)) {
            State next = state;
            choose(next, i, other);
            steps.add({"chooses the log of", i, other}, next);
        }
    }
}

// FENCE is in flight from the moment there is a candidate; its answer pays when it says something.
void fence_steps(const State& state, const Setup& setup, Steps& steps, int i) {
    for (int epoch = 2; epoch <= state.config.epoch; ++epoch) {
        State next = state;
        if (!fence(next, setup, i, epoch)) {
            continue;
        }
        if (const std::optional<Message> answer = answer_of(next, setup, i, epoch)) {
            steps.send({"answers FENCE of", i, answer->to, epoch}, next, *answer);
        }
    }
}

}  // namespace

Message claim_of(const State& state, int i) {
    Config config = state.config;
    config.epoch += 1;
    config.revision = 0;
    config.active = false;
    config.primary = i;
    config.incarnation = at(state, i).incarnation;
    return {.kind = Message::change,
            .from = i,
            .to = i,
            .epoch = state.config.epoch,
            .at = state.config.revision,
            .body = config.pack()};
}

bool learn(State& state, const Setup& setup, int i) {
    Node& node = at(state, i);
    const Config& config = state.config;
    bool changed = follow_config(state, setup, node);
    if (config.epoch > node.epoch && config.epoch >= node.promised) {
        const int promised = node.promised;
        enter(node, config.epoch, setup);
        node.promised = setup.bugs.has(Bug::read_epoch_not_persisted) ? promised : node.promised;
        changed = true;
        if (!config.active && config.primary == i && config.incarnation == node.incarnation) {
            become_candidate(state, setup, i);
        }
    }
    if (opens(state, setup, i)) {
        become_primary(state, i);
        changed = true;
    } else if (node.role == candidate && config.active && config.epoch == node.epoch) {
        node.role = follower;
        changed = true;
    }
    return changed;
}

bool fence(State& state, const Setup& setup, int i, int epoch) {
    Node& node = at(state, i);
    if (epoch < node.promised || (epoch == node.epoch && node.role != follower)) {
        return false;
    }
    if (setup.bugs.has(Bug::promise_skipped)) {
        return true;
    }
    if (node.epoch != epoch) {
        enter(node, epoch, setup);
    }
    return true;
}

std::optional<Message> answer_of(const State& state, const Setup& setup, int i, int epoch) {
    const int to = candidate_of(state, epoch);
    if (to < 0 || to == i) {
        return std::nullopt;
    }
    const Message answer = statement_of(at(state, i), i, to, epoch);
    Node told = at(state, to);
    note(told, setup, answer);
    const Node& now = at(state, to);
    if (told.leo == now.leo && told.last_epoch == now.last_epoch &&
        told.stated_disk == now.stated_disk && told.stated_incarnation == now.stated_incarnation) {
        return std::nullopt;
    }
    return answer;
}

bool receive_answer(State& state, const Setup& setup, const Message& message) {
    Node& node = at(state, message.to);
    if (node.role != candidate || node.epoch != message.epoch) {
        return false;
    }
    note(node, setup, message);
    return true;
}

int choices(const State& state, const Setup& setup, int i) {
    const Node& node = at(state, i);
    int answered = 0;
    int winners = 0;
    std::pair<int, int> best{-1, -1};
    for (int other = 0; other < kNodes; ++other) {
        if (!counts(node, other, setup)) {
            continue;
        }
        ++answered;
        const int epoch = setup.bugs.has(Bug::winner_by_length) ? 0 : at(node.last_epoch, other);
        const std::pair<int, int> rank{epoch, at(node.leo, other)};
        winners = (rank > best ? 0 : winners) | (rank >= best ? 1 << other : 0);
        best = std::max(best, rank);
    }
    const bool open = source_of(state, node.epoch) < 0 || setup.bugs.has(Bug::choose_again);
    return open && answered >= election_quorum(node.isr.mask, setup) ? winners : 0;
}

void choose(State& state, int i, int winner) {
    const auto epoch = static_cast<std::size_t>(at(state, i).epoch);
    state.source[epoch] = winner + 1;
    state.source_incarnation[epoch] = at(at(state, i).stated_incarnation, winner);
}

std::optional<Message> activation_of(const State& state, const Setup& setup, int i) {
    Node node = at(state, i);
    const int winner = source_of(state, node.epoch);
    note(node, setup, statement_of(node, i, i, node.epoch));
    if (node.role != candidate || winner < 0 || state.config.epoch != node.epoch ||
        state.config.active) {
        return std::nullopt;
    }
    Config config = state.config;
    config.revision = 1;
    config.active = true;
    config.primary = winner;
    config.incarnation = state.source_incarnation[static_cast<std::size_t>(node.epoch)];
    config.isr.mask = 0;
    for (int other = 0; other < kNodes; ++other) {
        if (is_eligible(node, other, winner, setup)) {
            config.isr.mask |= 1 << other;
            at(config.isr.disk, other) = at(node.stated_disk, other);
        }
    }
    return Message{.kind = Message::change,
                   .from = i,
                   .to = i,
                   .epoch = node.epoch,
                   .at = 0,
                   .body = config.pack()};
}

bool receive_change(State& state, const Message& message) {
    if (message.epoch != state.config.epoch || message.at != state.config.revision) {
        return false;
    }
    state.config = Config::unpack(message.body);
    return true;
}

void failover_steps(const State& state, const Setup& setup, Steps& steps) {
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        const Node& node = at(state, i);
        if (!node.up) {
            continue;
        }
        State next = state;
        if (learn(next, setup, i)) {
            steps.add({"reads the configuration of epoch", i, -1, state.config.epoch}, next);
        }
        if (state.config.epoch < setup.bounds.epochs) {
            steps.send({"claims epoch", i, -1, state.config.epoch + 1}, state, claim_of(state, i));
        }
        fence_steps(state, setup, steps, i);
        if (node.role == candidate) {
            choice_steps(state, setup, steps, i);
            if (const std::optional<Message> change = activation_of(state, setup, i)) {
                steps.send({"asks to activate", i, source_of(state, node.epoch)}, state, *change);
            }
        }
    }
}

}  // namespace skald::model
