// Where a declared projection finds a value: in the event, in its JSON data, or in the row that it
// changes. Written as `data.lines.0.sku`, `stream.id`, `metadata.user`, `row.opened`; a segment of
// other characters than letters, digits, `_` and `-` stands in double quotes.
//
// Threads: one object, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/event.h"
#include "skald/result.h"

namespace skald::cqrs {

struct Path {
    enum class Root : std::uint8_t {
        stream,
        stream_category,
        stream_id,
        type,
        time,
        recorded_at,
        version,
        partition,
        offset,
        id,
        correlation_id,
        causation_id,
        metadata,
        data,
        row,
    };
    Root root = Root::data;
    std::vector<std::string> segments;  // below metadata, data and row
    std::string text;
    std::size_t column = 0;  // of row
};

// invalid_argument: what was expected and what was found. Does not know columns.
Result<Path> parse_path(std::string_view text);

// One event, looked at by path: what its values are as JSON text.
class EventValues {
  public:
    // The event outlives its use.
    void begin(const EventView& event);
    // Of any path but those into the row; valid until the next call. nullopt: it is not there, or
    // null. malformed: the data is no JSON.
    Result<std::optional<std::string_view>> at(const Path& path);

  private:
    struct Member {
        std::string name;
        std::string_view value;
    };
    std::optional<std::string_view> field(const Path& path);
    std::optional<std::string_view> quoted_if(std::string_view text);
    std::optional<std::string_view> digits(std::uint64_t number);
    Result<void> read_data();
    Result<std::optional<std::string_view>> in_data(const std::vector<std::string>& segments);

    const EventView* event_ = nullptr;
    bool read_ = false;
    std::string_view data_;
    std::vector<Member> members_;  // of the data, when it is an object; the first `used_` count
    std::size_t used_ = 0;
    std::string scratch_;
};

}  // namespace skald::cqrs
