// Builds the batch of one commit in one pass (docs/log_format.md).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "skald/event_store.h"
#include "wire/batch.h"
#include "wire/name_table.h"
#include "wire/request.h"

namespace skald::wire {

// The first halves of event ids, numbered. Remembers the latest of each of 256 classes, so that the
// halves of all clients are found again, and ids without a common half cost one entry each.
class IdHalves {
  public:
    std::uint16_t number(std::uint64_t half);
    const std::vector<std::uint64_t>& halves() const { return halves_; }
    void clear();

  private:
    std::vector<std::uint64_t> halves_;
    std::array<std::uint16_t, 256> latest_{};  // number + 1; 0: none
};

// One thread at a time. Use: begin, add for each request, finish; then begin again, which reuses
// the memory. Requests must have passed RequestView::open and all checks against the log.
//
// Copies each record's bytes once. Consecutive requests with equally many records and no fence
// become one entry when they have no producer, or are of one producer and epoch with rising
// sequences.
class BatchBuilder {
  public:
    void begin(Epoch epoch, Offset base, const ChainHash& chain_before);

    // Appends the request's records; `first_versions` are those of its first record in each of its
    // stream sections (a control request's are not used). Returns the index of its first record.
    // The caller keeps size() and bytes() within limits::kBatch*.
    std::uint32_t add(const RequestView& request, std::span<const Version> first_versions,
                      const Producer* producer);

    std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
    bool empty() const { return entries_.empty(); }
    // At least what finish() would return.
    std::size_t bytes() const;

    // The batch. `high_watermark` and `clock_us` go into its header. begin() must come next.
    std::string finish(Offset high_watermark, std::uint64_t clock_us);
    // Of the batch that finish() returned last.
    const ChainHash& chain() const { return header_.chain; }

  private:
    void add_record(const RequestView& request, std::uint32_t i, Version version);
    // Compares with the name of `guess`, the one used last, before it looks further.
    std::uint16_t number_of(std::string_view name, std::uint16_t guess);
    void add_entry(const RequestView& request, std::uint32_t first, const Producer* producer);
    bool extends_last(const RequestEntry& entry) const;
    std::uint16_t producer_number(const Producer& producer);
    void append_tables();

    std::string out_;
    BatchHeader header_;
    std::vector<RecordEntry> entries_;
    std::vector<std::uint64_t> hashes_;
    std::vector<RequestEntry> requests_;
    std::vector<ProducerEntry> producers_;
    std::array<std::uint16_t, 256> latest_producers_{};  // number + 1; 0: none
    NameTable names_;
    IdHalves id_halves_;
    std::size_t bytes_guess_ = 0;  // of the batch before, to reserve for the next

    // Numbers of the record before, and what the request at hand calls them.
    std::uint16_t stream_ = 0;
    std::uint16_t type_in_request_ = kNone16;
    std::uint16_t type_in_batch_ = 0;
    std::uint16_t half_in_request_ = kNone16;
    std::uint16_t half_in_batch_ = 0;
};

}  // namespace skald::wire
