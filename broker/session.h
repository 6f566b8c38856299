// What a node knows of one connection that said Hello.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/effects.h"
#include "broker/receipts.h"
#include "broker/rights.h"
#include "broker/subscription.h"

namespace skald::broker {

struct Session {
    PeerId peer = 0;
    std::uint64_t serial = 0;  // no two sessions share one
    std::string name;
    Uuid producer;
    Epoch epoch;
    Rights rights;
    Monotonic heard{};
    Monotonic said{};

    // Publisher credit, and what of it is in use.
    std::uint64_t credit_bytes = 0;
    std::uint32_t credit_requests = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint32_t requests_in_flight = 0;
    std::uint32_t plain_in_flight = 0;
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

    bool within_credit(std::size_t bytes) const {
        return requests_in_flight < credit_requests &&
               (bytes_in_flight + bytes <= credit_bytes || bytes_in_flight == 0);
    }
    bool far_beyond_credit() const {
        return requests_in_flight >= 2 * credit_requests || bytes_in_flight > 2 * credit_bytes;
    }
};

}  // namespace skald::broker
