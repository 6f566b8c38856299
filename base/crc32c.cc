#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace skald {
namespace {

constexpr std::uint32_t kPolynomialReflected = 0x82F63B78;
constexpr std::size_t kSliceBytes = 8;

using Table = std::array<std::uint32_t, 256>;

// tables[k][b] is the effect of byte b followed by k zero bytes, so eight bytes take one step.
constexpr std::array<Table, kSliceBytes> make_tables() {
    std::array<Table, kSliceBytes> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomialReflected : 0U);
        }
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < kSliceBytes; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFFU];
        }
    }
    return tables;
}

constexpr std::array<Table, kSliceBytes> kTables = make_tables();

std::uint32_t step_byte(std::uint32_t crc, std::byte byte) {
    return (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
}

std::uint32_t step_slice(std::uint32_t crc, const std::byte* bytes) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kSliceBytes; ++i) {
        const std::uint32_t folded = i < 4 ? (crc >> (8 * i)) & 0xFFU : 0U;
        next ^= kTables[kSliceBytes - 1 - i][std::to_integer<std::uint32_t>(bytes[i]) ^ folded];
    }
    return next;
}

#if defined(__x86_64__)

// What kBytes zero bytes do to a crc, by each of its four bytes: a crc is linear in its bits.
template <std::size_t kBytes>
constexpr std::array<Table, 4> make_shift() {
    std::array<std::uint32_t, 32> bits{};
    for (std::size_t bit = 0; bit < bits.size(); ++bit) {
        std::uint32_t crc = std::uint32_t{1} << bit;
        for (std::size_t i = 0; i < kBytes; ++i) {
            crc = (crc >> 8) ^ kTables[0][crc & 0xFFU];
        }
        bits[bit] = crc;
    }
    std::array<Table, 4> shift{};
    for (std::size_t k = 0; k < shift.size(); ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            for (std::size_t bit = 0; bit < 8; ++bit) {
                shift[k][byte] ^= ((byte >> bit) & 1U) != 0 ? bits[k * 8 + bit] : 0U;
            }
        }
    }
    return shift;
}

template <std::size_t kBytes>
std::uint64_t shifted(std::uint64_t crc) {
    static constexpr std::array<Table, 4> kShift = make_shift<kBytes>();
    return kShift[0][crc & 0xFFU] ^ kShift[1][(crc >> 8) & 0xFFU] ^ kShift[2][(crc >> 16) & 0xFFU] ^
           kShift[3][(crc >> 24) & 0xFFU];
}

std::uint64_t load_word(const std::byte* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// Three stretches at a time: the instruction takes three cycles and one can begin in each.
template <std::size_t kLane>
__attribute__((target("sse4.2"))) std::uint64_t three_lanes(const std::byte*& at, std::size_t& left,
                                                            std::uint64_t first) {
    for (; left >= 3 * kLane; left -= 3 * kLane, at += 3 * kLane) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (std::size_t i = 0; i < kLane; i += sizeof(std::uint64_t)) {
            first = _mm_crc32_u64(first, load_word(at + i));
            second = _mm_crc32_u64(second, load_word(at + kLane + i));
            third = _mm_crc32_u64(third, load_word(at + 2 * kLane + i));
        }
        first = shifted<kLane>(shifted<kLane>(first) ^ second) ^ third;
    }
    return first;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::span<const std::byte> bytes,
                                                             std::uint32_t seed) {
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t wide = static_cast<std::uint32_t>(~seed);
    wide = three_lanes<1024>(at, left, wide);
    wide = three_lanes<128>(at, left, wide);
    for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
        wide = _mm_crc32_u64(wide, load_word(at));
        at += sizeof(std::uint64_t);
    }
    auto crc = static_cast<std::uint32_t>(wide);
    for (; left > 0; --left) {
        crc = _mm_crc32_u8(crc, std::to_integer<unsigned char>(*at++));
    }
    return ~crc;
}

bool has_crc_instruction() {
    static const bool found = __builtin_cpu_supports("sse4.2") != 0;
    return found;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t seed) {
    std::uint32_t crc = ~seed;
    std::size_t at = 0;
    for (; bytes.size() - at >= kSliceBytes; at += kSliceBytes) {
        crc = step_slice(crc, bytes.data() + at);
    }
    for (; at < bytes.size(); ++at) {
        crc = step_byte(crc, bytes[at]);
    }
    return ~crc;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
#if defined(__x86_64__)
    if (has_crc_instruction()) {
        return crc32c_sse42(bytes, seed);
    }
#endif
    return crc32c_portable(bytes, seed);
}

}  // namespace skald
