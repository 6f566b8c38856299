// The stores that every test of a repository runs on.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "skald/clock.h"
#include "skald/event_store.h"
#include "skald/testing.h"

namespace skald::cqrs {

// A store behind one that fails when told to: in memory, with 1 or 16 partitions, on disk, or a
// client of a node.
class World {
  public:
    explicit World(const std::string& kind);
    ~World();

    FaultyEventStore& store() { return *faulty_; }
    ManualClock& clock() { return clock_; }

    // What other programs write.
    void append(const std::string& stream, const std::string& type, const std::string& data,
                std::uint32_t schema_version = 1);
    std::vector<Event> events(const std::string& stream);

  private:
    struct Disk;
    std::unique_ptr<EventStore> client();

    ManualClock clock_;
    std::unique_ptr<Disk> disk_;
    std::unique_ptr<EventStore> inner_;
    std::unique_ptr<FaultyEventStore> faulty_;
};

// Runs the test once for each: World world(GENERATE(every_store()));
inline auto every_store() {
    return Catch::Generators::values<std::string>(
        {"memory", "memory, 16 partitions", "local", "node"});
}

// Of one partition.
inline auto every_single_store() {
    return Catch::Generators::values<std::string>({"memory", "local", "node"});
}

}  // namespace skald::cqrs
