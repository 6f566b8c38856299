// The parts that the messages and the records of consumers share, between our structs and
// FlatBuffers. Private to wire/.
#pragma once

#include "skald/consumers.h"
#include "wire/consumers_generated.h"
#include "wire/payload_parts.h"

namespace skald::wire::parts {

// ---- to FlatBuffers

fb::Place to_fb(const Place& place);
Ref<fb::ConsumerSettings> build(Builder& b, const ConsumerSettings& settings);

// ---- from a verified buffer

Place from_fb(const fb::Place* place);
ConsumerSettings from_fb(const fb::ConsumerSettings* settings);

// At most a millisecond more than limits::kWorkTimeMax.
std::chrono::microseconds duration(std::uint64_t us);
std::string reason(const flatbuffers::String* text);

inline void check_places(std::uint64_t first, std::uint64_t next) {
    if (first >= next) {
        throw Refused("places that end where they begin or before");
    }
}

}  // namespace skald::wire::parts
