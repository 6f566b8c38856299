// What stands in Snapshot::bytes of an aggregate:
//
//     magic u32 | id of the last event folded in, 16 bytes | commands remembered at most u32 |
//     number of commands u32 | for each: key 16 bytes, first version u64, events u32 |
//     the encoded state
//
// Little endian. A change of this layout changes kSnapshotLayout, and with it every fingerprint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/aggregate_store.h"

namespace skald::cqrs {

inline constexpr std::uint32_t kSnapshotLayout = 2;

struct SnapshotContent {
    Uuid last_id;
    std::size_t commands_remembered = 0;  // at most: older ones were forgotten
    std::vector<CommandWindow::Entry> commands;
    std::string_view state;  // into the bytes decoded
};

std::string encode_snapshot(const Uuid& last_id, const CommandWindow& commands,
                            std::string_view state);
// nullopt when the bytes are not what encode_snapshot makes.
std::optional<SnapshotContent> decode_snapshot(std::string_view bytes);

}  // namespace skald::cqrs
