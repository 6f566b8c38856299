#include "cqrs/stored_row.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cqrs/limits.h"
#include "skald/cqrs/json.h"

namespace skald::cqrs {
namespace {

constexpr std::uint16_t kCounts = 0x8000;
static_assert(limits::kIndexValueBytesMax < kCounts);

Error too_long(std::string_view what, std::size_t bytes, std::size_t most) {
    return {Errc::invalid_event, fmt::format("{} of {} bytes; at most {}", what, bytes, most)};
}

}  // namespace

IndexedValue StoredRow::next_index() {
    if (rest_.size() < sizeof kCounts) {
        return {};
    }
    const auto head = load_le<std::uint16_t>(rest_.data());
    const std::size_t size = std::min<std::size_t>(head & ~kCounts, rest_.size() - sizeof head);
    const IndexedValue value{rest_.substr(sizeof head, size), (head & kCounts) != 0};
    rest_.remove_prefix(sizeof head + size);
    return value;
}

std::string_view StoredRow::json(std::size_t indexes_left) {
    for (; indexes_left > 0; --indexes_left) {
        next_index();
    }
    return rest_;
}

std::string key_json(const IndexSchema& key, std::string_view bytes) {
    JsonWriter json;
    std::string_view rest = bytes;
    bool whole = true;
    json.begin_record();
    for (const Column& column : key.columns) {
        json.key(column.field);
        whole = whole && key_bytes::take(rest, column.kind, json);
    }
    json.end_record();
    auto text = std::move(json).take();
    if (whole && rest.empty() && text) {
        return std::move(*text);
    }
    std::string hex;
    for (const char byte : bytes) {
        hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    return fmt::format(R"({{"bytes":"{}"}})", hex);
}

Result<void> check_row(const RowImage& row) {
    if (row.key.size() > limits::kRowKeyBytesMax) {
        return too_long("a row with a key", row.key.size(), limits::kRowKeyBytesMax);
    }
    for (const std::string& value : row.values) {
        if (value.size() > limits::kIndexValueBytesMax) {
            return too_long("a row with a value to be indexed", value.size(),
                            limits::kIndexValueBytesMax);
        }
    }
    if (row.json.size() > limits::kRowBytesMax) {
        return too_long("a row", row.json.size(), limits::kRowBytesMax);
    }
    return {};
}

Error taken(const IndexSchema& index) {
    return {Errc::already_exists,
            fmt::format("another row has the same {}, which is unique", index.name())};
}

void store_row(const RowImage& row, std::string& into) {
    into.clear();
    for (std::size_t i = 0; i < row.values.size(); ++i) {
        const auto size = static_cast<std::uint16_t>(row.values[i].size());
        append_as(into, static_cast<std::uint16_t>(size | (row.counts[i] ? kCounts : 0)));
        into += row.values[i];
    }
    into += row.json;
}

}  // namespace skald::cqrs
