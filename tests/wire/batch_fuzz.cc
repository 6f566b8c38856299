// Any bytes with right crcs are refused, or are a batch that can be walked, sliced and holed.
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"
#include "wire/batch.h"

namespace {

using namespace skald;

// Gives the bytes the size and crcs their tables should have, so that what lies behind is reached.
std::string repaired(const std::uint8_t* input, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(input), size);
    if (size < wire::kBatchHeaderBytes) {
        return bytes;
    }
    auto header = load_as<wire::BatchHeader>(bytes.data());
    if (header.tables > size) {
        return bytes;
    }
    for (std::size_t i = 0; i < header.records; ++i) {
        const std::size_t at = header.tables + i * sizeof(wire::RecordEntry);
        if (at + 2 * sizeof(wire::RecordEntry) > size) {
            break;
        }
        const auto entry = load_as<wire::RecordEntry>(bytes.data() + at);
        const auto next = load_as<wire::RecordEntry>(bytes.data() + at + sizeof entry);
        const std::size_t end = i + 1 < header.records ? next.place : header.tables;
        if (entry.place <= end && end <= header.tables) {
            const auto record = as_bytes(bytes).subspan(entry.place, end - entry.place);
            store_le(bytes.data() + at + offsetof(wire::RecordEntry, crc), crc32c(record));
        }
    }
    wire::seal_batch(bytes, header);
    return bytes;
}

struct Walk {
    std::vector<Event> events;
    std::vector<wire::Choice> choices;
    std::vector<std::uint32_t> dead;  // every other record
};

Walk walk(const wire::BatchView& batch) {
    Walk seen;
    wire::EventCursor cursor(batch);
    while (cursor.next()) {
        if (!cursor.hole()) {
            seen.choices.push_back({cursor.index(), cursor.event().version});
            seen.events.emplace_back(cursor.event());
        }
        if (cursor.index() % 2 == 0) {
            seen.dead.push_back(cursor.index());
        }
    }
    return seen;
}

void slice(const wire::BatchView& batch, const Walk& seen) {
    const std::string bytes = wire::encode_slice(batch, seen.choices);
    const auto again = wire::BatchView::open(as_bytes(bytes), batch.partition());
    SKALD_CHECK(again, "a slice cannot be opened");
    SKALD_CHECK(walk(*again).events == seen.events, "a slice changes its events");
}

void punch(const wire::BatchView& batch, const Walk& seen, bool whole) {
    const std::string bytes = wire::punch_holes(batch, seen.dead);
    const auto again = wire::BatchView::open(as_bytes(bytes), batch.partition());
    SKALD_CHECK(!whole || (again && again->verify()), "a batch with holes is bad");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    const std::string bytes = repaired(input, size);
    const auto batch = wire::BatchView::open(as_bytes(bytes));
    if (!batch) {
        return 0;
    }
    const Walk seen = walk(*batch);
    const bool whole = batch->verify().has_value();
    slice(*batch, seen);
    if (!batch->slice()) {
        punch(*batch, seen, whole);
    }
    return 0;
}
