// Which events their streams' lifecycle hides from a reader.
#pragma once

#include <optional>
#include <string>

#include "store/partition_log.h"

namespace skald::store {

// A stream's facts as an index snapshot has them.
Result<StreamFacts> facts_of(const PartitionLog& log, const IndexSnapshot& index,
                             std::string_view stream);

// For one snapshot: remembers the stream it was asked for last.
class LifecycleMask {
  public:
    // `log_time`: the newest clock that the reader may see.
    Result<bool> alive(const PartitionLog& log, const IndexSnapshot& index, Time log_time,
                       const EventView& event);
    void forget() { known_.reset(); }

  private:
    struct Known {
        std::string stream;
        StreamFacts facts;
    };
    std::optional<Known> known_;
};

}  // namespace skald::store
