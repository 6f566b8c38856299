#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "sim/clients.h"
#include "sim/troubles.h"

namespace skald::sim {
namespace {

using namespace std::chrono_literals;
constexpr Monotonic kTroubled = 15s;
constexpr Monotonic kRecoveryMax = 60s;
constexpr Monotonic kQuietMax = 30s;
constexpr std::size_t kClients = 3;

Uuid uuid_of(std::uint64_t number) {
    Uuid uuid;
    std::memcpy(uuid.bytes.data(), &number, sizeof number);
    return uuid;
}

StoredConfig first_config(const RunOptions& options) {
    broker::replication::PartitionConfig config;
    config.log = uuid_of(77);
    config.epoch = Epoch{1};
    config.primary = uuid_of(1);
    for (std::size_t i = 1; i <= options.nodes; ++i) {
        config.in_sync.push_back({uuid_of(i), 1});
        config.replicas.push_back(uuid_of(i));
    }
    config.copies = options.copies;
    config.min_in_sync = options.min_in_sync;
    return {config, coord::Revision{1}};
}

Pace pace_of(const RunOptions& options) {
    Pace pace;
    if (options.hasty) {
        pace.times = {40ms, 100ms, 300ms, 600ms, 20ms, 60ms, 5ms, 300ms};
        pace.lease_beat = 150ms;
        pace.tick = 15ms;
        pace.trouble = 200ms;
        pace.think = 15ms;
    }
    return pace;
}

class Run {
  public:
    explicit Run(const RunOptions& options)
        : chance_(options.seed),
          network_(schedule_, chance_),
          coordination_(schedule_, network_, chance_, options.nodes, first_config(options),
                        4 * pace_of(options).lease_beat),
          world_{schedule_, chance_, network_, coordination_, ledger_, nodes_, pace_of(options)} {
        for (std::size_t i = 0; i < options.nodes; ++i) {
            nodes_.push_back(std::make_unique<Node>(world_, i, uuid_of(i + 1)));
        }
    }

    RunReport execute() {
        Clients clients(world_, kClients);
        Troubles troubles(world_);
        for (const auto& node : nodes_) {
            node->start();
        }
        coordination_.on_change([this](const StoredConfig& stored) { quorum_holds(stored); });
        look();
        clients.begin();
        troubles.begin();
        until(kTroubled, [] { return false; });
        troubles.end();
        const Monotonic mended = schedule_.now();
        const std::size_t before = ledger_.acknowledgements();
        if (!until(kRecoveryMax, [&] { return ledger_.acknowledgements() > before; })) {
            ledger_.fail("I10: nothing is acknowledged although all is mended");
        }
        report_.recovery_s = std::chrono::duration<double>(schedule_.now() - mended).count();
        clients.stop();
        if (!until(kQuietMax, [&] { return equal(); })) {
            ledger_.fail("I8: the replicas do not become equal although all is mended");
        }
        report_.steps = schedule_.steps();
        report_.acknowledged = ledger_.acknowledgements();
        report_.reads = ledger_.reads();
        report_.epochs = coordination_.stored().config.epoch.value;
        if (ledger_.violation()) {
            report_.violation = *ledger_.violation() + "\n" + describe();
        }
        return report_;
    }

  private:
    // False: the time is over first. A violation ends it as if it had succeeded.
    template <typename Done>
    bool until(Monotonic at_most, Done&& done) {
        const Monotonic end = schedule_.now() + at_most;
        while (!ledger_.violation() && !done()) {
            if (schedule_.now() >= end || !schedule_.step()) {
                return false;
            }
        }
        return true;
    }
    // Of those in sync as many as commit have all that is committed: so a takeover hears one that
    // does. A disk that is lost counts as if it had been, since it was when it was.
    void quorum_holds(const StoredConfig& stored) {
        const Log& all = ledger_.log();
        std::size_t holders = stored.config.in_sync.size();
        for (const auto& node : nodes_) {
            const Log& log = node->log();
            if (stored.config.find(node->self().node) != nullptr &&
                (log.end() < all.end() || log.chain_at(all.end()) != all.chain_at(all.end()))) {
                --holders;
            }
        }
        if (holders < stored.config.commit_quorum()) {
            ledger_.fail(
                fmt::format("I1: {} of those in sync since revision {} have all that is "
                            "committed, and {} must",
                            holders, stored.revision.value, stored.config.commit_quorum()));
        }
    }
    void look() {
        coordination_.tick();
        schedule_.after(300ms, [this] { look(); });
    }
    // How it all stands, for whoever looks into a violation.
    std::string describe() const {
        const StoredConfig& stored = coordination_.stored();
        std::string text =
            fmt::format("at {} ms, step {}, revision {}: {}\n", schedule_.now() / 1ms,
                        schedule_.steps(), stored.revision.value, encode(stored.config));
        for (const auto& node : nodes_) {
            text += "  " + node->describe() + "\n";
        }
        return text;
    }
    bool equal() const {
        const Log& all = ledger_.log();
        return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
            return node->log().end() == all.end() &&
                   node->log().chain_at(all.end()) == all.chain_at(all.end());
        });
    }

    Schedule schedule_;
    Chance chance_;
    Network network_;
    Coordination coordination_;
    Ledger ledger_;
    std::vector<std::unique_ptr<Node>> nodes_;
    Node::World world_;
    RunReport report_;
};

}  // namespace

RunOptions options_of(std::uint64_t seed) {
    RunOptions options;
    options.seed = seed;
    options.hasty = seed / 4 % 2 == 1;
    switch (seed % 4) {
        case 1:
            options.copies = 2;
            break;
        case 2:
            options.nodes = 5;
            options.copies = 3;
            break;
        case 3:
            options.nodes = 4;
            options.copies = 2;
            break;
        default:
            break;
    }
    return options;
}

RunReport run(const RunOptions& options) {
    return Run(options).execute();
}

}  // namespace skald::sim
