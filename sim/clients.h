// Applications that append to one stream, each event at the version that it takes to be the next,
// until they know what became of it; and that read and must see what was acknowledged before.
#pragma once

#include <vector>

#include "sim/node.h"

namespace skald::sim {

class Clients {
  public:
    Clients(const Node::World& world, std::size_t count);
    void begin();
    // Nothing new is begun.
    void stop() { stopped_ = true; }

  private:
    struct Client {
        Place place = 0;
        EventId event = 0;  // under way; 0: none
        std::uint64_t expected = 0;
        std::size_t node = 0;        // that it asks
        std::uint64_t question = 0;  // answers to earlier ones come too late
    };
    void next(Client& client);
    void ask(Client& client);
    void answered(Client& client, const AppendAnswer& answer);
    void again(Client& client, Monotonic wait);
    void read(Client& client);

    Node::World world_;
    std::vector<Client> clients_;
    EventId last_event_ = 0;
    bool stopped_ = false;
};

}  // namespace skald::sim
