// What the payloads of services share, between our structs and FlatBuffers. Private to wire/.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "skald/result.h"
#include "wire/envelope_parts.h"

namespace skald::wire::parts {

// ---- to FlatBuffers

template <typename Made>
inline constexpr bool kIsTable = false;
template <typename Table>
inline constexpr bool kIsTable<flatbuffers::Offset<Table>> = true;

// A vector of what `make` makes of each entry: structs, or tables that it builds.
template <typename Entry, typename Make>
auto build_list(Builder& b, const std::vector<Entry>& entries, Make make) {
    using Made = std::invoke_result_t<Make, const Entry&>;
    std::vector<Made> made;
    made.reserve(entries.size());
    for (const Entry& entry : entries) {
        made.push_back(make(entry));
    }
    if constexpr (kIsTable<Made>) {
        return b.CreateVector(made);
    } else {
        return b.CreateVectorOfStructs(made);
    }
}

template <typename Table>
std::string finished(Builder& b, Ref<Table> root, const char* identifier) {
    b.Finish(root, identifier);
    return {reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()};
}

// ---- from a verified buffer

inline double finite(double value) {
    if (!std::isfinite(value)) {
        throw Refused("a number that is not finite");
    }
    return value;
}

// What `read` makes of each entry; at most one more than `count_max`.
template <typename Entries, typename Read>
auto read_list(const Entries* entries, std::size_t count_max, Read read) {
    using Entry = decltype(entries->Get(0));
    std::vector<std::invoke_result_t<Read, Entry>> list;
    if (entries == nullptr) {
        return list;
    }
    if constexpr (requires { check_aligned(entries); }) {
        check_aligned(entries);
    }
    const std::size_t count = std::min<std::size_t>(entries->size(), count_max + 1);
    list.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        list.push_back(read(entries->Get(static_cast<flatbuffers::uoffset_t>(i))));
    }
    return list;
}

// Bounds what a small buffer may cost, whose tables may be one and the same.
inline constexpr flatbuffers::uoffset_t kPayloadDepthMax = 16;
inline constexpr flatbuffers::uoffset_t kPayloadTablesMax = 1 << 17;

// What `read` makes of the bytes' root.
template <typename Table, typename Read>
auto decoded(Bytes bytes, const char* identifier, Read read)
    -> Result<std::invoke_result_t<Read, const Table&>> {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    flatbuffers::Verifier verifier(data, bytes.size(), kPayloadDepthMax, kPayloadTablesMax);
    if (bytes.size() > limits::kRequestBytesMax || !verifier.VerifyBuffer<Table>(identifier)) {
        return Error(Errc::malformed, std::string(identifier) + " refused: it does not verify");
    }
    try {
        return read(*flatbuffers::GetRoot<Table>(data));
    } catch (const Refused& refused) {
        return Error(Errc::malformed, std::string(identifier) + " refused: " + refused.what());
    }
}

}  // namespace skald::wire::parts
