// "Did you mean": names close to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skald {

// Up to three of `names`, nearest first: those that begin with `word`, or differ by few letters.
std::vector<std::string> near_names(std::string_view word, const std::vector<std::string>& names);

// ": did you mean `a` or `b`?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace skald
