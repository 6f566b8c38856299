// Runs a node with well-behaved clients and hostile peers, all real processes, and looks whether
// the node stays up, keeps its memory, and lets no reader miss an event.
//
//   skald_hostile --node PROGRAM [--seconds N] [--connections N] [--stalled N] [--bulk MIB]
//                 [--kinds NAME,...] [--memory MIB] [--seed S] [--seeded
//                 lost|doubled|fat|dead|tame]
//
// --seconds: how long the load goes on, at least; --connections: how many are opened and closed
// meanwhile; --stalled: subscribers that read nothing, over each transport; --bulk: events of 1 MiB
// that are published. --kinds: of the hostile peers; all unless named. --memory: the bound, 256; a
// sanitizer's memory is its own, so with one it is printed and not asserted. --seeded plants a
// defect; the exit status is then 0 when it was found.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/crash/arguments.h"
#include "tests/hostile/load.h"
#include "tests/hostile/node_process.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

namespace {

using namespace skald;
using namespace skald::hostile;
using namespace std::chrono_literals;

constexpr int kSampleMs = 100;
constexpr auto kLongest = 30min;
constexpr auto kRecovery = 60s;
constexpr const char* kKinds =
    "flood,deaf,large,beats,strangers,frames,garbage,reads,whispers,globs,stall,ping,heartbeats,"
    "churn";

Monotonic now() {
    return SystemClock::instance().monotonic();
}

// Hostile peers of one kind over one transport.
struct Attack {
    std::string kind;
    std::string transport;
    crash::Command command;
    std::unique_ptr<crash::Child> child;
    std::size_t marks = 0;  // of children before
    std::uint64_t aborted = 0;
    bool over = false;

    std::size_t all_marks() const { return marks + (child ? child->progress().size() : 0); }
};

class HostileRun {
  public:
    explicit HostileRun(const crash::Arguments& arguments)
        : arguments_(arguments),
          seconds_(arguments.number("--seconds", 8)),
          bound_(arguments.number("--memory", 256) * limits::kMiB),
          seeded_(arguments.text("--seeded")),
          node_(arguments.text("--node"), {"--data", directory_.path() + "/data", "--listen",
                                           "ipc://" + directory_.path() + "/node", "--listen",
                                           "tcp://127.0.0.1:*", "--http", "127.0.0.1:0"}) {}

    int run() {
        if (!node_.ready()) {
            violation("the node did not get ready");
            return finish();
        }
        behave();
        attack();
        watch();
        for (Attack& attack : attacks_) {
            attack.marks = attack.all_marks();
            attack.child.reset();
        }
        if (node_.owned_bytes() != 0) {
            check_readers();
            check_recovery();
        }
        print_friends();
        check_attacks();
        readers_.clear();
        publishers_.clear();
        if (const crash::Exit exit = node_.stop(); exit.signalled || exit.hung || exit.code != 0) {
            violation(fmt::format("the node ended with {} {}", exit.signalled ? "signal" : "status",
                                  exit.code));
        }
        return finish();
    }

  private:
    const std::string& ipc() const { return node_.endpoints()[0]; }
    const std::string& tcp() const { return node_.endpoints()[1]; }

    void violation(std::string what) {
        fmt::print(stderr, "hostile: {}\n", what);
        violations_.push_back(std::move(what));
    }

    void behave() {
        const std::uint64_t bulk = arguments_.number("--bulk", 64);
        publishers_.push_back(
            std::make_unique<Publisher>(ipc(), Publisher::Plan{"steady-1", 200, 256, 0}));
        publishers_.push_back(
            std::make_unique<Publisher>(tcp(), Publisher::Plan{"steady-2", 2000, 16, 0}));
        publishers_.push_back(std::make_unique<Publisher>(
            tcp(), Publisher::Plan{"bulk-1", limits::kEventDataBytesMax, 4, bulk}));
        std::vector<std::string> streams;
        for (const auto& publisher : publishers_) {
            streams.push_back(publisher->stream());
        }
        const Seeded seeded = seeded_ == "lost"      ? Seeded::lost
                              : seeded_ == "doubled" ? Seeded::doubled
                                                     : Seeded::nothing;
        readers_.push_back(std::make_unique<Reader>(ipc(), streams, seeded));
        readers_.push_back(std::make_unique<Reader>(tcp(), streams, Seeded::nothing));
    }

