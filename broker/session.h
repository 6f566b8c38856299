// What a node knows of one connection that said Hello.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "broker/effects.h"
#include "broker/receipts.h"
#include "broker/rights.h"
#include "broker/subscription.h"

namespace skald::broker {

// A request whose answer may be large, or take long: it waits until the peer has room.
struct Waiting {
    std::variant<wire::msg::Read, wire::msg::GetStream, wire::msg::ListStreams,
                 wire::msg::GetSnapshot, wire::msg::GetPosition, wire::msg::GetLog,
                 wire::msg::FetchLog, wire::msg::FetchProducers>
        request;
    std::size_t bytes = 0;  // it counts for, while it waits
    // Of a Read that looked at its share of records and found nothing yet.
    std::unique_ptr<store::Cursor> cursor;
    std::size_t looked_at = 0;
};

struct Session {
    PeerId peer = 0;
    std::uint64_t serial = 0;  // no two sessions share one
    std::string name;
    Uuid producer;  // as the log knows it
    Epoch epoch;
    Rights rights;
    Monotonic heard{};
    Monotonic said{};

    // Publisher credit, and what of it is in use.
    std::uint64_t credit_bytes = 0;
    std::uint32_t credit_requests = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint32_t requests_in_flight = 0;
    // Refused for want of credit since the last outcome.
    std::uint64_t bytes_refused = 0;
    std::uint32_t requests_refused = 0;
    std::uint32_t plain_in_flight = 0;  // those that wait, and jobs
    std::uint64_t snapshot_bytes = 0;   // of jobs
    bool listing = false;               // a job lists streams
    std::uint32_t malformed = 0;

    // By partition: the sequence that comes next without a gap, counting those the node refused.
    struct Due {
        std::uint64_t next = 0;
        bool known = false;
    };
    std::vector<Due> due;

    std::vector<store::Submission> round;  // of this round of the node's thread
    ReceiptGatherer receipts;
    bool answered = false;  // stands in the router's list of those to be flushed
    std::map<std::uint64_t, std::unique_ptr<Subscription>> subscriptions;
    std::deque<Waiting> waiting;
    std::deque<std::uint64_t> ready;  // subscriptions that may go on
    bool in_turn = false;             // stands in the router's list of those to be served
    bool delivered_last = false;      // reads and deliveries take turns
    std::uint64_t features = 0;       // that both ends have
    // Ephemeral events to it in one turn: the socket does not know of them yet.
    struct FannedOut {
        std::uint64_t turn = 0;
        std::size_t bytes = 0;
        std::size_t messages = 0;
    };
    FannedOut fanned_out;

    bool within_credit(std::size_t bytes) const {
        return requests_in_flight < credit_requests &&
               (bytes_in_flight + bytes <= credit_bytes || bytes_in_flight == 0);
    }
    bool far_beyond_credit() const {
        return requests_refused != 0 && (std::uint64_t{requests_in_flight} + requests_refused >=
                                             2 * std::uint64_t{credit_requests} ||
                                         bytes_in_flight + bytes_refused > 2 * credit_bytes);
    }
};

}  // namespace skald::broker
