#include "store/index/manifest.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/crc32c.h"

namespace skald::store::index {
namespace {

constexpr std::uint32_t kMagic = 0x4d524b53;  // SKRM
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHeadBytes = 16;
constexpr std::size_t kCrcBytes = 4;

bool in_order(const std::vector<RunInfo>& runs) {
    std::uint64_t end = 0;
    for (const RunInfo& run : runs) {
        if (run.low != end || run.high <= run.low) {
            return false;
        }
        end = run.high;
    }
    return true;
}

}  // namespace

void Manifest::apply(const RunChange& change) {
    auto at = runs.end();
    if (!change.replaced.empty()) {
        at = std::find_if(runs.begin(), runs.end(),
                          [&](const RunInfo& run) { return run.id == change.replaced.front(); });
        SKALD_CHECK(runs.end() - at >= std::ssize(change.replaced), "a replaced run is not live");
        for (const std::uint64_t id : change.replaced) {
            SKALD_CHECK(at->id == id, "replaced runs are not adjacent");
            at = runs.erase(at);
        }
    }
    runs.insert(at, change.run);
    SKALD_CHECK(in_order(runs), "runs overlap or leave a gap");
    ++generation;
}

std::string encode_manifest(const Manifest& manifest) {
    std::string out(kHeadBytes, '\0');
    store_le(out.data(), kMagic);
    store_le(out.data() + 4, kVersion);
    store_le(out.data() + 8, manifest.generation);
    out.append(reinterpret_cast<const char*>(manifest.runs.data()),
               manifest.runs.size() * sizeof(RunInfo));
    const std::uint32_t crc = crc32c(as_bytes(out));
    out.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    return out;
}

std::uint64_t peek_generation(std::optional<Bytes> value) {
    return value && value->size() >= kHeadBytes ? load_le<std::uint64_t>(value->data() + 8) : 0;
}

std::optional<Manifest> parse_manifest(Bytes value) {
    if (value.size() < kHeadBytes + kCrcBytes ||
        (value.size() - kHeadBytes - kCrcBytes) % sizeof(RunInfo) != 0 ||
        load_le<std::uint32_t>(value.data()) != kMagic ||
        load_le<std::uint16_t>(value.data() + 4) != kVersion) {
        return std::nullopt;
    }
    const Bytes body = value.first(value.size() - kCrcBytes);
    if (crc32c(body) != load_le<std::uint32_t>(value.data() + body.size())) {
        return std::nullopt;
    }
    Manifest manifest;
    manifest.generation = peek_generation(value);
    manifest.runs.resize((body.size() - kHeadBytes) / sizeof(RunInfo));
    std::memcpy(static_cast<void*>(manifest.runs.data()), body.data() + kHeadBytes,
                body.size() - kHeadBytes);
    if (!in_order(manifest.runs)) {
        return std::nullopt;
    }
    return manifest;
}

}  // namespace skald::store::index
