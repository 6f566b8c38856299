#include "sim/clients.h"

namespace skald::sim {

using namespace std::chrono_literals;

Clients::Clients(const Node::World& world, std::size_t count) : world_(world), clients_(count) {
    for (std::size_t i = 0; i < count; ++i) {
        clients_[i].place = world_.nodes.size() + 1 + i;
    }
}

void Clients::begin() {
    for (Client& client : clients_) {
        next(client);
        read(client);
    }
}

void Clients::next(Client& client) {
    if (stopped_) {
        return;
    }
    client.event = ++last_event_;
    ask(client);
}

void Clients::ask(Client& client) {
    const std::uint64_t question = ++client.question;
    Node* const node = world_.nodes[client.node].get();
    const auto answer = [this, &client, question](const AppendAnswer& told) {
        world_.network.send(client.node, client.place, [this, &client, question, told] {
            if (client.question == question) {
                answered(client, told);
            }
        });
    };
    world_.network.send(client.place, client.node,
                        [node, event = client.event, expected = client.expected, answer] {
                            node->append(event, expected, answer);
                        });
    world_.schedule.after(1500ms, [this, &client, question] {
        if (client.question == question) {
            answered(client, {Told::unknown, {}, 0});
        }
    });
}

// Whatever is not certain is asked again, of any node.
void Clients::answered(Client& client, const AppendAnswer& answer) {
    if (answer.told == Told::unknown || answer.told == Told::closed) {
        client.node = world_.chance.below(world_.nodes.size());
        return again(client, answer.told == Told::closed ? 20ms : 1ms);
    }
    if (answer.told == Told::done) {
        world_.ledger.acknowledged(client.event, answer.offset);
    } else {
        world_.ledger.refused(client.event, client.expected);
    }
    client.expected = answer.next;
    ++client.question;
    world_.schedule.after(world_.chance.between(1ms, world_.pace.think),
                          [this, &client] { next(client); });
}

void Clients::again(Client& client, Monotonic wait) {
    const std::uint64_t question = ++client.question;
    world_.schedule.after(wait, [this, &client, question] {
        if (client.question == question) {
            ask(client);
        }
    });
}

void Clients::read(Client& client) {
    if (stopped_) {
        return;
    }
    Node* const node = world_.nodes[world_.chance.below(world_.nodes.size())].get();
    const Offset floor = world_.ledger.acknowledged_below();
    node->read([this, floor](std::optional<Offset> end) {
        if (end) {
            world_.ledger.read(floor, *end);
        }
    });
    world_.schedule.after(world_.chance.between(20ms, 200ms), [this, &client] { read(client); });
}

}  // namespace skald::sim
