// Where the killed workload keeps its sums: a read model in LMDB, or a SQLite database, that a
// projector writes; or inline, in the log's own commits.
//
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "skald/cqrs/projector.h"
#include "tests/crash/sums.h"

namespace skald::crash {

class SumsModel {
  public:
    virtual ~SumsModel() = default;

    // Keeps the rows of this store, which outlives it. `committed` is called for each number after
    // its commit. Events that fail are parked; inline, their appends are refused.
    virtual Result<void> start(EventStore& store, std::function<void()> committed) = 0;
    // Once started: whether the rows came to the end of the log.
    virtual bool caught_up(EventStore& store) const {
        return projector_->wait_for(*store.position(), std::chrono::minutes(1)).reached();
    }
    // Versions of the stream's events, the first of them. None when it was not started.
    std::vector<std::uint64_t> parked(const std::string& stream) const;
    // What one commit holds.
    struct Looked {
        Position position;
        std::uint64_t events = 0;
        std::vector<Sum> by_stream;
        std::vector<Sum> by_sum;  // ordered by an index, like the next
        std::vector<Sum> by_count;
    };
    // nullopt before it was complete for the first time.
    virtual Result<std::optional<Looked>> look() = 0;

  protected:
    Result<void> keep(Result<std::unique_ptr<cqrs::Projector>> projector);

    std::unique_ptr<cqrs::Projector> projector_;
};

// `kind`: "lmdb" or "sql", in that directory, or "inline"; invalid_argument for another.
Result<std::unique_ptr<SumsModel>> open_sums(const std::string& kind, const std::string& directory);

}  // namespace skald::crash
