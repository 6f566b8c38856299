// States as bytes. One description of the fields serves both directions.
#include <algorithm>
#include <numeric>

#include "tests/model/replication_state.h"

namespace skald::model {
namespace {

class Writer {
  public:
    void operator()(int& field, unsigned bits) { wide(static_cast<std::uint64_t>(field), bits); }
    void operator()(bool& field) { wide(field ? 1 : 0, 1); }
    void operator()(Log& log) {
        int size = log.size();
        (*this)(size, 3);
        wide(log.bits() >> 3U, 6 * static_cast<unsigned>(size));
    }
    void operator()(std::uint64_t& field, unsigned bits) { wide(field, bits); }
    Bytes done() {
        while (held_ > 0) {
            bytes_.push(static_cast<std::uint8_t>(word_));
            word_ >>= 8U;
            held_ -= std::min(held_, 8U);
        }
        return bytes_;
    }

  private:
    void wide(std::uint64_t value, unsigned bits) {
        while (bits > 0) {
            const unsigned now = std::min(bits, 16U);
            word_ |= (value & ((1U << now) - 1)) << held_;
            held_ += now;
            value >>= now;
            bits -= now;
            while (held_ >= 8) {
                bytes_.push(static_cast<std::uint8_t>(word_));
                word_ >>= 8U;
                held_ -= 8;
            }
        }
    }
    Bytes bytes_;
    std::uint64_t word_ = 0;
    unsigned held_ = 0;
};

class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    void operator()(int& field, unsigned bits) { field = static_cast<int>(wide(bits)); }
    void operator()(bool& field) { field = wide(1) != 0; }
    void operator()(Log& log) {
        const std::uint64_t size = wide(3);
        log = Log(wide(6 * static_cast<unsigned>(size)) << 3U | size);
    }
    void operator()(std::uint64_t& field, unsigned bits) { field = wide(bits); }

  private:
    std::uint64_t wide(unsigned bits) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bits; ++i, ++at_) {
            const auto byte = static_cast<unsigned char>(bytes_[at_ / 8]);
            value |= static_cast<std::uint64_t>(byte >> (at_ % 8) & 1U) << i;
        }
        return value;
    }
    std::string_view bytes_;
    std::size_t at_ = 0;
};

template <typename Io>
void members(Io& io, Members& set) {
    io(set.mask, 3);
    for (int i = 0; i < kNodes && set.mask != 0; ++i) {
        io(set.disk[static_cast<std::size_t>(i)], 3);
    }
}

template <typename Io>
void office(Io& io, Node& node) {
    members(io, node.isr);
    for (std::size_t i = 0; i < kNodes; ++i) {
        io(node.stated_disk[i], 3);
        if (node.stated_disk[i] != 0) {
            io(node.leo[i], 3);
            if (node.role == candidate) {
                io(node.last_epoch[i], 3);
                io(node.stated_incarnation[i], 3);
            }
        }
    }
    if (node.role == primary) {
        io(node.revision, 3);
        members(io, node.proposed);
    }
}

template <typename Io>
void node(Io& io, Node& node) {
    io(node.log);
    io(node.durable, 3);
    io(node.promised, 3);
    io(node.merged, 3);
    io(node.incarnation, 3);
    io(node.disk, 3);
    io(node.up);
    if (!node.up) {
        return;
    }
    io(node.epoch, 3);
    int role = node.role;
    io(role, 2);
    node.role = static_cast<Role>(role);
    io(node.aligned);
    io(node.hw, 3);
    if (node.role != follower) {
        office(io, node);
    }
}

template <typename Io>
void message(Io& io, Message& message) {
    int kind = message.kind;
    io(kind, 3);
    message.kind = static_cast<Message::Kind>(kind);
    io(message.from, 2);
    io(message.to, 2);
    for (int* field :
         {&message.epoch, &message.at, &message.last_epoch, &message.disk, &message.incarnation}) {
        io(*field, 3);
    }
    if (message.kind == Message::reply) {
        Log log(message.body);
        io(log);
        message.body = log.bits();
    } else if (message.kind == Message::change) {
        io(message.body, 27);
    }
}

template <typename Io>
void fields(Io& io, State& state) {
    for (Node& each : state.node) {
        node(io, each);
    }
    std::uint64_t config = state.config.pack();
    io(config, 27);
    state.config = Config::unpack(config);
    for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
        io(state.source[epoch], 2);
        if (state.source[epoch] != 0) {
            io(state.source_incarnation[epoch], 3);
        }
    }
    for (int* field : {&state.messages, &state.crashes, &state.wipes, &state.refused, &state.reader,
                       &state.confirmed, &state.floor, &state.reads}) {
        io(*field, 3);
    }
    for (int& told : state.told) {
        io(told, 3);
    }
    io(state.committed);
    int broken = static_cast<int>(state.broken);
    io(broken, 3);
    state.broken = static_cast<Broken>(broken);
    for (int i = 0; i < state.messages; ++i) {
        message(io, state.message[static_cast<std::size_t>(i)]);
    }
}

