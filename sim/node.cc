#include "sim/node.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/replication/planted.h"

namespace skald::sim {
namespace {

using namespace std::chrono_literals;
using broker::replication::Fault;
using broker::replication::FetchAnswer;
using broker::replication::Intake;
using broker::replication::Outgoing;
using broker::replication::Turn;

constexpr std::size_t kBatchesInMessage = 8;

// Nothing of an epoch is written once a later one is promised.
bool writable(const Durable& disk, Epoch epoch) {
    return epoch == disk.promised ||
           (epoch >= disk.log.epochs().last() && planted(Fault::promise_not_kept));
}

}  // namespace

Node::Node(const World& world, Place place, Uuid uuid)
    : world_(world), place_(place), disk_(world.schedule, world.chance, uuid) {}

std::function<void()> Node::guarded(std::function<void()> what) {
    return [this, process = process_, what = std::move(what)] {
        if (!running_ || process != process_) {
            return;
        }
        paused_ ? missed_.push_back(what) : what();
    };
}

void Node::start() {
    running_ = true;
    ++process_;
    disk_.raise_incarnation();
    const Durable& durable = disk_.durable();
    // As a batch's header tells it: somewhere behind what was known.
    const Offset known =
        durable.log.batches().empty()
            ? Offset{}
            : std::min(world_.ledger.log().end(), durable.log.batches().back()->head.base);
    const bool agreed = durable.log.chain_at(known) == world_.ledger.log().chain_at(known);
    replica_.emplace(
        Replica::Parts{self(), durable.promised, agreed ? known : Offset{}, world_.pace.times});
    world_.coordination.watch(place_, *this);
    beat();
    tick();
}

void Node::crash() {
    running_ = paused_ = takes_ = false;
    missed_.clear();
    held_.clear();
    reads_.clear();
    replica_.reset();
    disk_.crash();
    world_.coordination.unwatch(place_);
}

void Node::wipe(Uuid uuid) {
    planted(Fault::wiped_keeps_its_name) ? disk_.forget() : disk_.replace(uuid);
}

void Node::pause() {
    paused_ = running_;
}

void Node::resume() {
    paused_ = false;
    for (const auto& what : std::exchange(missed_, {})) {
        if (running_) {
            what();
        }
    }
}

void Node::beat() {
    world_.coordination.beat(place_, self());
    world_.schedule.after(world_.pace.lease_beat, guarded([this] { beat(); }));
}

void Node::tick() {
    step([this](const Turn& turn) { replica_->tick(turn); });
    world_.schedule.after(world_.pace.tick, guarded([this] { tick(); }));
}

void Node::config_seen(const StoredConfig& stored) {
    guarded(
        [this, stored] { step([&](const Turn& turn) { replica_->config_seen(stored, turn); }); })();
}

void Node::node_seen(const Member& member) {
    guarded(
        [this, member] { step([&](const Turn& turn) { replica_->node_seen(member, turn); }); })();
}

void Node::node_lost(const Uuid& node) {
    guarded([this, node] { step([&](const Turn& turn) { replica_->node_lost(node, turn); }); })();
}

void Node::receive(const Mail& mail) {
    step([&](const Turn& turn) { replica_->received(mail.message, turn); }, &mail);
}

void Node::step(const Step& step, const Mail* mail) {
    const bool led = replica_->primary() != nullptr;
    Effects effects;
    step({world_.schedule.now(), log(), effects});
    if (!led && replica_->primary() != nullptr) {
        world_.ledger.opened(replica_->config().config.epoch, self(), log());
    }
    carry_out(effects, mail);
}

void Node::carry_out(Effects& effects, const Mail* mail) {
    for (const std::string& alarm : effects.alarms) {
        world_.ledger.alarmed(alarm);
    }
    if (effects.high_watermark) {
        world_.ledger.committed(log(), *effects.high_watermark);
        release();
    }
    if (effects.confirmed) {
        confirm(*effects.confirmed);
    }
    if (effects.intake) {
        takes_ = *effects.intake == Intake::open;
        if (replica_->primary() == nullptr) {
            give_up();
        }
    }
    change_log(effects, mail);
    ask_coordination(effects);
    for (const Outgoing& outgoing : effects.sends) {
        send(outgoing);
    }
}

void Node::change_log(const Effects& effects, const Mail* mail) {
    if (effects.promise) {
        const Epoch epoch = *effects.promise;
        disk_.write([epoch](Durable& disk) { disk.promised = std::max(disk.promised, epoch); },
                    guarded([this, epoch] {
                        step([&](const Turn& turn) { replica_->promise_kept(epoch, turn); });
                    }));
    }
    if (effects.cut) {
        disk_.write([end = *effects.cut](Durable& disk) { disk.log.cut(end); },
                    guarded([this] { step([&](const Turn& turn) { replica_->log_cut(turn); }); }));
    }
    if (effects.store && mail != nullptr) {
        store(mail->batches);
    }
    if (effects.barrier) {
        write_events(replica_->config().config.epoch, {}, [] {});
    }
}

void Node::store(const std::vector<BatchPtr>& batches) {
    disk_.write(
        [batches](Durable& disk) {
            for (const BatchPtr& batch : batches) {
                if (batch->head.base == disk.log.end() &&
                    batch->head.chain_before == *disk.log.chain_at(disk.log.end())) {
                    disk.log.append(batch);
                }
            }
        },
        guarded([this] { step([&](const Turn& turn) { replica_->log_grew(turn); }); }));
}

// In an epoch below the promised one nothing is written any more.
void Node::write_events(Epoch epoch, std::vector<EventId> events, std::function<void()> done) {
    disk_.write(
        [epoch, events = std::move(events)](Durable& disk) {
            if (writable(disk, epoch)) {
                disk.log.append(disk.log.make(epoch, events));
            }
        },
        guarded([this, done = std::move(done)] {
            done();
            step([&](const Turn& turn) { replica_->log_grew(turn); });
        }));
}

void Node::ask_coordination(const Effects& effects) {
    if (effects.proposal) {
        auto answered = [this, process = process_, claim = effects.proposal->config.claim](
                            const std::optional<StoredConfig>& stored) {
            if (process == process_) {
                guarded([this, claim, stored] {
                    step(
                        [&](const Turn& turn) { replica_->proposal_settled(claim, stored, turn); });
                })();
            }
        };
        world_.coordination.propose(place_, *effects.proposal, std::move(answered));
    }
    if (effects.read_config) {
        world_.coordination.read(
            place_, [this, process = process_](const std::optional<StoredConfig>& stored) {
                if (stored && process == process_) {
                    config_seen(*stored);
                }
            });
    }
}

void Node::send(const Outgoing& outgoing) {
    Mail mail{outgoing.message, {}};
    if (outgoing.batches) {
        auto& answer = std::get<FetchAnswer>(mail.message.body);
        mail.batches = log().from(answer.from, kBatchesInMessage);
        for (const BatchPtr& batch : mail.batches) {
            answer.batches.push_back(batch->head);
        }
    }
    for (const auto& node : world_.nodes) {
        if (node->disk_.durable().node == outgoing.to) {
            Node* const to = node.get();
            world_.network.send(place_, to->place_, [to, mail, uuid = outgoing.to] {
                if (to->disk_.durable().node == uuid) {
                    to->guarded([to, mail] { to->receive(mail); })();
                }
            });
        }
    }
}

void Node::append(EventId event, std::uint64_t expected,
                  std::function<void(const AppendAnswer&)> answer) {
    guarded([this, event, expected, answer = std::move(answer)] {
        if (!takes_ || replica_->primary() == nullptr) {
            return answer({Told::closed, {}, 0});
        }
        decide(event, expected, replica_->config().config.epoch, answer);
    })();
}

// Decided as the disk comes to it, on all that is in the log by then.
void Node::decide(EventId event, std::uint64_t expected, Epoch epoch,
                  const std::function<void(const AppendAnswer&)>& answer) {
    auto held = std::make_shared<std::pair<Offset, AppendAnswer>>();
    disk_.write(
        [=](Durable& disk) {
            if (!writable(disk, epoch)) {
                return;  // unknown
            }
            if (const auto at = disk.log.find(event)) {
                *held = {disk.log.end(), {Told::done, *at, disk.log.events()}};
            } else if (disk.log.events() != expected) {
                *held = {disk.log.end(), {Told::refused, {}, disk.log.events()}};
            } else {
                disk.log.append(disk.log.make(epoch, {event}));
                *held = {disk.log.end(), {Told::done, disk.log.end() - 1, disk.log.events()}};
            }
        },
        guarded([this, held, epoch, answer] {
            const bool leads =
                replica_->primary() != nullptr && replica_->config().config.epoch == epoch;
            if (held->second.told == Told::unknown || !leads) {
                answer({Told::unknown, {}, 0});
            } else if (held->second.told == Told::refused && planted(Fault::refuses_early)) {
                answer(held->second);
            } else {
                hold(held->first, held->second, answer);
            }
            step([&](const Turn& turn) { replica_->log_grew(turn); });
        }));
}

void Node::hold(Offset end, const AppendAnswer& answer,
                const std::function<void(const AppendAnswer&)>& give) {
    held_.push_back({end, answer, give});
    release();
}

void Node::release() {
    const Offset committed = replica_->high_watermark();
    for (auto it = held_.begin(); it != held_.end();) {
        if (it->end > committed) {
            ++it;
            continue;
        }
        it->give(it->answer);
        it = held_.erase(it);
    }
}

void Node::give_up() {
    for (const Held& held : std::exchange(held_, {})) {
        held.give({Told::unknown, {}, 0});
    }
    for (const auto& [round, answer] : std::exchange(reads_, {})) {
        answer(std::nullopt);
    }
}

void Node::read(std::function<void(std::optional<Offset>)> answer) {
    guarded([this, answer = std::move(answer)] {
        step([&](const Turn& turn) {
            if (const auto round = replica_->confirm(turn)) {
                reads_[*round] = answer;
            } else {
                answer(std::nullopt);
            }
        });
    })();
}

void Node::confirm(std::uint64_t round) {
    while (!reads_.empty() && reads_.begin()->first <= round) {
        reads_.begin()->second(replica_->high_watermark());
        reads_.erase(reads_.begin());
    }
}

std::string Node::describe() const {
    std::string text =
        fmt::format("{}/{} {}: log to {} of epoch {}, promised {}", to_string(self().node),
                    self().incarnation, running_ ? paused_ ? "paused" : "runs" : "down",
                    log().end().value, log().epochs().last().value, disk_.durable().promised.value);
    if (replica_) {
        text += fmt::format(", knows revision {}, high-watermark {}, {}",
                            replica_->config().revision.value, replica_->high_watermark().value,
                            replica_->role_name());
    }
    return text;
}

void Node::hand_over(const Uuid& to) {
    guarded([this, to] { step([&](const Turn& turn) { replica_->hand_over(to, turn); }); })();
}

}  // namespace skald::sim
