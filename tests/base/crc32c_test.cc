#include "base/crc32c.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace skald {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// Bytes without a period that a table index could hide behind.
std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::uint32_t state = 0x9E3779B9;
    for (std::byte& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(state >> 24);
    }
    return bytes;
}

std::vector<std::byte> ascending(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i);
    }
    return bytes;
}

struct Vector {
    std::vector<std::byte> bytes;
    std::uint32_t crc;
};

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
std::vector<Vector> known_vectors() {
    const auto digits = bytes_of("123456789");
    std::vector<std::byte> descending = ascending(32);
    std::reverse(descending.begin(), descending.end());
    return {
        {{digits.begin(), digits.end()}, 0xE3069283},
        {std::vector<std::byte>(32, std::byte{0x00}), 0x8A9136AA},
        {std::vector<std::byte>(32, std::byte{0xFF}), 0x62A8AB43},
        {ascending(32), 0x46DD794E},
        {descending, 0x113FDB5C},
    };
}

}  // namespace

TEST_CASE("crc32c: gives the published values", "[base][golden]") {
    for (const Vector& vector : known_vectors()) {
        CHECK(crc32c(vector.bytes) == vector.crc);
        CHECK(crc32c_portable(vector.bytes) == vector.crc);
    }
}

TEST_CASE("crc32c: no bytes leave the seed", "[base]") {
    CHECK(crc32c({}) == 0);
    CHECK(crc32c({}, 0x12345678) == 0x12345678);
    CHECK(crc32c_portable({}, 0x12345678) == 0x12345678);
}

TEST_CASE("crc32c: both implementations agree at every length and alignment", "[base]") {
    const std::vector<std::byte> bytes = pattern(300);
    for (std::size_t start = 0; start < 16; ++start) {
        for (std::size_t size = 0; size <= 200; ++size) {
            const auto part = std::span(bytes).subspan(start, size);
            REQUIRE(crc32c(part) == crc32c_portable(part));
            REQUIRE(crc32c(part, 0xDEADBEEF) == crc32c_portable(part, 0xDEADBEEF));
        }
    }
}

TEST_CASE("crc32c: both implementations agree where the fast one changes its stride", "[base]") {
    const std::vector<std::byte> bytes = pattern(8000);
    for (const std::size_t stride : {std::size_t{3 * 128}, std::size_t{3 * 1024}}) {
        for (const std::size_t times : {1U, 2U}) {
            for (std::size_t size = stride * times - 9; size <= stride * times + 9; ++size) {
                const auto part = std::span(bytes).subspan(size % 8, size);
                REQUIRE(crc32c(part, 7) == crc32c_portable(part, 7));
            }
        }
    }
}

TEST_CASE("crc32c: pieces add up to the whole at every seam", "[base]") {
    const std::vector<std::byte> bytes = pattern(100);
    const std::uint32_t whole = crc32c(bytes);
    for (std::size_t seam = 0; seam <= bytes.size(); ++seam) {
        const auto head = std::span(bytes).first(seam);
        const auto tail = std::span(bytes).subspan(seam);
        REQUIRE(crc32c(tail, crc32c(head)) == whole);
    }
}

TEST_CASE("crc32c: sees every single flipped bit", "[base]") {
    std::vector<std::byte> bytes = pattern(64);
    const std::uint32_t intact = crc32c(bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        const auto mask = static_cast<std::byte>(1U << (bit % 8));
        bytes[bit / 8] ^= mask;
        REQUIRE(crc32c(bytes) != intact);
        bytes[bit / 8] ^= mask;
    }
}

}  // namespace skald
