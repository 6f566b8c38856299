#include <catch2/catch.hpp>

#include "skald/testing.h"
#include "tests/contract/event_store_contract.h"

namespace skald {
namespace {

class MemoryFactory final : public contract::StoreFactory {
  public:
    explicit MemoryFactory(std::uint16_t partitions) : partitions_(partitions) {}
    std::uint16_t partitions() const override { return partitions_; }
    std::unique_ptr<EventStore> open() override {
        return make_memory_store({partitions_, &clock_});
    }
    ManualClock* clock() override { return &clock_; }

  private:
    std::uint16_t partitions_;
    ManualClock clock_;
};

}  // namespace

TEST_CASE("memory store: the contract, one partition", "[store][contract]") {
    MemoryFactory factory(1);
    contract::run_event_store_contract(factory);
}

TEST_CASE("memory store: the contract, 16 partitions", "[store][contract]") {
    MemoryFactory factory(16);
    contract::run_event_store_contract(factory);
}

}  // namespace skald
