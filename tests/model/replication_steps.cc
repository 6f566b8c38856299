#include "tests/model/replication_steps.h"

#include <algorithm>
#include <bitset>

namespace skald::model {

std::string describe(const Action& action) {
    std::string text;
    if (action.node >= 0) {
        text += static_cast<char>('A' + action.node);
        text += ": ";
    }
    text += action.what;
    if (action.other >= 0) {
        text += ' ';
        text += static_cast<char>('A' + action.other);
    }
    return action.value >= 0 ? text + ' ' + std::to_string(action.value) : text;
}

void Steps::add(const Action& action, State state) {
    normalise(state, setup_);
    out_.emplace_back(action, std::move(state));
}

void Steps::send(const Action& action, const State& state, const Message& message) {
    const auto* const begin = state.message.begin();
    const auto* const end = begin + state.messages;
    if (std::find(begin, end, message) != end) {
        add(action, state);
        return;
    }
    const bool change = message.kind == Message::change;
    const auto alike = [&](const Message& other) {
        return (other.kind == Message::change) == change;
    };
    const int room = change ? setup_.bounds.changes : setup_.bounds.messages;
    if (std::count_if(begin, end, alike) < room) {
        State sent = state;
        sent.message[static_cast<std::size_t>(sent.messages)] = message;
        ++sent.messages;
        add(action, sent);
        return;
    }
    for (int i = 0; i < state.messages; ++i) {
        if (alike(state.message[static_cast<std::size_t>(i)])) {
            State sent = state;
            sent.message[static_cast<std::size_t>(i)] = message;
            add(action, sent);
        }
    }
}

int count(int mask) {
    return static_cast<int>(std::bitset<kNodes>(static_cast<unsigned>(mask)).count());
}

int commit_quorum(int mask, const Setup& setup) {
    return setup.k == 0 ? count(mask) : std::min(setup.k, count(mask));
}

int election_quorum(int mask, const Setup& setup) {
    const int more = setup.bugs.has(Bug::election_too_small) ? 0 : 1;
    return std::max(1, count(mask) - commit_quorum(mask, setup) + more);
}

int stated_leo(const Node& node, const Setup& setup) {
    const bool early = setup.bugs.has(Bug::ack_before_fsync) || !setup.fsync;
    return early ? node.log.size() : node.durable;
}

bool is_open(const Node& node) {
    return node.epoch == 1 || (node.hw > 0 && node.log.epoch_before(node.hw) == node.epoch);
}

bool is_proven(const State& state, const Members& set, int node) {
    return has(set.mask, node) && at(set.disk, node) == at(state, node).disk;
}

namespace {

// Puts a message's effect into `state`; false when the receiver ignores it.
bool receive(State& state, const Setup& setup, const Message& message,
             std::optional<Message>& reply) {
    if (message.kind == Message::change) {
        return receive_change(state, message);
    }
    if (!at(state, message.to).up) {
        return false;
    }
    switch (message.kind) {
        case Message::fetch:
            return receive_fetch(state, setup, message, reply);
        case Message::reply:
            return receive_reply(state, setup, message);
        case Message::offsets:
            return receive_offsets(state, setup, message);
        default:
            return receive_answer(state, setup, message);
    }
}

const char* name_of(Message::Kind kind) {
    switch (kind) {
        case Message::fetch:
            return "takes the fetch of";
        case Message::reply:
            return "takes records or HW from";
        case Message::offsets:
            return "takes the offsets for its epoch from";
        case Message::answer:
            return "takes the answer to FENCE of";
        default:
            return "its change of the configuration is done";
    }
}

}  // namespace

void delivery_steps(const State& state, const Setup& setup, Steps& steps) {
    for (int i = 0; i < state.messages; ++i) {
        const Message message = state.message[static_cast<std::size_t>(i)];
        State next = state;
        std::optional<Message> reply;
        if (!receive(next, setup, message, reply)) {
            continue;
        }
        const bool change = message.kind == Message::change;
        const Action action{name_of(message.kind), change ? message.from : message.to,
                            change ? -1 : message.from, message.epoch};
        State last = next;
        last.message[static_cast<std::size_t>(i)] =
            last.message[static_cast<std::size_t>(last.messages - 1)];
        --last.messages;
        last.message[static_cast<std::size_t>(last.messages)] = {};
        const auto arrive = [&](const State& after) {
            if (reply) {
                steps.send(action, after, *reply);
            } else {
                steps.add(action, after);
            }
        };
        arrive(last);
        if (setup.bounds.duplicates && !change) {
            arrive(next);
        }
    }
}

}  // namespace skald::model
