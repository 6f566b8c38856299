// A reader's place in the store in memory. Used under the store's lock.
#pragma once

#include <vector>

#include "store/memory/memory_log.h"

namespace skald::store {

// What readers see: the partitions, and all their records in the order of their commits.
struct MemoryLogs {
    Uuid cluster;
    std::vector<MemoryLog> partitions;
    std::vector<MemoryRecordPtr> merged;
    std::vector<std::vector<std::size_t>> places;  // in `merged`, by partition and offset

    std::size_t partition_of(std::string_view stream) const;
    // Takes over what was appended to the partition since.
    void merge(std::size_t partition);
};

class MemoryCursor {
  public:
    struct Step {
        std::vector<MemoryRecordPtr> records;
        bool end = false;  // nothing more now
    };

    // Errors: those of EventStore::read for a selection or start that does not fit.
    static Result<MemoryCursor> open(const MemoryLogs& logs, const Selection& selection,
                                     const Start& start, bool backward);

    Step next(const MemoryLogs& logs, std::size_t events, std::size_t bytes);
    // Whether its selection has an event like this in it, wherever it stands.
    bool selects(const EventView& event) const;
    // Behind everything that was returned or skipped; backward: before it.
    Position position(const MemoryLogs& logs) const;

  private:
    Result<void> begin(const MemoryLogs& logs, const Start& start);
    Result<void> begin_at(const MemoryLogs& logs, const Position& position);
    void begin_at(const MemoryLogs& logs, Version version);
    void begin_at(const MemoryLogs& logs, Time time);
    // Calls visit(record) for each record that is due, until it returns false; then so does this.
    template <typename Visit>
    bool walk(const MemoryLogs& logs, const Visit& visit) const;
    bool due(const MemoryRecord& record) const;
    bool wanted(const MemoryLogs& logs, const MemoryRecord& record) const;
    void move_behind(const MemoryRecord& record);

    Selection selection_;
    bool backward_ = false;
    std::optional<std::size_t> only_;  // partition, of a single stream
    // By partition: the next offset to look at; backward: one above it.
    std::vector<Offset> at_;
    Version version_min_;
};

}  // namespace skald::store
