// Values of the structs that go over the wire for consumers, at random.
#pragma once

#include "base/limits.h"
#include "skald/consumers.h"
#include "tests/wire/frame.h"
#include "tests/wire/samples.h"

namespace skald::wire {

inline std::chrono::milliseconds any_time() {
    return std::chrono::milliseconds(*rc::gen::inRange<int>(0, 86'400'001));
}

inline Place any_place() {
    return {Partition{any<std::uint16_t>()}, Offset{any<std::uint64_t>()}};
}

inline Start any_start() {
    switch (*rc::gen::inRange(0, 4)) {
        case 0:
            return End{};
        case 1:
            return Offset{any<std::uint64_t>()};
        case 2:
            return AtTime{Time{any<std::int64_t>()}};
        default:
            return Beginning{};
    }
}

inline ConsumerSettings any_settings() {
    ConsumerSettings settings;
    settings.name = any_text();
    settings.selection.kind = static_cast<Selection::Kind>(*rc::gen::inRange(0, 6));
    settings.selection.name = any_text();
    settings.selection.types = any_list([] { return any_text(); });
    settings.selection.streams = any_list([] { return any_text(); });
    settings.start = any_start();
    settings.mode = static_cast<ConsumerMode>(*rc::gen::inRange(0, 3));
    settings.key = any_text();
    settings.ack_timeout = any_time();
    settings.max_deliveries = any<std::uint32_t>();
    settings.backoff = {any_time(), any<double>(), any_time(), any<double>()};
    settings.in_flight = any<std::uint32_t>();
    if (any<bool>()) {
        settings.queue = {any<std::uint64_t>(), any<std::uint64_t>(),
                          static_cast<WhenFull>(*rc::gen::inRange(0, 3)), any_time()};
    }
    return settings;
}

// Whether bytes that are cut, or of which one is another, are refused or decoded, and no more. All
// of them are read by a sanitizer.
template <typename Decode>
void check_spoilt(const std::string& encoded, Decode decode) {
    for (std::size_t size = 0; size < encoded.size(); ++size) {
        const Frame cut(as_bytes(std::string_view(encoded).substr(0, size)));
        (void)decode(cut.bytes());
    }
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        Frame flipped(as_bytes(encoded));
        flipped.flip(i);
        (void)decode(flipped.bytes());
    }
}

// The same bytes under another identifier.
inline std::string renamed(std::string encoded) {
    encoded[7] = static_cast<char>(encoded[7] + 1);
    return encoded;
}

}  // namespace skald::wire
