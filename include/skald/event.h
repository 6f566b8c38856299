// Events: what a producer hands over, and what the log gives back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/ids.h"

namespace skald {

inline constexpr std::string_view kContentTypeJson = "application/json";

using Metadata = std::vector<std::pair<std::string, std::string>>;  // order is kept

// An event to be appended. Limits, else invalid_event or event_too_large: type 1-255 bytes of UTF-8
// without control characters, and not starting with `$`; data up to 1 MiB; metadata, tags and ids
// together up to 60 KiB, each key and tag 1-255 bytes.
struct NewEvent {
    std::string type;
    std::string data;          // bytes
    std::optional<Uuid> id;    // without it the producer makes one
    std::optional<Time> time;  // when it happened; without it, recorded_at
    std::uint32_t schema_version = 0;
    std::uint32_t key_id = 0;    // of the key that encrypted data; 0 for none
    std::string content_type;    // empty: application/json
    std::string correlation_id;  // up to 255 bytes, like the next three; empty for none
    std::string causation_id;
    std::string command_id;
    std::string trace_context;  // W3C traceparent
    std::uint16_t hop = 0;      // how many events led to this one
    std::vector<std::string> tags;
    Metadata metadata;
};

// A stored or ephemeral event as a view into memory that somebody else owns: valid only as long as
// that (a handler's call, a page of a read). Fields that few events have are decoded on demand.
class EventView {
  public:
    std::string_view stream;
    std::string_view type;
    Version version;  // of a control record: meaningless
    Partition partition;
    Offset offset;
    Uuid id;
    Time recorded_at;       // commit; strictly rising from batch to batch of a partition
    std::string_view data;  // bytes
    bool control = false;   // ours, not the application's: see lifecycle.h
    // In no log: version, partition and offset mean nothing; recorded_at is when it was published.
    bool ephemeral = false;
    std::string_view fields;  // the typed fields as stored (docs/log_format.md)

    Time time() const;
    std::uint32_t schema_version() const;
    std::uint32_t key_id() const;
    std::string_view content_type() const;
    std::string_view correlation_id() const;
    std::string_view causation_id() const;
    std::string_view command_id() const;
    std::string_view trace_context() const;
    std::uint16_t hop() const;
    std::vector<std::string_view> tags() const;
    std::vector<std::pair<std::string_view, std::string_view>> metadata() const;
};

// The same, owning its bytes.
struct Event {
    std::string stream;
    Version version;
    Partition partition;
    Offset offset;
    Time time;
    Time recorded_at;
    bool control = false;
    bool ephemeral = false;
    Uuid id;
    std::string type;
    std::string data;
    std::uint32_t schema_version = 0;
    std::uint32_t key_id = 0;
    std::string content_type;
    std::string correlation_id;
    std::string causation_id;
    std::string command_id;
    std::string trace_context;
    std::uint16_t hop = 0;
    std::vector<std::string> tags;
    Metadata metadata;

    Event() = default;
    explicit Event(const EventView& view);
    bool operator==(const Event&) const = default;
};

}  // namespace skald
