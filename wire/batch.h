// Batches and slices: the bytes of the log, the replication stream and deliveries.
// docs/log_format.md is the contract; tests/wire/batch_golden_test.cc decodes its worked example.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "skald/event.h"
#include "skald/ids.h"
#include "skald/result.h"
#include "wire/record.h"

namespace skald::wire {

inline constexpr std::uint32_t kBatchMagic = 0x31424B53;  // "SKB1"
inline constexpr std::uint16_t kBatchVersion = 1;
inline constexpr std::size_t kBatchHeaderBytes = 128;

enum BatchFlags : std::uint32_t {
    kBatchControl = 1,  // holds control records
    kBatchCompressed = 2,
    kBatchEncrypted = 4,
    kBatchSlice = 8,
};

using ChainHash = std::array<std::uint8_t, 16>;

struct BatchHeader {
    std::uint32_t magic = kBatchMagic;
    std::uint16_t version = kBatchVersion;
    std::uint16_t header_bytes = kBatchHeaderBytes;
    std::uint32_t flags = 0;
    std::uint32_t bytes = 0;
    std::uint64_t epoch = 0;
    std::uint64_t base_offset = 0;
    std::uint32_t records = 0;
    std::uint32_t requests = 0;
    std::uint64_t high_watermark = 0;
    std::uint64_t clock_us = 0;
    std::uint32_t producers = 0;
    std::uint32_t names = 0;
    std::uint32_t names_bytes = 0;
    std::uint32_t id_halves = 0;
    std::uint32_t crc = 0;
    std::uint32_t tables = 0;
    std::uint32_t controls = 0;
    std::uint32_t holes = 0;
    std::uint64_t reserved = 0;
    ChainHash chain_before{};
    ChainHash chain{};
};
static_assert(sizeof(BatchHeader) == kBatchHeaderBytes);

struct RecordEntry {
    std::uint32_t place = 0;
    std::uint32_t crc = 0;
    std::uint64_t hash = 0;
};
static_assert(sizeof(RecordEntry) == 16);

inline constexpr std::uint16_t kNone16 = 0xffff;

struct RequestEntry {
    std::uint16_t producer = kNone16;
    std::uint16_t fence = kNone16;
    std::uint32_t first_record = 0;
    std::uint32_t requests = 0;
    std::uint32_t records = 0;  // in each
    std::uint64_t sequence = 0;
    std::uint64_t fence_token = 0;
};
static_assert(sizeof(RequestEntry) == 32);

struct ProducerEntry {
    Uuid id;
    std::uint64_t epoch = 0;
};
static_assert(sizeof(ProducerEntry) == 24);

struct NameEntry {
    std::uint32_t place = 0;
    std::uint16_t bytes = 0;
    std::uint16_t index = 0;
    std::uint64_t first_version = 0;
};
static_assert(sizeof(NameEntry) == 16);

// The hash that the chain is made of; binds a record to its names and version.
std::uint64_t record_hash(Bytes record, std::uint64_t stream_hash, std::uint64_t type_hash,
                          Version version);
std::uint64_t name_hash(std::string_view name);  // XXH3-64
ChainHash chain_hash(const BatchHeader& header, Bytes requests_and_producers,
                     std::span<const std::uint64_t> hashes);

// Writes the header over the first bytes of a batch or slice, with its size and crc filled in.
void seal_batch(std::string& out, BatchHeader& header);

// A batch or a slice in somebody else's memory, at any alignment. Cheap to copy.
class BatchView {
  public:
    // Checks the shape and the crc of header and tables, not the records: `corrupt` otherwise.
    // Never reads outside `bytes`, whatever they hold.
    static Result<BatchView> open(Bytes bytes, Partition partition = Partition{});
    // The same for bytes that were opened before and are unchanged since: checks the shape only.
    static Result<BatchView> open_checked(Bytes bytes, Partition partition = Partition{});

