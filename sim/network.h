// A network between numbered places that delays, reorders, drops and doubles what is sent, and is
// cut in either direction.
#pragma once

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "sim/chance.h"
#include "sim/schedule.h"

namespace skald::sim {

using Place = std::size_t;
using Cuts = std::vector<std::pair<Place, Place>>;  // ways from one to another

class Network {
  public:
    struct Faults {
        std::size_t lost = 0;  // per mille, like the others
        std::size_t doubled = 0;
        std::size_t late = 0;  // by up to a second
    };
    Network(Schedule& schedule, Chance& chance) : schedule_(schedule), chance_(chance) {}

    void set(const Faults& faults) { faults_ = faults; }
    // A way that is cut twice is mended twice.
    void cut(const Cuts& ways) { cut_.insert(ways.begin(), ways.end()); }
    void mend(const Cuts& ways) {
        for (const auto& way : ways) {
            if (const auto it = cut_.find(way); it != cut_.end()) {
                cut_.erase(it);
            }
        }
    }
    void heal() {
        cut_.clear();
        faults_ = {};
    }
    // What is on the way when it is cut still comes.
    void send(Place from, Place to, const std::function<void()>& deliver) {
        if (cut_.contains({from, to}) || chance_.per_mille(faults_.lost)) {
            return;
        }
        const int copies = chance_.per_mille(faults_.doubled) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            schedule_.after(delay(), deliver);
        }
    }

  private:
    Monotonic delay() {
        using namespace std::chrono_literals;
        return chance_.per_mille(faults_.late) ? chance_.between(1ms, 1s)
                                               : chance_.between(50us, 800us);
    }
    Schedule& schedule_;
    Chance& chance_;
    Faults faults_;
    std::multiset<std::pair<Place, Place>> cut_;
};

}  // namespace skald::sim
