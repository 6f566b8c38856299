// A node of a run: the shell of one replica's core, with a disk that outlives its processes.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "broker/replication/replica.h"
#include "sim/coordination.h"
#include "sim/disk.h"
#include "sim/ledger.h"

namespace skald::sim {

using broker::replication::Effects;
using broker::replication::Message;
using broker::replication::Replica;

enum class Told : std::uint8_t { done, refused, closed, unknown };

struct AppendAnswer {
    Told told = Told::unknown;
    Offset offset;
    std::uint64_t next = 0;  // version: of what was refused, the one it should have had
};

// How fast a run goes.
struct Pace {
    broker::replication::Times times;
    Monotonic lease_beat = std::chrono::milliseconds(750);
    Monotonic tick = std::chrono::milliseconds(50);
    Monotonic trouble = std::chrono::milliseconds(1500);  // from one to the next, at most
    Monotonic think = std::chrono::milliseconds(60);      // between a client's events, at most
};

class Node final : public CoordWatcher {
  public:
    // What the nodes of a run share.
    struct World {
        Schedule& schedule;
        Chance& chance;
        Network& network;
        Coordination& coordination;
        Ledger& ledger;
        std::vector<std::unique_ptr<Node>>& nodes;
        Pace pace;
    };
    Node(const World& world, Place place, Uuid uuid);

    void start();
    void crash();
    // A disk of its own again, empty: another node to everybody.
    void wipe(Uuid uuid);
    // Nothing happens to it and it does nothing; what came meanwhile comes at the end.
    void pause();
    void resume();
    bool running() const { return running_; }
    Disk& disk() { return disk_; }
    Member self() const { return {disk_.durable().node, disk_.durable().incarnation}; }
    const Log& log() const { return disk_.durable().log; }
    const Replica* replica() const { return replica_ ? &*replica_ : nullptr; }
    std::string describe() const;

    // Of clients; the answers may never come.
    void append(EventId event, std::uint64_t expected,
                std::function<void(const AppendAnswer&)> answer);
    void read(std::function<void(std::optional<Offset>)> answer);
    void hand_over(const Uuid& to);

    void config_seen(const StoredConfig& stored) override;
    void node_seen(const Member& member) override;
    void node_lost(const Uuid& node) override;

  private:
    struct Mail {
        Message message;
        std::vector<BatchPtr> batches;
    };
    // Held until all below `end` is committed.
    struct Held {
        Offset end;
        AppendAnswer answer;
        std::function<void(const AppendAnswer&)> give;
    };
    using Step = std::function<void(const broker::replication::Turn&)>;

    // Runs what belongs to the process that runs now, if it still does; later if that is paused.
    std::function<void()> guarded(std::function<void()> what);
    void receive(const Mail& mail);
    void step(const Step& step, const Mail* mail = nullptr);
    void carry_out(Effects& effects, const Mail* mail);
    void change_log(const Effects& effects, const Mail* mail);
    void ask_coordination(const Effects& effects);
    void store(const std::vector<BatchPtr>& batches);
    void write_events(Epoch epoch, std::vector<EventId> events, std::function<void()> done);
    void send(const broker::replication::Outgoing& outgoing);
    void decide(EventId event, std::uint64_t expected, Epoch epoch,
                const std::function<void(const AppendAnswer&)>& answer);
    void hold(Offset end, const AppendAnswer& answer,
              const std::function<void(const AppendAnswer&)>& give);
    void release();
    void give_up();
    void confirm(std::uint64_t round);
    void beat();
    void tick();

    World world_;
    const Place place_;
    Disk disk_;
    bool running_ = false;
    bool paused_ = false;
    std::uint64_t process_ = 0;
    std::optional<Replica> replica_;
    std::vector<std::function<void()>> missed_;  // while it was paused
    bool takes_ = false;                         // appends
    std::deque<Held> held_;
    std::map<std::uint64_t, std::function<void(std::optional<Offset>)>> reads_;  // by round
};

}  // namespace skald::sim
