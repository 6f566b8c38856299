// What every EventStore must do, as a suite that each implementation runs: see docs/testing.md.
//
//     TEST_CASE("memory store: the contract", "[store][contract]") {
//         MemoryFactory factory(1);
//         run_event_store_contract(factory);
//     }
#pragma once

#include <cstdint>
#include <memory>

#include "skald/clock.h"
#include "skald/event_store.h"

namespace skald::contract {

class StoreFactory {
  public:
    virtual ~StoreFactory() = default;
    virtual std::uint16_t partitions() const = 0;
    // A new and empty store. The stores of a factory need not live at the same time.
    virtual std::unique_ptr<EventStore> open() = 0;
    // Closes the store and opens its data again; null when its data ends with it.
    virtual std::unique_ptr<EventStore> reopen(std::unique_ptr<EventStore> store) {
        store.reset();
        return nullptr;
    }
    // The clock the stores follow; null when it is the machine's.
    virtual ManualClock* clock() { return nullptr; }
    // Whether Append::producer may be set: a client is a producer itself.
    virtual bool takes_producers() const { return true; }
};

// Runs every test of the suite as a section of the running test case. Call it once in a test case.
void run_event_store_contract(StoreFactory& factory);

}  // namespace skald::contract
