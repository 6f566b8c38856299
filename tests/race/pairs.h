// Who wrote reads it: an event, and then a query for rows that reflect its receipt's position.
#pragma once

#include <cstdint>
#include <string>

namespace skald::race {

// How many pairs of a write and a query there were: `rounds` and up to one for each writer more.
// Over a node the queries go through it. Seeded: the queries name no position.
std::uint64_t pairs(const std::string& kind, std::uint64_t rounds, bool seeded);

}  // namespace skald::race
