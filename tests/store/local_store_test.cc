#include "store/local_store.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/contract/event_store_contract.h"
#include "tests/temp_directory.h"

namespace skald::store {
namespace {

// One directory and volume at a time, so a store must be gone before the next is opened.
class LocalFactory final : public contract::StoreFactory {
  public:
    explicit LocalFactory(std::uint16_t partitions) : partitions_(partitions) {}
    std::uint16_t partitions() const override { return partitions_; }
    ManualClock* clock() override { return &clock_; }
    std::unique_ptr<EventStore> open() override {
        volume_.reset();
        directory_.emplace();
        return open_volume();
    }
    std::unique_ptr<EventStore> reopen(std::unique_ptr<EventStore> store) override {
        store.reset();
        volume_.reset();
        return open_volume();
    }

  private:
    std::unique_ptr<EventStore> open_volume() {
        VolumeOptions options;
        options.partitions = partitions_;
        options.map_bytes = std::size_t{1} << 30;
        auto volume = Volume::open(directory_->path(), options, clock_);
        REQUIRE(volume);
        volume_ = std::move(*volume);
        return make_local_store(*volume_);
    }

    std::uint16_t partitions_;
    ManualClock clock_;
    std::optional<TempDirectory> directory_;
    std::unique_ptr<Volume> volume_;
};

}  // namespace

TEST_CASE("local store: the contract, one partition", "[store][contract]") {
    LocalFactory factory(1);
    contract::run_event_store_contract(factory);
}

TEST_CASE("local store: the contract, 16 partitions", "[store][contract]") {
    LocalFactory factory(16);
    contract::run_event_store_contract(factory);
}

}  // namespace skald::store
