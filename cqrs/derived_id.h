// Ids that come out the same whenever they are made of the same: what makes a repeat recognisable
// (rule A3). Not for secrets: whoever knows stream and command id knows them.
#pragma once

#include <cstdint>
#include <string_view>

#include "skald/ids.h"

namespace skald::cqrs {

// Of a command on a stream.
Uuid command_key(std::string_view stream, std::string_view command_id);
// The n-th of what belongs to a key. `purpose` keeps ids for different ends apart.
enum class IdPurpose : std::uint32_t { event = 1, created = 2 };
Uuid derived_id(const Uuid& key, IdPurpose purpose, std::uint64_t n);

// Of texts of which equal ones must meet, as a snapshot's fingerprint.
std::uint64_t text_hash(std::string_view text);

}  // namespace skald::cqrs
