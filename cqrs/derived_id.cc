#include "cqrs/derived_id.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <string>

#include "base/bytes.h"
#include "skald/cqrs/decider.h"

namespace skald::cqrs {
namespace {

Uuid id_of(std::string_view bytes) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
    Uuid id;
    std::memcpy(id.bytes.data(), canonical.digest, sizeof id.bytes);
    // RFC 9562: version 8, made as the application likes.
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0fU) | 0x80U);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3fU) | 0x80U);
    return id;
}

}  // namespace

Uuid command_key(std::string_view stream, std::string_view command_id) {
    std::string bytes;
    append_as(bytes, static_cast<std::uint32_t>(stream.size()));
    bytes += stream;
    bytes += command_id;
    return id_of(bytes);
}

Uuid derived_id(const Uuid& key, IdPurpose purpose, std::uint64_t n) {
    std::string bytes;
    append_as(bytes, key.bytes);
    append_as(bytes, purpose);
    append_as(bytes, n);
    return id_of(bytes);
}

std::uint64_t text_hash(std::string_view text) {
    return XXH3_64bits(text.data(), text.size());
}

Uuid Context::id(std::uint32_t number) const {
    return derived_id(command, IdPurpose::created, number);
}

}  // namespace skald::cqrs
