// One partition of the store in memory: its records, streams and producers, and who may append what
// (rules L3, L4). Not thread safe; MemoryStore holds a lock.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "skald/event_store.h"
#include "store/stream_state.h"
#include "wire/request.h"

namespace skald::store {

struct MemoryRecord {
    std::string stream;
    std::string type;
    std::string bytes;  // as in wire/record.h
    Uuid id;
    Version version;
    Partition partition;
    Offset offset;
    Time recorded_at;
    bool control = false;

    EventView view() const;
};
using MemoryRecordPtr = std::shared_ptr<const MemoryRecord>;

struct MemoryStream {
    std::vector<Offset> events;  // by version
    std::optional<StreamControl> control;
    std::set<Version> erased;

    Version next() const { return Version{events.size()}; }
    StreamControl rules() const { return control.value_or(StreamControl{}); }
    StreamState state() const { return rules().state(next()); }
};

class MemoryLog {
  public:
    struct Outcome {
        Offset last;
        Version version;
        bool repeated = false;
    };

    MemoryLog(Partition partition, const Uuid& lineage)
        : partition_(partition), lineage_(lineage) {}

    // `now` is above that of every append before.
    Result<Outcome> append(const wire::RequestView& request,
                           const std::optional<Producer>& producer, Time now);
    // The change's control record.
    Result<Outcome> change(const Lifecycle& request, const Uuid& id, Time now);

    const Uuid& lineage() const { return lineage_; }
    const std::vector<MemoryRecordPtr>& records() const { return records_; }
    Offset end() const { return Offset{records_.size()}; }
    const std::map<std::string, MemoryStream, std::less<>>& streams() const { return streams_; }
    // A stream that never was is an empty one.
    const MemoryStream& stream(std::string_view name) const;
    // False for an event that its stream's lifecycle took away.
    bool visible(const MemoryRecord& record) const;
    std::optional<Version> first_visible(std::string_view name) const;

  private:
    struct Repeat {
        std::uint32_t matched = 0;
        Outcome last;
    };
    struct Written {
        Offset last;
        Version version;
    };
    struct ProducerState {
        Epoch epoch;
        std::uint64_t next = 0;
        std::map<std::uint64_t, Written> written;  // by sequence
    };

    Result<std::optional<Outcome>> judge(const wire::RequestView& request,
                                         const Producer& producer);
    Result<Outcome> check_and_write(const wire::RequestView& request, Time now);
    Result<void> check_fence(const wire::RequestView& request) const;
    Result<void> check_tombstones(const wire::RequestView& request) const;
    std::optional<Error> find_conflicts(const wire::RequestView& request) const;
    std::optional<Conflict> query_conflict(const wire::RequestView& request) const;
    Result<std::optional<Outcome>> find_repeat(const wire::RequestView& request, bool conflict,
                                               Time now) const;
    Repeat match_versions(const wire::RequestView& request) const;
    Repeat match_ids(const wire::RequestView& request, Time now) const;
    Outcome write(const wire::RequestView& request, Time now);
    Offset push(MemoryRecord record, Time now);

    Partition partition_;
    Uuid lineage_;
    std::vector<MemoryRecordPtr> records_;
    std::map<std::string, MemoryStream, std::less<>> streams_;
    std::unordered_map<Uuid, ProducerState> producers_;
    std::unordered_map<Uuid, Offset> ids_;
    std::map<std::string, std::uint64_t, std::less<>> fences_;
};

}  // namespace skald::store
