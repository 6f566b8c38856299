// CRC-32C (Castagnoli polynomial, reflected, as in RFC 3720 appendix B.4): the checksum of records
// and frames.
//
// `seed` is the checksum of the bytes before these, so a value built in pieces equals the value of
// the whole: crc32c(b, crc32c(a)) == crc32c(a followed by b). The checksum of no bytes is `seed`.
//
// Threads: any. Never fails, never allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace skald {

// Uses the CPU's instruction where there is one, found out once at run time; else the tables.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

// The tables alone, on every CPU. The same values; the fallback and the reference in tests.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                                            std::uint32_t seed = 0);

}  // namespace skald
