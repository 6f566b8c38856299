// What befalls a cluster, one thing after the other, by chance: crashes, power cuts, pauses,
// networks in parts or in one direction, leases that end without a reason, a store that is out of
// reach, slow disks, disks that are lost; and an operator who replaces them and moves the primary.
#pragma once

#include <vector>

#include "sim/node.h"

namespace skald::sim {

class Troubles {
  public:
    explicit Troubles(const Node::World& world);
    void begin();
    // Nothing new befalls it, and what did is mended.
    void end();

  private:
    void next();
    void befall();
    void crash(Node& node);
    void power_cut();
    void pause(Node& node);
    void isolate(Place place, const std::vector<Place>& from, bool both);
    std::vector<Place> places(bool with_store) const;
    void isolate_store();
    void isolate_primary();
    void disturb();
    void wipe(Node& node);
    void hand_over();
    void operate();
    void later(std::function<void()> what);
    Node& any_node();
    Uuid fresh_uuid();

    Node::World world_;
    bool over_ = false;
    std::uint64_t uuids_ = 1000;
};

}  // namespace skald::sim
