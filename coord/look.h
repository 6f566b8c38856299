// A look at an instance through its socket.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "skald/registry.h"
#include "skald/result.h"

namespace skald::coord {

// Of a tcp or http probe.
struct Target {
    std::string host;  // without the brackets of an IPv6 address
    std::uint16_t port = 0;
    std::string authority;  // http: as it was written
    std::string path;       // http: from `/`
    bool operator==(const Target&) const = default;
};
// invalid_argument: neither host:port nor http://host[:port]/path.
Result<Target> target_of(const Probe& probe);

// Waits for up to the probe's timeout, or until it is asked to stop. A name that is no address may
// take longer: the system's resolver cannot be stopped. Errors: invalid_argument as above and for a
// request probe; timed_out; unreachable, which says why.
Result<void> look(const Probe& probe, const std::stop_token& stop);

}  // namespace skald::coord
