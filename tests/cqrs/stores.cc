#include "tests/cqrs/stores.h"

#include "skald/client.h"
#include "skald/node.h"
#include "store/local_store.h"
#include "store/volume.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

struct World::Disk {
    TempDirectory directory;
    std::unique_ptr<store::Volume> volume;
    std::unique_ptr<Node> node;
};

World::World(const std::string& kind) {
    if (kind == "local" || kind == "node") {
        disk_ = std::make_unique<Disk>();
        store::VolumeOptions options;
        options.map_bytes = std::size_t{1} << 30;
        auto volume = store::Volume::open(disk_->directory.path(), options, clock_);
        REQUIRE(volume);
        disk_->volume = std::move(*volume);
        inner_ = kind == "local" ? store::make_local_store(*disk_->volume) : client();
    } else {
        inner_ =
            make_memory_store({static_cast<std::uint16_t>(kind == "memory" ? 1 : 16), &clock_});
    }
    faulty_ = std::make_unique<FaultyEventStore>(*inner_);
}

World::~World() = default;

std::unique_ptr<EventStore> World::client() {
    NodeOptions options;
    options.volume = disk_->volume.get();
    options.listen = {"ipc://" + disk_->directory.path("node")};
    auto node = Node::start(options);
    REQUIRE(node);
    disk_->node = std::move(*node);
    ClientOptions client_options;
    client_options.servers = disk_->node->endpoints();
    auto client = connect(client_options);
    REQUIRE(client);
    return std::move(*client);
}

void World::append(const std::string& stream, const std::string& type, const std::string& data,
                   std::uint32_t schema_version) {
    NewEvent event;
    event.type = type;
    event.data = data;
    event.schema_version = schema_version;
    REQUIRE(inner_->append(Append::one(stream, event)));
}

std::vector<Event> World::events(const std::string& stream) {
    auto page = inner_->read({Selection::stream(stream)});
    std::vector<Event> events;
    if (page) {
        events = std::vector<Event>(page->events.begin(), page->events.end());
    }
    return events;
}

}  // namespace skald::cqrs
