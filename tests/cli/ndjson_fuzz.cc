// Lines of NDJSON: whatever comes, an event or an error; and an event that was read prints as one
// line that reads as the same event.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/json_scanner.h"
#include "cli/event_json.h"
#include "cli/gzip_reader.h"
#include "cli/ndjson_reader.h"
#include "wire/record.h"

namespace {

void check_round_trip(const skald::cli::EventLine& line) {
    using namespace skald;
    if (!wire::check_event(line.event)) {
        return;
    }
    std::string bytes;
    wire::append_record(bytes, line.event, {});
    const auto record = wire::parse_record(as_bytes(bytes));
    SKALD_CHECK(record, "our own record is well formed");
    EventView view{};
    view.stream = line.stream;
    view.type = line.event.type;
    view.data = record->data;
    view.fields = record->fields;
    std::string text;
    cli::append_event(text, view);
    SKALD_CHECK(text.find('\n') == std::string::npos, "one event is one line");
    const auto again = cli::parse_event(text);
    SKALD_CHECK(again, "what is printed can be read");
    SKALD_CHECK(again->event.metadata == line.event.metadata, "metadata stay");
    SKALD_CHECK(again->event.tags == line.event.tags, "tags stay");
    SKALD_CHECK(again->event.data.size() == line.event.data.size(), "data stay");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace skald::cli;
    MemorySource memory(std::string(reinterpret_cast<const char*>(data), size));
    GzipReader source(memory);
    NdjsonReader reader(source);
    Line line;
    for (auto got = reader.next(line); got && *got; got = reader.next(line)) {
        if (const auto event = parse_event(line.text)) {
            SKALD_CHECK(skald::is_json(line.text), "an event is JSON");
            check_round_trip(*event);
        }
    }
    return 0;
}
