// SKALD_CHECK(cond, "why"): a statement about our own code that must hold. It is always on, in
// every build. When it fails the process prints `file:line: check failed: cond: why` to stderr and
// aborts.
//
// For bugs, and for a disk that can no longer be trusted. What the world may send us (a peer, a
// file, a user) is never checked with it: that is an error value. The prefix is there because
// Catch2 owns CHECK.
//
// Threads: any. The message is evaluated only on failure.
#pragma once

#include <string_view>

namespace skald {

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view message) noexcept;

}  // namespace skald

#define SKALD_CHECK(cond, message)                                     \
    do {                                                               \
        if (!(cond)) [[unlikely]] {                                    \
            ::skald::check_failed(__FILE__, __LINE__, #cond, message); \
        }                                                              \
    } while (false)
