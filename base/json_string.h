// Strings as JSON has them.
#pragma once

#include <string>
#include <string_view>

namespace skald {

// Appends `text` quoted and escaped. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace skald