    const BatchHeader& header() const { return header_; }
    Bytes bytes() const { return bytes_; }
    Offset base() const { return Offset{header_.base_offset}; }
    // One past the last record of the batch; of a slice: one past its last chosen record.
    Offset end() const;
    bool holds(Offset offset) const { return offset >= base() && offset < end(); }
    std::uint32_t size() const { return header_.records; }
    bool slice() const { return (header_.flags & kBatchSlice) != 0; }
    Time recorded_at() const { return Time{static_cast<std::int64_t>(header_.clock_us)}; }
    Partition partition() const { return partition_; }

    // i < size(), here and below.
    Offset offset(std::uint32_t i) const;
    RecordEntry entry(std::uint32_t i) const;
    Bytes record_bytes(std::uint32_t i) const;
    // nullopt for a record whose bytes do not match its crc, or that cannot be parsed.
    std::optional<RecordView> record(std::uint32_t i) const;
    // The record as an event of the given version; its names must be in the batch, else nullopt.
    // `stream` where the caller knows it: the event then points there.
    std::optional<EventView> event(std::uint32_t i, const RecordView& record, Version version,
                                   std::string_view stream = {}) const;
    // Ask for the memory that finding the record, and then reading it, will touch.
    void prefetch_tables(std::uint32_t i) const;
    void prefetch_record(std::uint32_t i) const;
    Version slice_version(std::uint32_t i) const;  // only of a slice

    std::uint32_t names() const { return header_.names; }
    NameEntry name_entry(std::uint32_t position) const;
    // By the number that records use; empty when there is none.
    std::string_view name(std::uint16_t index) const;
    Version first_version(std::uint16_t index) const;
    // nullopt when the number names none.
    std::optional<std::array<std::uint8_t, 8>> id_half(std::uint16_t index) const;
    RequestEntry request(std::uint32_t i) const;
    ProducerEntry producer(std::uint32_t i) const;

    // The chain hash this batch must carry, from its chain_before. Only of a whole batch.
    ChainHash computed_chain() const;
    // crc of every record, hash of every one that is not a hole, the chain: `corrupt` otherwise.
    Result<void> verify() const;

  private:
    std::optional<NameEntry> find_name(std::uint16_t index) const;
    const std::byte* at(std::size_t place) const { return bytes_.data() + place; }
    Result<void> lay_out();

    Bytes bytes_;
    BatchHeader header_;
    Partition partition_;
    std::size_t requests_at_ = 0;
    std::size_t producers_at_ = 0;
    std::size_t names_at_ = 0;
    std::size_t id_halves_at_ = 0;
    std::size_t selection_at_ = 0;
    std::size_t text_at_ = 0;
};

// Walks the records of a batch or slice in order and knows their stream versions.
class EventCursor {
  public:
    explicit EventCursor(const BatchView& batch);
    // The next record; false at the end. One that does not match its crc ends the walk with
    // corrupt() set.
    bool next();
    const EventView& event() const { return event_; }
    bool hole() const { return hole_; }  // event() then has names, id and version, but no content
    std::uint32_t index() const { return index_; }
    bool corrupt() const { return corrupt_; }

  private:
    bool resolve(const RecordPrefix& prefix);

    BatchView batch_;
    std::vector<std::uint64_t> versions_;  // next version by name, of a whole batch
    static constexpr std::uint32_t kNoNumber = 0x10000;
    std::uint32_t stream_ = kNoNumber;  // numbers of what event_ names
    std::uint32_t type_ = kNoNumber;
    std::uint32_t half_ = kNoNumber;
    EventView event_;
    std::uint32_t next_ = 0;
    std::uint32_t index_ = 0;
    bool hole_ = false;
    bool corrupt_ = false;
};

// Chooses records of a batch or slice (rising indexes, no holes, each one that EventCursor gave)
// with their versions.
struct Choice {
    std::uint32_t index = 0;
    Version version;
};
std::string encode_slice(const BatchView& batch, std::span<const Choice> choices);

// The whole batch with the chosen records (rising indexes, each one that EventCursor gave) turned
// into holes.
std::string punch_holes(const BatchView& batch, std::span<const std::uint32_t> dead);

}  // namespace skald::wire
