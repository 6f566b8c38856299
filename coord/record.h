// What the keys of locks, elections and the rest hold: JSON objects, which a person with any client
// of the store can read; and the words they are made of. Private to coord/.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "skald/clock.h"
#include "skald/result.h"

namespace skald::coord {

using Record = nlohmann::json;

// Bytes that are not UTF-8 become U+FFFD.
std::string text_of(const Record& record);
// An empty object when the text is none: somebody else wrote it.
Record record_of(std::string_view text);

// What is not there, or of another type, is empty.
std::string text_in(const Record& record, const char* field);
std::int64_t number_in(const Record& record, const char* field);
Time time_in(const Record& record, const char* field);

Error refused(std::string message);
// A part of a key: 1 to `bytes_max` bytes, no control characters, no `/`.
Result<void> check_name(std::string_view what, std::string_view name, std::size_t bytes_max);
// What is shown to people: 1 to `bytes_max` bytes of UTF-8, no control characters.
Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max);

}  // namespace skald::coord
