// What a replica's core sees of its log, and what it asks its shell to do. The core does no I/O and
// reads no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/replication/messages.h"

namespace skald::broker::replication {

// The log as far as it is durable. Answers from memory, or from the disk's cache.
class LogView {
  public:
    virtual ~LogView() = default;
    virtual Offset start() const = 0;
    virtual Offset end() const = 0;
    virtual const EpochEnds& epochs() const = 0;
    // Of all below the offset; nullopt where no batch begins or ends.
    virtual std::optional<wire::ChainHash> chain_at(Offset offset) const = 0;
};

struct Outgoing {
    Uuid to;
    Message message;
    // Of a FetchAnswer without news of another kind: the shell adds batches from `from` on, up to
    // the log's durable end and what a message holds.
    bool batches = false;
};

// A compare-and-swap of the partition's configuration.
struct Proposal {
    coord::Revision expected;
    PartitionConfig config;
    std::vector<Member> joining;  // whose registered incarnation must be this one
};

enum class Intake : std::uint8_t { open, closed };

struct Effects {
    std::optional<Epoch> promise;      // keep it durably, then Replica::promise_kept()
    std::optional<Offset> cut;         // put what is at or above it aside, then Replica::log_cut()
    bool store = false;                // append the message's batches, then Replica::log_grew()
    bool barrier = false;              // append a control record in this epoch, then log_grew()
    bool snapshot = false;             // the log begins above what we have: fetch it whole
    bool read_config = false;          // linearizably, then Replica::config_seen()
    std::optional<Proposal> proposal;  // then Replica::proposal_settled()
    std::optional<Offset> high_watermark;    // it rose to there
    std::optional<Intake> intake;            // of appends
    std::string why;                         // intake is closed
    std::optional<std::uint64_t> confirmed;  // reads up to this number may be answered
    std::vector<Outgoing> sends;             // once all above is under way
    std::vector<std::string> alarms;

    void clear() { *this = Effects(); }
};

struct Times {
    std::chrono::milliseconds beat{200};       // a fetch is answered after that at the latest
    std::chrono::milliseconds patience{600};   // a message without an answer is sent again
    std::chrono::milliseconds lag{5000};       // in sync without having caught up
    std::chrono::milliseconds silence{10000};  // of a primary whose node is alive
    std::chrono::milliseconds rank{100};       // by which the next candidate waits longer
    std::chrono::milliseconds gather{500};     // a takeover waits for others in sync
    std::chrono::milliseconds news{10};        // a fetch waits when only the HW is new
    std::chrono::milliseconds settle{2000};    // a proposal without an answer is looked for
};

// Of one step.
struct Turn {
    Monotonic now;
    const LogView& log;
    Effects& effects;
};

}  // namespace skald::broker::replication
