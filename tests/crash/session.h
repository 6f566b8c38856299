// Lanes at work on an open store: first every request of the last run that may have been sent is
// sent again, then new ones follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skald/event_store.h"
#include "tests/crash/ack_file.h"

namespace skald::crash {

struct SessionOptions {
    std::uint64_t seed = 1;
    std::uint64_t requests = 0;    // new ones of each lane; 0: until killed
    std::uint32_t depth = 32;      // requests in flight of a lane
    bool blocking = false;         // one lane, append() instead of append_async()
    bool scratch = false;          // beside them, lifecycle changes on streams of their own
    bool forget_producer = false;  // a seeded bug: retries come as if they were new
    int progress = -1;             // gets 'r' when the retries were answered, 'a' a new answer
};

struct SessionResult {
    std::uint64_t acknowledged = 0;
    std::uint64_t repeated = 0;
    std::optional<Error> failure;  // the store's: it stopped
    std::vector<std::string> violations;
};

SessionResult run_session(EventStore& store, AckFile& acks, const Acks& before,
                          const SessionOptions& options);

}  // namespace skald::crash