    std::uint64_t count_of(const std::string& kind) const {
        if (kind == "churn") {
            return arguments_.number("--connections", 600) / 2;
        }
        return kind == "stall" ? arguments_.number("--stalled", 20) : 2;
    }

    // The tame come to where nobody is.
    std::string target(const std::string& endpoint) const {
        return seeded_ == "tame" ? "ipc://" + directory_.path() + "/nobody" : endpoint;
    }

    void attack() {
        const std::uint64_t seed = arguments_.number("--seed", 1);
        std::istringstream names(arguments_.text("--kinds", kKinds));
        for (std::string kind; std::getline(names, kind, ',');) {
            for (const std::string& endpoint : {ipc(), tcp()}) {
                Attack& attack = attacks_.emplace_back();
                attack.kind = kind;
                attack.transport = endpoint.substr(0, 3);
                attack.command.arguments = {crash::beside_program("skald_hostile_peer"),
                                            "--kind",
                                            kind,
                                            "--endpoint",
                                            target(endpoint),
                                            "--count",
                                            std::to_string(count_of(kind)),
                                            "--seed",
                                            std::to_string(seed * 100 + attacks_.size())};
                attack.command.quiet = kind == "heartbeats";
                attack.child = std::make_unique<crash::Child>(attack.command);
            }
        }
    }

    // libzmq in a peer that turned heartbeats on may abort; that is the peer's own death.
    void look_after(Attack& attack) {
        if (attack.over || attack.child->await(SIZE_MAX, kSampleMs / 20)) {
            return;
        }
        const crash::Exit exit = attack.child->wait();
        attack.marks = attack.all_marks();
        if (attack.kind == "heartbeats") {
            ++attack.aborted;
            attack.child = std::make_unique<crash::Child>(attack.command);
            return;
        }
        attack.over = true;
        attack.child.reset();
        if (attack.kind != "churn" || exit.code != 0) {
            violation(fmt::format("hostile peers {} ended with {}", attack.kind, exit.code));
        }
    }

    bool churning() const {
        return std::any_of(attacks_.begin(), attacks_.end(), [](const Attack& attack) {
            return attack.kind == "churn" && !attack.over;
        });
    }

    void watch() {
        const Monotonic begun = now();
        Monotonic asked{};
        while (now() - begun < std::chrono::seconds(seconds_) || churning()) {
            for (Attack& attack : attacks_) {
                look_after(attack);
            }
            const std::size_t owned = node_.owned_bytes();
            peak_ = std::max(peak_, owned);
            if (owned == 0) {
                violation("the node is gone");
                break;
            }
            if (now() - asked > 1s) {
                asked = now();
                ask();
                if (seeded_ == "dead") {
                    node_.kill();
                }
            }
            if (now() - begun > kLongest) {
                violation("connections are still being opened");
                break;
            }
        }
        took_ = now() - begun;
    }

    void ask() {
        const std::map<std::string, double> metrics = node_.metrics();
        if (metrics.empty()) {
            violation("/metrics gave no answer");
            return;
        }
        for (const char* name : kGauges) {
            const auto found = metrics.find(name);
            double& most = gauges_[name];
            most = std::max(most, found == metrics.end() ? 0 : found->second);
        }
    }

    void check_readers() {
        for (const auto& publisher : publishers_) {
            publisher->stop();
            if (!publisher->trouble().empty()) {
                violation(publisher->trouble());
            }
            if (publisher->written() == 0) {
                violation(publisher->stream() + ": not one event was written");
            }
        }
        for (const auto& reader : readers_) {
            for (const auto& publisher : publishers_) {
                if (!reader->await(publisher->stream(), publisher->written())) {
                    violation("a reader stands still");
                }
                for (std::string& complaint :
                     reader->complaints(publisher->stream(), publisher->acknowledged())) {
                    violation(std::move(complaint));
                }
            }
        }
    }

    // When the hostile are gone the node is as before.
    void check_recovery() {
        const auto friends = static_cast<double>(publishers_.size() + readers_.size());
        const Monotonic begun = now();
        std::map<std::string, double> metrics;
        do {
            metrics = node_.metrics();
            settled_ = node_.owned_bytes();
            peak_ = std::max(peak_, settled_);
        } while (!metrics.empty() && metrics["skald_sessions"] > friends &&
                 now() - begun < kRecovery);
        if (metrics["skald_sessions"] != friends) {
            violation(fmt::format("{} sessions when {} clients are there",
                                  metrics["skald_sessions"], friends));
        }
        if (node_.get("/readyz") != 200) {
            violation("/readyz is not 200");
        }
    }

