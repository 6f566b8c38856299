#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace skald {
namespace {

void fill(void* bytes, std::size_t count) {
    SKALD_CHECK(getrandom(bytes, count, 0) == static_cast<ssize_t>(count),
                "the system has no randomness");
}

}  // namespace

std::uint64_t random_number() {
    std::uint64_t number = 0;
    fill(&number, sizeof number);
    return number;
}

Uuid random_uuid() {
    Uuid id;
    fill(id.bytes.data(), id.bytes.size());
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

}  // namespace skald
