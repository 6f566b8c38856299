// Shell globs over bytes, and the rules for names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "skald/result.h"

namespace skald {

// `*` any run, `?` one byte, `[abc]`, `[a-z]`, `[!a]` one of or none of a set. A `[` without its
// `]` stands for itself. Costs at most |pattern| x |text|; never recurses.
bool glob_match(std::string_view pattern, std::string_view text);
// Whether one of the globs does; without any, everything matches.
bool matches_any(const std::vector<std::string>& globs, std::string_view text);

// 1-255 bytes of UTF-8, no control characters, none of `* ? [ ]`; names starting `$` are refused
// unless `system` is set. invalid_stream_name says which rule was broken.
Result<void> check_stream_name(std::string_view name, bool system = false);

// 1-255 bytes of UTF-8 without control characters, not starting `$` unless `system` is set:
// invalid_event otherwise.
Result<void> check_type_name(std::string_view name, bool system = false);

// Well-formed UTF-8 as Unicode 15 table 3-7 has it: no overlong forms, no surrogates.
bool is_utf8(std::string_view text);
// Its first `bytes`, or fewer: a character of UTF-8 is kept whole or not at all.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

// The text before the first `-` outside braces, or all of it.
std::string_view category_of(std::string_view stream);

// What decides a stream's partition: its first non-empty {braced} part, or all of it.
std::string_view partition_key_of(std::string_view stream);

}  // namespace skald