    // What the node counts when hostile peers of a kind get through to it.
    void check_attacks() {
        const std::map<std::string, std::pair<const char*, double>> least{
            {"stall", {"skald_subscriptions", 2.0 * static_cast<double>(count_of("stall"))}},
            {"flood", {"skald_discarded_total", 1}},
            {"garbage", {"skald_malformed_total", 1}},
            {"whispers", {"skald_ephemeral_published_total", 1}}};
        for (const Attack& attack : attacks_) {
            const auto found = least.find(attack.kind);
            if (found != least.end() && gauges_[found->second.first] < found->second.second) {
                violation(fmt::format("hostile peers {} came to nothing: {} was {} at most",
                                      attack.kind, found->second.first,
                                      gauges_[found->second.first]));
            }
        }
    }

    void print_attacks() const {
        for (const Attack& attack : attacks_) {
            const bool churn = attack.kind == "churn";
            fmt::print("  {:<10} {} {} {}{}\n", attack.kind, attack.transport, attack.all_marks(),
                       churn                         ? "connections"
                       : attack.kind == "heartbeats" ? "turns"
                                                     : "MiB sent",
                       attack.aborted == 0 ? "" : fmt::format(", died {}", attack.aborted));
        }
        for (const auto& [name, most] : gauges_) {
            fmt::print("  {:<30} {:.0f} at most\n", name, most);
        }
    }

    void print_friends() const {
        for (const auto& publisher : publishers_) {
            fmt::print("  {:<10} {} written, {} refused as busy\n", publisher->stream(),
                       publisher->written(), publisher->refused());
        }
    }

    int finish() {
        const auto mib = [](std::size_t bytes) {
            return static_cast<double>(bytes) / static_cast<double>(limits::kMiB);
        };
        const bool asserted = !kSanitized || seeded_ == "fat";
        const std::size_t bound = seeded_ == "fat" ? limits::kMiB : bound_;
        if (asserted && peak_ > bound) {
            violation(fmt::format("{:.1f} MiB owned, over {:.1f}", mib(peak_), mib(bound)));
        }
        print_attacks();
        fmt::print(
            "hostile: seconds={:.0f} owned_mib_peak={:.1f} owned_mib_after={:.1f}{} "
            "violations={}\n",
            std::chrono::duration<double>(took_).count(), mib(peak_), mib(settled_),
            asserted ? "" : " (sanitized: not asserted)", violations_.size());
        if (seeded_.empty()) {
            return violations_.empty() ? 0 : 1;
        }
        return found() ? 0 : 1;
    }

    // Whether what was planted is among the violations.
    bool found() const {
        const std::map<std::string, std::string> words{{"lost", "was missed"},
                                                       {"doubled", "came twice"},
                                                       {"fat", "MiB owned"},
                                                       {"dead", "the node is gone"},
                                                       {"tame", "came to nothing"}};
        return std::any_of(violations_.begin(), violations_.end(), [&](const std::string& v) {
            return v.find(words.at(seeded_)) != std::string::npos;
        });
    }

    static constexpr const char* kGauges[] = {"skald_sessions",
                                              "skald_subscriptions",
                                              "skald_requests_in_flight",
                                              "skald_send_queued_bytes",
                                              "skald_request_memory_bytes",
                                              "skald_store_owned_bytes",
                                              "skald_receive_holds_total",
                                              "skald_discarded_total",
                                              "skald_malformed_total",
                                              "skald_ephemeral_published_total",
                                              "skald_messages_received_total",
                                              "skald_received_bytes_total"};

    const crash::Arguments& arguments_;
    std::uint64_t seconds_;
    std::size_t bound_;
    std::string seeded_;
    crash::TempDirectory directory_;
    NodeProcess node_;
    std::vector<std::unique_ptr<Publisher>> publishers_;
    std::vector<std::unique_ptr<Reader>> readers_;
    std::vector<Attack> attacks_;
    std::map<std::string, double> gauges_;
    std::vector<std::string> violations_;
    std::size_t peak_ = 0;
    std::size_t settled_ = 0;
    Monotonic took_{};
};

}  // namespace

int main(int count, char** values) {
    const skald::crash::Arguments arguments(
        count, values,
        " --node --seconds --connections --stalled --bulk --kinds --memory --seed --seeded ");
    return HostileRun(arguments).run();
}
