#include "wire/request_group.h"

#include "base/limits.h"

namespace skald::wire {
namespace {

constexpr std::size_t kGroupBytes = std::size_t{64} << 10;  // full once it is this large
constexpr std::size_t kMemberBytes = std::size_t{8} << 10;  // larger ones gain nothing
constexpr std::uint16_t kStream = 0;                        // its number among the names

}  // namespace

std::optional<std::size_t> RequestGroup::admits(const Append& append) {
    if (append.streams.size() != 1 || append.streams[0].expected != Expected::any() ||
        !append.checks.empty() || append.query || append.fence || append.check_ids) {
        return std::nullopt;
    }
    std::size_t bytes = 0;
    for (const NewEvent& event : append.streams[0].events) {
        bytes += record_bytes(event);
    }
    return bytes <= kMemberBytes ? std::optional(bytes) : std::nullopt;
}

bool RequestGroup::fits(const Append& append) const {
    return records_.size() < kGroupBytes &&
           places_.size() + append.streams[0].events.size() <= limits::kRequestEventsMax &&
           ack_primary_ == (append.ack == Ack::primary) &&
           names_.is(kStream, append.streams[0].stream);
}

Uuid RequestGroup::add(const Append& append, IdSource& ids) {
    if (places_.empty()) {
        names_.number(append.streams[0].stream);
        ack_primary_ = append.ack == Ack::primary;
    }
    Uuid id;
    for (const NewEvent& event : append.streams[0].events) {
        RecordPrefix prefix = prefix_of(event, ids, halves_, id);
        prefix.stream = kStream;
        prefix.type = names_.number(event.type);
        places_.push_back(static_cast<std::uint32_t>(records_.size()));
        append_record(records_, event, prefix);
    }
    return id;
}

std::string RequestGroup::take(std::string memory) {
    RequestHeader header;
    header.flags = ack_primary_ ? kRequestAckPrimary : 0;
    begin_request(memory, sizeof header + records_.size() + names_.text().size() +
                              halves_.bytes().size() + 64 + places_.size() * 8);
    append_section(memory, header, kStream, Expected::any(), places_.size());
    std::size_t place_at = append_tables(
        memory, header, names_.size(),
        [this](std::size_t i) { return names_.text_of(static_cast<std::uint16_t>(i)); }, halves_,
        places_.size(), {});
    const auto records_at = static_cast<std::uint32_t>(memory.size());
    for (const std::uint32_t place : places_) {
        store_le(memory.data() + place_at, records_at + place);
        place_at += sizeof place;
    }
    memory += records_;
    seal_request(memory, header);
    names_.clear();
    halves_.clear();
    places_.clear();
    records_.clear();
    return memory;
}

}  // namespace skald::wire
