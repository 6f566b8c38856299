// What the store in memory and its subscriptions share.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/ephemeral.h"
#include "store/memory/memory_cursor.h"

namespace skald::store {

struct MemoryState {
    explicit MemoryState(const Clock& clock) : ephemeral(clock) {}

    EphemeralHub ephemeral;
    std::mutex mutex;
    std::condition_variable news;  // something came, or a subscription is to stop
    MemoryLogs logs;               // guarded by mutex, like all below
    std::map<std::string, Snapshot, std::less<>> snapshots;
    wire::IdSource ids;
    Time newest;
};

// Records of a page or a delivery, with their views.
struct MemoryEvents {
    explicit MemoryEvents(std::vector<MemoryRecordPtr> owned) : records(std::move(owned)) {
        events.reserve(records.size());
        for (const MemoryRecordPtr& record : records) {
            events.push_back(record->view());
        }
    }

    std::vector<MemoryRecordPtr> records;
    std::vector<EventView> events;
};

}  // namespace skald::store
