#include "tests/race/arena.h"

#include "skald/client.h"
#include "skald/store.h"
#include "skald/testing.h"
#include "tests/forwarding_store.h"

namespace skald::race {
namespace {

constexpr std::size_t kMap = std::size_t{4} << 30;

class Careless final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    Result<Receipt> append(const Append& request) override {
        Append careless = request;
        careless.query.reset();
        for (StreamAppend& stream : careless.streams) {
            stream.expected = Expected::any();
        }
        return ForwardingStore::append(careless);
    }
};

}  // namespace

Arena::Arena(const std::string& kind, bool seeded) : seeded_(seeded) {
    if (kind == "memory") {
        stores_.push_back(make_memory_store());
    } else if (kind == "local") {
        stores_.push_back(must(open_store(directory_.path("data"), {.map_bytes = kMap})));
    } else {
        NodeOptions options;
        options.data_dir = directory_.path("data");
        options.map_bytes = kMap;
        options.listen = {"ipc://" + directory_.path("node")};
        node_ = must(Node::start(options));
    }
}

Arena::~Arena() = default;

EventStore& Arena::way() {
    if (node_) {
        ClientOptions options;
        options.servers = node_->endpoints();
        stores_.push_back(must(connect(options)));
    }
    EventStore& plain = *stores_.back();
    careless_.push_back(std::make_unique<Careless>(plain));
    return seeded_ ? *careless_.back() : plain;
}

}  // namespace skald::race
