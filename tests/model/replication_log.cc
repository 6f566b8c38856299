// R2, R3, R10: records on their way into logs, out of them, and below the HW.
#include <algorithm>
#include <functional>

#include "tests/model/replication_steps.h"

namespace skald::model {
namespace {

void cut(State& state, Node& node, int size) {
    if (size < node.hw) {
        state.broken = Broken::cut_below_hw;
    }
    if (size < node.merged) {
        state.broken = Broken::cut_below_merged;
    }
    node.log.cut(size);
    node.durable = std::min(node.durable, size);
    node.hw = std::min(node.hw, size);
    node.merged = std::min(node.merged, size);
}

// Whether a node answers others about its log in this epoch.
bool serves(const State& state, const Setup& setup, int node, int epoch) {
    const Node& source = at(state, node);
    const int chosen = state.source_incarnation[static_cast<std::size_t>(epoch)];
    const bool same_life = source.incarnation == chosen || setup.bugs.has(Bug::restarted_serves);
    return source.up && same_life && source.epoch == epoch && source_of(state, epoch) == node;
}

// Notes a member's durable LEO, by the disk it is on.
void note(Node& source, const Message& fetch) {
    int& disk = at(source.stated_disk, fetch.from);
    int& leo = at(source.leo, fetch.from);
    if (fetch.disk == disk) {
        leo = std::max(leo, fetch.at);
    } else if (fetch.disk > disk) {
        disk = fetch.disk;
        leo = fetch.at;
    }
}

// R3 over one set.
int quorum_leo(const Node& node, int self, const Members& set, const Setup& setup) {
    if (count(set.mask) < setup.min_isr) {
        return 0;
    }
    PerNode leo{};
    for (int i = 0; i < kNodes; ++i) {
        const bool counts = at(node.stated_disk, i) == at(set.disk, i);
        if (has(set.mask, i) && (i == self || counts)) {
            at(leo, i) = i == self ? stated_leo(node, setup) : at(node.leo, i);
        }
    }
    std::sort(leo.begin(), leo.end(), std::greater<>());
    return at(leo, commit_quorum(set.mask, setup) - 1);
}

int commit_point(const Node& node, int self, const Setup& setup) {
    int point = quorum_leo(node, self, node.isr, setup);
    if (node.proposed.mask != 0) {
        const int proposed = quorum_leo(node, self, node.proposed, setup);
        if (setup.bugs.has(Bug::proposed_set_only)) {
            point = proposed;
        } else if (!setup.bugs.has(Bug::stored_set_only)) {
            point = std::min(point, proposed);
        }
    }
    if (setup.bugs.has(Bug::hw_off_by_one)) {
        ++point;
    }
    return std::min(point, node.log.size());
}

// The HW passes to `point`: all below it is committed, and its requests are acknowledged.
void commit(State& state, Node& node, int point) {
    node.hw = point;
    if (!node.log.same_until(std::min(point, state.committed.size()), state.committed)) {
        state.broken = Broken::forked_commit;
    } else if (point > state.committed.size()) {
        state.committed = node.log;
        state.committed.cut(point);
    }
}

// Of a reply whose records are not taken; right is to take nothing.
bool take_hw(Node& node, const Setup& setup, const Message& reply) {
    const bool taken =
        setup.bugs.has(Bug::hw_unchecked) && reply.epoch == node.epoch && node.role != primary;
    if (taken) {
        node.hw = std::max(node.hw, std::min(reply.disk, node.log.size()));
    }
    return taken;
}

// Fetching pays when somebody would learn something; other fetches change nothing.
bool fetch_pays(const Node& node, const Node& source, int from, const Setup& setup) {
    const bool news =
        at(source.leo, from) < stated_leo(node, setup) || at(source.stated_disk, from) != node.disk;
    return source.log.size() > node.durable || source.hw > node.hw ||
           (source.role == primary && news);
}

void fetch_steps(const State& state, const Setup& setup, Steps& steps, int i) {
    const Node& node = at(state, i);
    if (setup.bugs.has(Bug::no_epoch_check)) {
        for (int other = 0; other < setup.bounds.nodes; ++other) {
            if (other != i && at(state, other).role == primary &&
                at(state, other).epoch < node.epoch) {
                Message message = fetch_of(state, setup, i);
                message.to = other;
                message.epoch = at(state, other).epoch;
                steps.send({"fetches from deposed", i, other}, state, message);
            }
        }
    }
    const int source = source_of(state, node.epoch);
    if (node.role == primary || source < 0 || source == i) {
        return;
    }
    if (node.aligned) {
        if (fetch_pays(node, at(state, source), i, setup)) {
            steps.send({"fetches from", i, source, stated_leo(node, setup)}, state,
                       fetch_of(state, setup, i));
        }
    } else if (const std::optional<Message> offsets = offsets_for(state, setup, i)) {
        steps.send({"asks for offsets", i, source}, state, *offsets);
    } else if (node.log.size() == 0) {
        State next = state;
        at(next, i).aligned = true;
        steps.add({"has nothing to cut", i}, next);
    }
}

}  // namespace

Message fetch_of(const State& state, const Setup& setup, int i) {
    const Node& node = at(state, i);
    const int leo = stated_leo(node, setup);
    return {.kind = Message::fetch,
            .from = i,
            .to = source_of(state, node.epoch),
            .epoch = node.epoch,
            .at = leo,
            .last_epoch = node.log.epoch_before(leo),
            .disk = node.disk};
}

bool receive_fetch(State& state, const Setup& setup, const Message& message,
                   std::optional<Message>& reply) {
    Node& source = at(state, message.to);
    const bool late = message.epoch < source.epoch && source.role == primary &&
                      setup.bugs.has(Bug::late_fetch_counted);
    if (!late && !serves(state, setup, message.to, message.epoch)) {
        return false;
    }
    // Same epoch at the same offset: the same records up to there.
    const bool same = message.at <= source.log.size() &&
                      (source.log.epoch_before(message.at) == message.last_epoch ||
                       setup.bugs.has(Bug::single_step_truncation));
    if (!late && !same) {
        return false;
    }
    if (source.role == primary) {
        note(source, message);
    }
    const Node& asker = at(state, message.from);
    if (!late && (source.log.size() > asker.log.size() || source.hw > asker.hw)) {
        reply = {.kind = Message::reply,
                 .from = message.to,
                 .to = message.from,
                 .epoch = source.epoch,
                 .at = message.at,
                 .disk = source.hw,
                 .body = source.log.bits()};
    }
    return true;
}

bool receive_reply(State& state, const Setup& setup, const Message& message) {
    Node& node = at(state, message.to);
    const bool old = message.epoch < node.epoch;
    const bool any = setup.bugs.has(Bug::no_epoch_check) && old;
    if (!any && (node.epoch != message.epoch || node.role == primary || !node.aligned)) {
        return take_hw(node, setup, message);
    }
    const Log sent(message.body);
    const int overlap = std::min(sent.size(), node.log.size());
    if (message.at > node.log.size()) {
        return take_hw(node, setup, message);
    }
    // R2: the record before is the same by epoch and chain hash, and so is what it has already.
    if (!node.log.same_until(overlap, sent) && !setup.bugs.has(Bug::single_step_truncation)) {
        return take_hw(node, setup, message);
    }
    for (int i = node.log.size(); i < sent.size(); ++i) {
        node.log.push(sent.epoch_before(i + 1), sent.event(i));
    }
    node.hw = std::max(node.hw, std::min(message.disk, node.log.size()));
    return true;
}

std::optional<Message> offsets_for(const State& state, const Setup& setup, int i) {
    const Node& node = at(state, i);
    const int source = source_of(state, node.epoch);
    if (node.aligned || node.log.size() == 0 || source < 0 || source == i ||
        !serves(state, setup, source, node.epoch)) {
        return std::nullopt;
    }
    const Log& log = at(state, source).log;
    const int end = log.end_of(node.log.last_epoch());
    return Message{.kind = Message::offsets,
                   .from = source,
                   .to = i,
                   .epoch = node.epoch,
                   .at = end,
                   .last_epoch = log.epoch_before(end),
                   .disk = node.log.last_epoch()};
}

bool receive_offsets(State& state, const Setup& setup, const Message& message) {
    Node& node = at(state, message.to);
    if (node.epoch != message.epoch || node.role == primary || node.aligned ||
        node.log.last_epoch() != message.disk) {
        return false;
    }
    if (setup.bugs.has(Bug::truncate_to_hw)) {
        node.log.cut(node.hw);
        node.durable = std::min(node.durable, node.hw);
        node.aligned = true;
        return true;
    }
    // The own end of what the source knows; where the own epoch there is another one, ask again.
    const int own = node.log.end_of(message.last_epoch);
    const bool same = node.log.epoch_before(own) == message.last_epoch;
    cut(state, node, same ? std::min(own, message.at) : own);
    node.aligned = same || node.log.size() == 0 || setup.bugs.has(Bug::single_step_truncation);
    return true;
}

bool advance_hw(State& state, const Setup& setup, int i) {
    Node& node = at(state, i);
    const int point = commit_point(node, i, setup);
    const bool own_epoch = node.log.epoch_before(point) == node.epoch;
    if (point <= node.hw || (!own_epoch && !setup.bugs.has(Bug::commit_prior_epoch))) {
        return false;
    }
    commit(state, node, point);
    return true;
}

void log_steps(const State& state, const Setup& setup, Steps& steps) {
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        const Node& node = at(state, i);
        if (!node.up) {
            continue;
        }
        State next = state;
        if (node.durable < node.log.size()) {
            at(next, i).durable = node.log.size();
            steps.add({"syncs", i, -1, node.log.size()}, next);
        }
        if (node.role == primary && advance_hw(next = state, setup, i)) {
            steps.add({"commits up to", i, -1, at(next, i).hw}, next);
        }
        const bool ahead = setup.bugs.has(Bug::merge_above_hw);
        const int merged = ahead ? node.durable : std::min(node.hw, node.durable);
        if (setup.bounds.merges && merged > node.merged) {
            next = state;
            at(next, i).merged = merged;
            steps.add({"merges up to", i, -1, merged}, next);
        }
        fetch_steps(state, setup, steps, i);
    }
}

}  // namespace skald::model
