// One state of the replication model: nodes, the stored configuration, messages in flight, and what
// clients have been told.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "tests/model/replication_setup.h"
#include "tests/model/visited.h"

namespace skald::model {

inline constexpr int kNodes = 3;
inline constexpr int kLogMax = 7;
inline constexpr int kEpochs = 8;
inline constexpr int kBarrier = 0;    // as an event
inline constexpr int kLastEvent = 7;  // of no producer, to see whether a cluster still works

using PerNode = std::array<int, kNodes>;

// Records in order, each (epoch 1-7, event 0-7), in one word.
class Log {
  public:
    Log() = default;
    explicit Log(std::uint64_t bits) : bits_(bits) {}
    [[nodiscard]] std::uint64_t bits() const { return bits_; }
    [[nodiscard]] int size() const { return static_cast<int>(bits_ & 7U); }
    [[nodiscard]] int event(int at) const { return static_cast<int>(bits_ >> shift(at) & 7U); }
    // Of the last record before offset `end`; 0 when there is none.
    [[nodiscard]] int epoch_before(int end) const {
        return end == 0 ? 0 : static_cast<int>(bits_ >> (shift(end - 1) + 3) & 7U);
    }
    [[nodiscard]] int last_epoch() const { return epoch_before(size()); }
    // The offset after the last record of this epoch or an older one.
    [[nodiscard]] int end_of(int epoch) const;
    // The offset of an event, or -1.
    [[nodiscard]] int find(int event) const;
    [[nodiscard]] bool same_until(int end, const Log& other) const {
        return size() >= end && other.size() >= end &&
               ((bits_ ^ other.bits_) & ((std::uint64_t{1} << shift(end)) - 8)) == 0;
    }
    void push(int epoch, int event);
    void cut(int size);
    auto operator<=>(const Log&) const = default;

  private:
    static unsigned shift(int at) { return 3U + 6U * static_cast<unsigned>(at); }
    std::uint64_t bits_ = 0;
};

enum Role : int { follower, candidate, primary };

// A set of members, each with the disk it is known by.
struct Members {
    int mask = 0;
    PerNode disk{};
    auto operator<=>(const Members&) const = default;
};

struct Node {
    // On disk. `merged` stands for all that is kept as committed: the HW, indexes, producers.
    Log log;
    int durable = 0;
    int promised = 0;
    int merged = 0;
    int incarnation = 1;  // of the process, or of the last one
    int disk = 1;
    // In memory.
    bool up = true;
    int epoch = 0;
    Role role = follower;
    bool aligned = false;  // R10 is done in this epoch
    int hw = 0;
    // Of a primary and a candidate: the set it goes by, and what each node has stated.
    Members isr;
    int revision = 0;
    Members proposed;  // mask 0: none
    PerNode leo{};
    PerNode last_epoch{};          // candidate
    PerNode stated_disk{};         // 0: nothing was stated
    PerNode stated_incarnation{};  // candidate
};

// `/cfg`. (epoch, revision) is what a compare-and-swap compares.
struct Config {
    int epoch = 1;
    int revision = 0;
    bool active = true;
    int primary = 0;
    int incarnation = 1;
    Members isr;
    auto operator<=>(const Config&) const = default;
    [[nodiscard]] std::uint64_t pack() const;
    static Config unpack(std::uint64_t bits);
};

struct Message {
    enum Kind : int { fetch, reply, answer, offsets, change };
    Kind kind = fetch;
    int from = 0;
    int to = 0;
    int epoch = 0;        // change: that of the configuration it replaces
    int at = 0;           // fetch, answer: durable LEO; reply: base; offsets: end; change: revision
    int last_epoch = 0;   // fetch, answer; offsets: the epoch answered
    int disk = 0;         // fetch, answer; offsets: the epoch asked for; reply: HW
    int incarnation = 0;  // answer
    std::uint64_t body = 0;  // reply: the log sent, from 0; change: the new configuration
    auto operator<=>(const Message&) const = default;
};

// A promise that an action broke.
enum class Broken : int { none, cut_below_hw, cut_below_merged, forked_commit, stale_read };

struct State {
    std::array<Node, kNodes> node;
    Config config;
    // Whose log an epoch goes by, as node + 1, and which life of it; 0: not chosen yet. Written
    // once per epoch.
    std::array<int, kEpochs> source{};
    std::array<int, kEpochs> source_incarnation{};
    std::array<Message, 6> message{};
    int messages = 0;
    int crashes = 0;
    int wipes = 0;
    // What has been told: the committed records (all acknowledged), and events refused for good.
    Log committed;
    int refused = 0;
    // The offset + 1 that a receipt with `durability: primary` named, of events 1-3.
    std::array<int, 3> told{};
    // The one linearizable read under way: node + 1, who confirmed, what it must show.
    int reader = 0;
    int confirmed = 0;
    int floor = 0;
    int reads = 0;
    Broken broken = Broken::none;
};

// Puts away what has no meaning any more, so that equal futures have equal bytes.
void normalise(State& state, const Setup& setup);
// The smallest packing of all namings of the nodes.
Bytes pack(const State& state, const Setup& setup);
State unpack(std::string_view bytes, const Setup& setup);

}  // namespace skald::model
