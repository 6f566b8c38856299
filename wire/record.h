// One record: an event as it lies in a batch, a slice and a request (docs/log_format.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "skald/event.h"
#include "skald/result.h"

namespace skald::wire {

inline constexpr std::size_t kRecordPrefixBytes = 16;

enum RecordFlags : std::uint16_t {
    kRecordControl = 1,
    kRecordHasFields = 2,
    kRecordHole = 4,
};
inline constexpr std::uint16_t kRecordFlagsKnown = kRecordControl | kRecordHasFields | kRecordHole;
inline constexpr unsigned kRecordPaddingShift = 13;

enum class FieldTag : std::uint16_t {
    time = 1,
    schema_version = 2,
    key_id = 3,
    content_type = 4,
    correlation_id = 5,
    causation_id = 6,
    hop = 7,
    command_id = 8,
    trace_context = 9,
    tag = 10,
    metadata = 11,
};

// Names and id halves by their number in the batch, slice or request the record lies in.
struct RecordPrefix {
    std::uint16_t stream = 0;
    std::uint16_t type = 0;
    std::uint16_t id_half = 0;
    std::uint16_t flags = 0;
    std::array<std::uint8_t, 8> id_low{};

    unsigned padding() const { return static_cast<unsigned>(flags) >> kRecordPaddingShift; }
    bool control() const { return (flags & kRecordControl) != 0; }
    bool hole() const { return (flags & kRecordHole) != 0; }
};

// A record's parts, pointing into its bytes.
struct RecordView {
    RecordPrefix prefix;
    std::string_view fields;  // the field entries, without the section's length
    std::string_view data;
};

// Takes a record apart. nullopt when lengths do not add up, a flag is unknown, a field overruns, a
// gap is not zero, or a hole is more than a prefix.
std::optional<RecordView> parse_record(Bytes record);

// Appends the event's record to `out`, 8-byte aligned, with the given numbers. The event must have
// passed check_event.
void append_record(std::string& out, const NewEvent& event, RecordPrefix prefix);

// About what the event's record takes: a little more at most.
std::size_t record_bytes(const NewEvent& event);

// The limits of NewEvent: invalid_event or event_too_large. Control records may name types with
// `$`.
Result<void> check_event(const NewEvent& event, bool control = false);

// The same limits for a record from outside, without allocating: invalid_event, event_too_large.
// Fields of unknown tags count as labels.
Result<void> check_record(const RecordView& record);

inline constexpr std::size_t kFieldHeadBytes = 4;  // tag and size, u16 each

// Walks the field entries of a record that parse_record accepted.
class FieldCursor {
  public:
    explicit FieldCursor(std::string_view fields) : rest_(fields) {}
    // False at the end.
    bool next() {
        if (rest_.size() < kFieldHeadBytes) {
            return false;
        }
        const auto tag = load_le<std::uint16_t>(rest_.data());
        const auto bytes = load_le<std::uint16_t>(rest_.data() + 2);
        if (tag == 0) {
            return false;
        }
        tag_ = static_cast<FieldTag>(tag);
        value_ = rest_.substr(kFieldHeadBytes, bytes);
        rest_.remove_prefix(kFieldHeadBytes + bytes);
        return true;
    }
    FieldTag tag() const { return tag_; }
    std::string_view value() const { return value_; }

  private:
    std::string_view rest_;
    FieldTag tag_{};
    std::string_view value_;
};

}  // namespace skald::wire
