// Stored data of events, and stored snapshots: whatever comes, a value or an error; and what was
// read is written as data that reads as the same value.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "cqrs/snapshot_bytes.h"
#include "skald/cqrs/describe.h"

namespace {

struct Line {
    std::string sku;
    std::uint32_t count = 1;
    static auto describe() {
        return skald::cqrs::record<Line>("Line")
            .required("sku", &Line::sku)
            .field("count", &Line::count);
    }
};

struct Ordered {
    bool paid = false;
    std::int64_t cents = 0;
    std::uint64_t number = 0;
    double weight = 0;
    std::optional<std::string> note;
    std::vector<Line> lines;
    std::map<std::string, std::int64_t> rebates;
    static auto describe() {
        return skald::cqrs::event<Ordered>("Ordered", 1)
            .field("paid", &Ordered::paid)
            .field("cents", &Ordered::cents)
            .field("number", &Ordered::number)
            .field("weight", &Ordered::weight)
            .field("note", &Ordered::note)
            .field("lines", &Ordered::lines)
            .field("rebates", &Ordered::rebates);
    }
};

void read_event(std::string_view data) {
    static const auto description = Ordered::describe();
    Ordered event;
    const auto read = description.decode(1, data, event);
    if (!read) {
        SKALD_CHECK(!read.error().message.empty(), "an error says what it is");
        return;
    }
    const auto written = description.encode(event);
    SKALD_CHECK(written, "what was read can be written");
    Ordered again;
    SKALD_CHECK(description.decode(1, *written, again), "what was written can be read");
    SKALD_CHECK(description.encode(again).value() == *written, "it reads as the same value");
}

void read_snapshot(std::string_view bytes) {
    const auto content = skald::cqrs::decode_snapshot(bytes);
    if (content) {
        SKALD_CHECK(content->state.size() <= bytes.size(), "the state is in the bytes");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_event(bytes);
    read_snapshot(bytes);
    return 0;
}
