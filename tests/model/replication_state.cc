#include "tests/model/replication_state.h"

#include <algorithm>

namespace skald::model {

int Log::end_of(int epoch) const {
    int end = size();
    while (end > 0 && epoch_before(end) > epoch) {
        --end;
    }
    return end;
}

int Log::find(int event) const {
    for (int i = 0; i < size(); ++i) {
        if (this->event(i) == event) {
            return i;
        }
    }
    return -1;
}

void Log::push(int epoch, int event) {
    const auto record = static_cast<std::uint64_t>(epoch * 8 + event);
    bits_ = (bits_ | record << shift(size())) + 1;
}

void Log::cut(int size) {
    bits_ = (bits_ & ((std::uint64_t{1} << shift(size)) - 8)) | static_cast<unsigned>(size);
}

namespace {

// Three bits a field: epochs, offsets, revisions and disks stay below 8.
std::uint64_t joined(std::initializer_list<int> fields) {
    std::uint64_t bits = 0;
    for (const int field : fields) {
        bits = bits << 3U | static_cast<unsigned>(field);
    }
    return bits;
}

void clear_volatile(Node& node) {
    node.epoch = 0;
    node.role = follower;
    node.aligned = false;
    node.hw = 0;
}

void clear_office(Node& node) {
    if (node.role == follower) {
        node.isr = {};
        node.leo = {};
        node.stated_disk = {};
    }
    if (node.role != primary) {
        node.revision = 0;
        node.proposed = {};
    }
    if (node.role != candidate) {
        node.last_epoch = {};
        node.stated_incarnation = {};
    }
}

// No receiver will ever act on it. Told from a lost message by nothing.
bool is_dead(const Message& message, const State& state) {
    const Node& to = state.node[static_cast<std::size_t>(message.to)];
    switch (message.kind) {
        case Message::change:
            return message.epoch != state.config.epoch || message.at != state.config.revision;
        case Message::answer:
            return to.role != candidate || to.epoch != message.epoch;
        default:
            return to.promised > message.epoch;
    }
}

bool keeps_old_messages(const Setup& setup) {
    return setup.bugs.has(Bug::no_epoch_check) || setup.bugs.has(Bug::late_fetch_counted) ||
           setup.bugs.has(Bug::promise_not_persisted) || setup.bugs.has(Bug::promise_skipped);
}

bool source_is_needed(const State& state, int epoch) {
    return state.config.epoch <= epoch ||
           std::any_of(state.node.begin(), state.node.end(), [&](const Node& node) {
               return node.epoch == epoch || (!node.up && node.promised == epoch);
           });
}

}  // namespace

std::uint64_t Config::pack() const {
    return joined({epoch, revision, active ? 1 : 0, primary, incarnation, isr.mask, isr.disk[0],
                   isr.disk[1], isr.disk[2]});
}

Config Config::unpack(std::uint64_t bits) {
    PerNode disk{};
    const auto next = [&] {
        const int field = static_cast<int>(bits & 7U);
        bits >>= 3U;
        return field;
    };
    for (std::size_t i = kNodes; i-- > 0;) {
        disk[i] = next();
    }
    Config config;
    config.isr = {.mask = next(), .disk = disk};
    config.incarnation = next();
    config.primary = next();
    config.active = next() != 0;
    config.revision = next();
    config.epoch = next();
    return config;
}

void normalise(State& state, const Setup& setup) {
    for (Node& node : state.node) {
        if (!setup.bounds.lazy_sync) {
            node.durable = node.log.size();
        }
        if (!node.up) {
            clear_volatile(node);
        }
        clear_office(node);
    }
    if (state.reader != 0 &&
        state.node[static_cast<std::size_t>(state.reader - 1)].role != primary) {
        state.reader = state.confirmed = state.floor = 0;
    }
    for (std::size_t epoch = 1; epoch < kEpochs; ++epoch) {
        if (state.source[epoch] != 0 && !source_is_needed(state, static_cast<int>(epoch))) {
            state.source[epoch] = state.source_incarnation[epoch] = 0;
        }
    }
    auto* const end = state.message.begin() + state.messages;
    auto* const kept = std::remove_if(state.message.begin(), end, [&](const Message& message) {
        const bool prune = message.kind == Message::change || !keeps_old_messages(setup);
        return prune && is_dead(message, state);
    });
    std::fill(kept, end, Message{});
    state.messages = static_cast<int>(kept - state.message.begin());
}

}  // namespace skald::model
