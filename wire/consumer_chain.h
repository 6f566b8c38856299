// How the control records of a durable consumer rest on each other, and which of them say where it
// stands (docs/log_format.md, "Consumers").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "wire/consumer_record.h"

namespace skald::wire {

// The stream of a consumer's records, and the other way round when the consumer of a stream was
// born; nullopt for the name of anything else.
std::string stream_of(const CatalogueEntry& entry);
std::optional<std::uint64_t> born_of(std::string_view stream);

// The data of the stream's control record at the offset. Corrupt when none is there.
using ControlData = std::function<Result<std::string>(Offset)>;
using ChainVisit = std::function<void(Offset, ConsumerRecord)>;

// Visits the records that say where a consumer stands, from the newest back; returns the offset of
// the last one visited: the first part of a whole one all of whose parts it has met, or the first
// record of all. What lies before it is not needed any more. Errors: those of `data`; corrupt, with
// the offset, when a record cannot be decoded or does not rest on an earlier one.
Result<Offset> walk_chain(std::string_view stream, Offset newest, const ControlData& data,
                          const ChainVisit& visit);

// The same of the newest catalogue's data.
Result<ConsumerCatalogue> read_catalogue(Offset offset, std::string_view data);

}  // namespace skald::wire
