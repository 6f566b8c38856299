#include "tests/model/replication_healing.h"

#include <algorithm>

namespace skald::model {
namespace {

// Drives the nodes of one mask through the protocol's own moves, each message arriving at once.
class Cluster {
  public:
    Cluster(const State& state, const Setup& setup, int with)
        : state_(state), setup_(setup), with_(with) {
        state_.message = {};
        state_.messages = 0;
        for (int i = 0; i < kNodes; ++i) {
            if (has(with_, i) && !at(state_, i).up) {
                restart(state_, i);
            }
        }
    }

    // Returns the new primary, or -1.
    int elect() {
        int i = 0;
        while (!has(with_, i)) {
            ++i;
        }
        learn(state_, setup_, i);
        receive_change(state_, claim_of(state_, i));
        if (!learn(state_, setup_, i)) {
            return -1;
        }
        collect(i);
        const int winners = choices(state_, setup_, i);
        if (winners == 0) {
            return -1;
        }
        int winner = 0;
        while (!has(winners, winner)) {
            ++winner;
        }
        choose(state_, i, winner);
        catch_up();
        collect(i);
        receive_change(state_, *activation_of(state_, setup_, i));
        learn(state_, setup_, winner);
        return at(state_, winner).role == primary ? winner : -1;
    }

    // The primary gives up what it asked for and does not know the outcome of.
    void settle(int i) {
        if (at(state_, i).proposed.mask != 0) {
            receive_change(state_, change_of(state_, i, at(state_, i).isr));
            learn(state_, setup_, i);
        }
    }

    // Whether an append at the primary is acknowledged in the end.
    bool acknowledges(int i) {
        follow(i);
        if (!is_open(at(state_, i))) {
            return false;
        }
        at(state_, i).log.push(at(state_, i).epoch, kLastEvent);
        follow(i);
        return state_.committed.find(kLastEvent) >= 0 && violation(state_, setup_) == nullptr;
    }

  private:
    // FENCE to all, twice where logs got nearer to the winner's meanwhile.
    void collect(int i) {
        for (int other = 0; other < kNodes; ++other) {
            if (other != i && has(with_, other) &&
                fence(state_, setup_, other, at(state_, i).epoch)) {
                if (const auto answer = answer_of(state_, setup_, other, at(state_, i).epoch)) {
                    receive_answer(state_, setup_, *answer);
                }
            }
        }
    }

    void catch_up() {
        for (int other = 0; other < kNodes; ++other) {
            const Node& node = at(state_, other);
            const int source = has(with_, other) ? source_of(state_, node.epoch) : -1;
            if (source < 0 || source == other || !has(with_, source)) {
                continue;
            }
            auto offsets = offsets_for(state_, setup_, other);
            while (offsets && receive_offsets(state_, setup_, *offsets)) {
                offsets = offsets_for(state_, setup_, other);
            }
            at(state_, other).aligned |= node.log.size() == 0;
            fetch(other);
            at(state_, other).durable = node.log.size();
            fetch(other);
        }
    }

    void fetch(int other) {
        std::optional<Message> reply;
        if (receive_fetch(state_, setup_, fetch_of(state_, setup_, other), reply) && reply) {
            receive_reply(state_, setup_, *reply);
        }
    }

    // Leave, join and commit, until nothing changes.
    void follow(int i) {
        for (int round = 0; round < 2 * kNodes; ++round) {
            for (int other = 0; other < kNodes; ++other) {
                if (has(with_, other) && other != i) {
                    learn(state_, setup_, other);
                }
            }
            at(state_, i).durable = at(state_, i).log.size();
            catch_up();
            advance_hw(state_, setup_, i);
            change(i);
        }
    }

    void change(int i) {
        for (int other = 0; other < kNodes; ++other) {
            const bool here = has(with_, other);
            const bool member = is_proven(state_, at(state_, i).isr, other);
            const auto change = here && member ? std::nullopt
                                : has(at(state_, i).isr.mask, other)
                                    ? leave_of(state_, setup_, i, other)
                                : here ? join_of(state_, setup_, i, other)
                                       : std::nullopt;
            if (change) {
                receive_change(state_, *change);
                learn(state_, setup_, i);
                return;
            }
        }
    }

    State state_;
    const Setup& setup_;
    int with_;
};

}  // namespace

bool is_enough(const State& state, const Setup& setup, int with) {
    int proven = 0;
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        proven += has(with, i) && is_proven(state, state.config.isr, i) ? 1 : 0;
    }
    return proven >= election_quorum(state.config.isr.mask, setup) && count(with) >= setup.min_isr;
}

bool heals_by_election(const State& state, const Setup& setup, int with) {
    Cluster cluster(state, setup, with);
    const int winner = cluster.elect();
    return winner >= 0 && cluster.acknowledges(winner);
}

bool goes_on(const State& state, const Setup& setup, int with) {
    for (int i = 0; i < kNodes; ++i) {
        const Node& node = at(state, i);
        if (has(with, i) && node.role == primary && node.epoch == state.config.epoch) {
            Cluster cluster(state, setup, with);
            cluster.settle(i);
            return cluster.acknowledges(i);
        }
    }
    return true;
}

bool has_room(const State& state) {
    // The barrier of an epoch that is about to open, that of the next one, and an event.
    return state.config.epoch + 2 < kEpochs &&
           std::all_of(state.node.begin(), state.node.end(),
                       [](const Node& node) { return node.log.size() + 3 <= kLogMax; });
}

const char* stuck(const State& state, const Setup& setup) {
    for (int with = 1; with < 1 << setup.bounds.nodes; ++with) {
        if (is_enough(state, setup, with)) {
            if (!heals_by_election(state, setup, with)) {
                return "no election leads to an acknowledged append";
            }
            if (!goes_on(state, setup, with)) {
                return "the primary cannot go on in its epoch";
            }
        }
    }
    return nullptr;
}

}  // namespace skald::model
