// Both checksums agree on any bytes, whole and in two pieces.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/crc32c.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    using skald::crc32c;
    using skald::crc32c_portable;
    const auto bytes = std::as_bytes(std::span(input, size));
    const std::uint32_t whole = crc32c(bytes);
    SKALD_CHECK(whole == crc32c_portable(bytes), "the implementations differ");
    const std::size_t seam = bytes.empty() ? 0 : whole % bytes.size();
    SKALD_CHECK(crc32c(bytes.subspan(seam), crc32c(bytes.first(seam))) == whole,
                "the pieces do not add up");
    return 0;
}
