// What the service of coordination is asked and answers, as our own structs (docs/protocol.md).
// Each is the payload of one request or reply to a service.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "skald/coord.h"
#include "skald/result.h"

namespace skald::wire {

inline constexpr std::string_view kCoordService = "coord";
// A place of it, for what waits: polls.
inline constexpr std::string_view kCoordPolls = "coord#polls";

enum class CoordVerb : std::uint8_t {
    get = 0,
    txn = 1,
    grant = 2,
    keep_alive = 3,
    revoke = 4,
    poll = 5
};
struct CoordRequest {
    CoordVerb verb = CoordVerb::get;
    coord::KeyRange keys;                                   // get, poll
    coord::Reading reading = coord::Reading::linearizable;  // get
    coord::Txn txn;
    std::chrono::milliseconds ttl{0};   // grant
    coord::LeaseId lease;               // keep_alive, revoke
    coord::Revision from;               // poll: changes at or behind this,
    std::chrono::milliseconds wait{0};  // for which it waits so long
    bool operator==(const CoordRequest&) const = default;
};

// The changes of one revision.
struct CoordRevised {
    coord::Revision revision;
    std::vector<coord::Change> changes;
    bool operator==(const CoordRevised&) const = default;
};
struct CoordReply {
    bool succeeded = false;                        // txn
    coord::Revision revision;                      // get, txn; poll: all up to there was told, or 0
    std::vector<std::vector<coord::Entry>> found;  // get: one; txn
    coord::LeaseId lease;                          // grant
    std::vector<CoordRevised> news;                // poll: rising; none when the wait is over
    std::optional<coord::WatchEnd> end;            // poll: there will be no more
    bool operator==(const CoordReply&) const = default;
};

std::string encode(const CoordRequest& request);
std::string encode(const CoordReply& reply);

// The bytes must be aligned to 8. malformed. What is within the bounds of the format may be beyond
// those of the store.
Result<CoordRequest> decode_coord_request(Bytes bytes);
Result<CoordReply> decode_coord_reply(Bytes bytes);

}  // namespace skald::wire
