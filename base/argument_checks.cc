#include "base/argument_checks.h"

#include <fmt/format.h>

#include "base/glob.h"
#include "base/limits.h"

namespace skald {

Result<void> check_limits(const StreamLimits& limits) {
    if (limits.max_count && *limits.max_count == 0) {
        return Error(Errc::invalid_argument, "max count must be at least 1");
    }
    if (limits.max_age && *limits.max_age < std::chrono::seconds(1)) {
        return Error(Errc::invalid_argument, "max age must be at least 1 s");
    }
    return {};
}

Result<void> check_credit(const Subscribe& request) {
    const bool events =
        request.events_in_flight >= 1 && request.events_in_flight <= limits::kEventsInFlightMax;
    const bool bytes = request.bytes_in_flight >= limits::kBytesInFlightMin &&
                       request.bytes_in_flight <= limits::kBytesInFlightMax;
    if (events && bytes) {
        return {};
    }
    return Error(
        Errc::invalid_argument,
        fmt::format("a subscription's credit is 1 to {} events and {} to {} bytes, not {} and {}",
                    limits::kEventsInFlightMax, limits::kBytesInFlightMin,
                    limits::kBytesInFlightMax, request.events_in_flight, request.bytes_in_flight));
}

Result<void> check_snapshot(std::string_view stream, const Snapshot& snapshot) {
    if (auto ok = check_stream_name(stream); !ok) {
        return ok;
    }
    if (snapshot.bytes.size() > limits::kSnapshotBytesMax) {
        return Error(Errc::request_too_large,
                     fmt::format("the snapshot of {} has {} bytes, at most {} are allowed", stream,
                                 snapshot.bytes.size(), limits::kSnapshotBytesMax));
    }
    return {};
}

}  // namespace skald
