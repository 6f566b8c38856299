// Events out of the body frames of pages and deliveries.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "skald/event.h"
#include "skald/result.h"

namespace skald::client {

// Appends the batch's or slice's events, pointing into `body`, last first when `backward`. Every
// record is checked against its crc: corrupt when one does not match.
Result<void> decode_body(Bytes body, Partition partition, bool backward,
                         std::vector<EventView>& events);

}  // namespace skald::client
