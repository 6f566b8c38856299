// A node's disk: one thing after the other, each some time after it was asked for. A crash loses
// what was not done, but for the one that was under way, which may be done.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "sim/chance.h"
#include "sim/log.h"
#include "sim/schedule.h"

namespace skald::sim {

// What outlives a process.
struct Durable {
    Uuid node;
    std::uint64_t incarnation = 0;
    Epoch promised{0};
    Log log;
};

class Disk {
  public:
    Disk(Schedule& schedule, Chance& chance, Uuid node) : schedule_(schedule), chance_(chance) {
        durable_.node = node;
    }
    // `change` is made, and then `done` called, unless a crash came first.
    void write(std::function<void(Durable&)> change, std::function<void()> done);
    const Durable& durable() const { return durable_; }
    void crash();
    // At once, of a node that does not run: another disk takes its place.
    void replace(Uuid node) {
        durable_ = {};
        durable_.node = node;
    }
    // The same as if it were still the one it was.
    void forget() {
        const Durable before = durable_;
        replace(before.node);
        durable_.incarnation = before.incarnation;
        durable_.promised = before.promised;
    }
    void set_slow(bool slow) { slow_ = slow; }
    // At once, as a process starts.
    std::uint64_t raise_incarnation() { return ++durable_.incarnation; }

  private:
    struct Write {
        std::function<void(Durable&)> change;
        std::function<void()> done;
    };
    void next();
    void sync_later();
    Schedule& schedule_;
    Chance& chance_;
    Durable durable_;
    Durable synced_;  // of a disk that answers before it is
    std::deque<Write> writes_;
    std::uint64_t crashes_ = 0;
    bool slow_ = false;
};

}  // namespace skald::sim
