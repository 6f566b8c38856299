// The version of the library these headers belong to. The build reads it here and nowhere else.
#pragma once

namespace skald {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace skald