// name[i]: what node i is called afterwards.
using Naming = std::array<int, kNodes>;

int renamed_mask(int mask, const Naming& name) {
    int result = 0;
    for (std::size_t i = 0; i < kNodes; ++i) {
        result |= (mask >> i & 1) << name[i];
    }
    return result;
}

PerNode renamed(const PerNode& values, const Naming& name) {
    PerNode result{};
    for (std::size_t i = 0; i < kNodes; ++i) {
        result[static_cast<std::size_t>(name[i])] = values[i];
    }
    return result;
}

Members renamed(const Members& set, const Naming& name) {
    return {renamed_mask(set.mask, name), renamed(set.disk, name)};
}

int renamed_node(int node, const Naming& name) {
    return name[static_cast<std::size_t>(node)];
}

Config renamed(Config config, const Naming& name) {
    config.primary = renamed_node(config.primary, name);
    config.isr = renamed(config.isr, name);
    return config;
}

Node renamed(Node node, const Naming& name) {
    if (node.role != follower) {
        node.isr = renamed(node.isr, name);
        node.proposed = renamed(node.proposed, name);
        node.leo = renamed(node.leo, name);
        node.last_epoch = renamed(node.last_epoch, name);
        node.stated_disk = renamed(node.stated_disk, name);
        node.stated_incarnation = renamed(node.stated_incarnation, name);
    }
    return node;
}

State renamed(const State& state, const Naming& name) {
    State result = state;
    for (std::size_t i = 0; i < kNodes; ++i) {
        result.node[static_cast<std::size_t>(name[i])] = renamed(state.node[i], name);
    }
    result.config = renamed(state.config, name);
    for (int& source : result.source) {
        source = source == 0 ? 0 : renamed_node(source - 1, name) + 1;
    }
    for (int i = 0; i < state.messages; ++i) {
        Message& message = result.message[static_cast<std::size_t>(i)];
        message.from = renamed_node(message.from, name);
        message.to = renamed_node(message.to, name);
        if (message.kind == Message::change) {
            message.body = renamed(Config::unpack(message.body), name).pack();
        }
    }
    std::sort(result.message.begin(), result.message.begin() + result.messages);
    result.reader = state.reader == 0 ? 0 : renamed_node(state.reader - 1, name) + 1;
    result.confirmed = renamed_mask(state.confirmed, name);
    return result;
}

// Of a node alone, whatever the others are called: most states need one naming, not six.
std::uint64_t looks(const State& state, std::size_t i) {
    const Node& node = state.node[i];
    std::uint64_t sum = node.log.bits();
    for (const int field :
         {node.durable, node.promised, node.merged, node.incarnation, node.disk, node.up ? 1 : 0,
          node.epoch, static_cast<int>(node.role), node.aligned ? 1 : 0, node.hw,
          state.config.isr.mask >> i & 1, state.config.primary == static_cast<int>(i) ? 1 : 0}) {
        sum = sum * 0x9E3779B97F4A7C15U + static_cast<unsigned>(field) + (sum >> 29U);
    }
    return sum;
}

Bytes packed(const State& state) {
    Writer writer;
    State copy = state;
    fields(writer, copy);
    return writer.done();
}

}  // namespace

Bytes pack(const State& state, const Setup& setup) {
    std::array<std::uint64_t, kNodes> look{};
    std::array<std::size_t, kNodes> order{};
    std::iota(order.begin(), order.end(), 0);
    const auto used = static_cast<std::size_t>(setup.bounds.nodes);
    for (std::size_t i = 0; i < used; ++i) {
        look[i] = looks(state, i);
    }
    auto* const last = order.begin() + used;
    std::sort(order.begin(), last, [&](std::size_t a, std::size_t b) {
        return look[a] != look[b] ? look[a] < look[b] : a < b;
    });
    Bytes best;
    bool first = true;
    do {
        // Only orders that agree with the looks.
        if (!std::is_sorted(order.begin(), last,
                            [&](auto a, auto b) { return look[a] < look[b]; })) {
            continue;
        }
        Naming name{};
        for (std::size_t i = 0; i < kNodes; ++i) {
            name[order[i]] = static_cast<int>(i);
        }
        const Bytes bytes = packed(renamed(state, name));
        if (first || bytes.view() < best.view()) {
            best = bytes;
        }
        first = false;
        if (std::adjacent_find(order.begin(), last,
                               [&](auto a, auto b) { return look[a] == look[b]; }) == last) {
            break;
        }
    } while (std::next_permutation(order.begin(), last));
    return best;
}

State unpack(std::string_view bytes, const Setup& /*setup*/) {
    State state;
    Reader reader(bytes);
    fields(reader, state);
    return state;
}

}  // namespace skald::model
