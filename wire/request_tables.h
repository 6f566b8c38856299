// What stands before the records of an append request, while the request is made: the names and
// halves of ids that its records are going to refer to, and its header.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire/request.h"

namespace skald::wire {

// Numbers names in the order they first come. Few names, the usual case, cost no allocation. The
// names must outlive it.
class NameNumbers {
  public:
    std::uint16_t number(std::string_view name);
    std::size_t size() const { return count_; }
    std::string_view operator[](std::size_t i) const {
        return i < few_.size() ? few_[i] : many_[i - few_.size()];
    }

  private:
    std::uint16_t add(std::string_view name);

    std::array<std::string_view, 8> few_;
    std::vector<std::string_view> many_;
    std::unordered_map<std::string_view, std::uint16_t> numbers_;
    std::size_t count_ = 0;
};

// The first halves of ids, each noted when it differs from the one before.
class IdHalves {
  public:
    // The number of the id's.
    std::uint16_t number(const Uuid& id);
    const std::string& bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size() / sizeof(std::uint64_t); }
    void clear() { bytes_.clear(); }

  private:
    std::string bytes_;
    std::uint64_t last_ = 0;
};

// A record's prefix with the event's id, which is made from `ids` when the event has none.
RecordPrefix prefix_of(const NewEvent& event, IdSource& ids, IdHalves& halves, Uuid& id);

// Begins a request in `out`'s room.
void begin_request(std::string& out, std::size_t bytes);
void append_section(std::string& out, RequestHeader& header, std::uint16_t name, Expected expected,
                    std::size_t records);
// Behind the sections; `name_at(i)` is the name of number i. Returns where the places of `records`
// begin, still to be filled in.
template <typename NameAt>
std::size_t append_tables(std::string& out, RequestHeader& header, std::size_t names,
                          const NameAt& name_at, const IdHalves& halves, std::size_t records,
                          std::string_view query) {
    header.names = static_cast<std::uint16_t>(names);
    header.id_halves = static_cast<std::uint16_t>(halves.size());
    header.records = static_cast<std::uint32_t>(records);
    header.query_bytes = static_cast<std::uint32_t>(query.size());
    for (std::size_t i = 0; i < names; ++i) {
        header.names_bytes += static_cast<std::uint32_t>(name_at(i).size());
        append_as(out, header.names_bytes);
    }
    out.resize(align8(out.size()));
    out += halves.bytes();
    const std::size_t places_at = out.size();
    out.resize(align8(out.size() + records * sizeof(std::uint32_t)));
    for (std::size_t i = 0; i < names; ++i) {
        out += name_at(i);
    }
    out.resize(align8(out.size()));
    out += query;
    out.resize(align8(out.size()));
    return places_at;
}
// Behind the records: the header, with the crc over all.
void seal_request(std::string& out, RequestHeader& header);

}  // namespace skald::wire
