// A client over a node keeps the contract of EventStore, in one process and over a socket file.
#include <catch2/catch.hpp>
#include <optional>

#include "skald/client.h"
#include "skald/node.h"
#include "store/volume.h"
#include "tests/contract/event_store_contract.h"
#include "tests/temp_directory.h"

namespace skald {
namespace {

// One node at a time, on a volume that follows the test's clock.
class RemoteFactory final : public contract::StoreFactory {
  public:
    explicit RemoteFactory(std::uint16_t partitions) : partitions_(partitions) {}

    std::uint16_t partitions() const override { return partitions_; }
    ManualClock* clock() override { return &clock_; }
    bool takes_producers() const override { return false; }
    std::unique_ptr<EventStore> open() override {
        close();
        directory_.emplace();
        return serve();
    }
    std::unique_ptr<EventStore> reopen(std::unique_ptr<EventStore> store) override {
        store.reset();
        close();
        return serve();
    }

  private:
    void close() {
        node_.reset();
        volume_.reset();
    }
    std::unique_ptr<EventStore> serve() {
        store::VolumeOptions volume_options;
        volume_options.partitions = partitions_;
        volume_options.map_bytes = std::size_t{1} << 30;
        auto volume = store::Volume::open(directory_->path("data"), volume_options, clock_);
        REQUIRE(volume);
        volume_ = std::move(*volume);
        NodeOptions options;
        options.volume = volume_.get();
        options.listen = {"ipc://" + directory_->path("node")};
        auto node = Node::start(options);
        REQUIRE(node);
        node_ = std::move(*node);
        ClientOptions client_options;
        client_options.servers = node_->endpoints();
        auto client = connect(client_options);
        REQUIRE(client);
        return std::move(*client);
    }

    std::uint16_t partitions_;
    ManualClock clock_;
    std::optional<TempDirectory> directory_;
    std::unique_ptr<store::Volume> volume_;
    std::unique_ptr<Node> node_;
};

}  // namespace

TEST_CASE("remote store: the contract, one partition", "[broker][contract]") {
    RemoteFactory factory(1);
    contract::run_event_store_contract(factory);
}

TEST_CASE("remote store: the contract, 16 partitions", "[broker][contract]") {
    RemoteFactory factory(16);
    contract::run_event_store_contract(factory);
}

}  // namespace skald
