// Appends to one stream that go as one request: gathered while they wait, because a request costs
// several times what an event costs. Whatever refuses one of them would refuse all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wire/name_table.h"
#include "wire/request_tables.h"

namespace skald::wire {

// One thread at a time.
class RequestGroup {
  public:
    // Whether an append may be in a group at all, and with about how many bytes: a small one to one
    // stream, whatever that looks like, on no condition.
    static std::optional<std::size_t> admits(const Append& append);
    // Whether one that is admitted may join these: their stream, their durability, and room.
    bool fits(const Append& append) const;
    // One that is admitted, passed check_append, and fits unless the group is empty. The id of its
    // last event.
    Uuid add(const Append& append, IdSource& ids);

    std::uint32_t events() const { return static_cast<std::uint32_t>(places_.size()); }
    // The request, written into `memory`'s room where that is enough. Empties the group, which
    // keeps its own room.
    std::string take(std::string memory);

  private:
    NameTable names_;  // the stream's first
    bool ack_primary_ = false;
    IdHalves halves_;
    std::vector<std::uint32_t> places_;  // in records_
    std::string records_;
};

}  // namespace skald::wire
