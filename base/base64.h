// base64 (RFC 4648 section 4), for bytes that are not JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skald {

void append_base64(std::string& out, std::string_view bytes);

// nullopt when it is not base64: a wrong character, length or padding, or bits left over.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace skald
