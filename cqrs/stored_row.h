// A row as it lies in a read model: what stands of it in each index, so that it can be taken out of
// them again without knowing its type, then its JSON.
//
//     for each index: u16 size of the values' bytes, its highest bit set when a unique index counts
//     the row; the bytes. Then the JSON.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "skald/cqrs/row.h"

namespace skald::cqrs {

struct IndexedValue {
    std::string_view bytes;
    bool counts = false;
    bool operator==(const IndexedValue&) const = default;
};

// Takes one after the other: first each index, then the JSON.
class StoredRow {
  public:
    explicit StoredRow(std::string_view bytes) : rest_(bytes) {}
    IndexedValue next_index();
    std::string_view json(std::size_t indexes_left = 0);

  private:
    std::string_view rest_;
};

// The fields of a row's key as a JSON object. Bytes that are not those of such fields stand in it
// as they are, in hex digits.
std::string key_json(const IndexSchema& key, std::string_view bytes);

// invalid_event when a key, a value or the row is too long.
Result<void> check_row(const RowImage& row);
// Of a second row with values that are unique.
Error taken(const IndexSchema& index);
void store_row(const RowImage& row, std::string& into);

}  // namespace skald::cqrs
