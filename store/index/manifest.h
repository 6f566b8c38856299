// Which runs are live. The value of key `runs` in `p<N>.index`: u32 magic "SKRM", u16 version 1,
// u16 zero, u64 generation, then 64 bytes a run, oldest first, then u32 crc32c of all before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "skald/ids.h"

namespace skald::store::index {

inline constexpr std::string_view kManifestKey = "runs";

struct RunInfo {
    std::uint64_t id = 0;
    std::uint64_t low = 0;   // it covers offsets from here
    std::uint64_t high = 0;  // to below here
    std::uint32_t level = 0;
    std::uint32_t entry_blocks = 0;
    std::uint32_t fence_blocks = 0;
    std::uint32_t flags = 0;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    std::uint64_t lifecycles = 0;  // entries of kind lifecycle
    bool operator==(const RunInfo&) const = default;
};
static_assert(sizeof(RunInfo) == 64);

// A run that replaces others: none (it comes after all), or adjacent ones that cover the same.
struct RunChange {
    RunInfo run;
    std::vector<std::uint64_t> replaced;
};

struct Manifest {
    std::uint64_t generation = 0;  // rises with each change; 0: nothing was ever stored
    std::vector<RunInfo> runs;     // adjacent, rising, of falling or equal levels

    Offset covered() const { return Offset(runs.empty() ? 0 : runs.back().high); }
    void apply(const RunChange& change);
    bool operator==(const Manifest&) const = default;
};

std::string encode_manifest(const Manifest& manifest);
// Without checking the rest. 0 when there is no such value.
std::uint64_t peek_generation(std::optional<Bytes> value);
// nullopt when it is damaged or of another version.
std::optional<Manifest> parse_manifest(Bytes value);

}  // namespace skald::store::index
