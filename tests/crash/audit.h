// Whether a directory holds what was acknowledged, and nothing twice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/ack_file.h"

namespace skald::crash {

struct AuditReport {
    std::uint64_t events = 0;   // of the lanes
    std::uint64_t lost = 0;     // acknowledged requests that are not there as their receipt says
    std::uint64_t doubled = 0;  // events that are there twice
    std::vector<std::string> problems;  // everything that is wrong, these two included
    double open_ms = 0;
};

// verify_directory, then every event of every lane: present once, in its lane's order without a
// gap, at the version its stream was at, whole requests only, as the plan made them. A directory
// without a log is right as long as nothing was acknowledged.
AuditReport audit(const std::string& directory, std::uint64_t seed, const Acks& acks);

}  // namespace skald::crash
