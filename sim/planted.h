// The names of the faults that are planted, and that a run finds them.
#pragma once

#include <span>
#include <string_view>

#include "broker/replication/planted.h"

namespace skald::sim {

using broker::replication::Fault;

struct PlantedFault {
    Fault fault;
    std::string_view name;
};
std::span<const PlantedFault> planted_faults();

// For as long as it lives, in this thread.
class Planted {
  public:
    explicit Planted(Fault fault) { broker::replication::planted_fault = fault; }
    ~Planted() { broker::replication::planted_fault = Fault::none; }
    Planted(const Planted&) = delete;
    Planted& operator=(const Planted&) = delete;
};

}  // namespace skald::sim
