// Where the killed projector keeps its sums: a read model in LMDB, or a SQLite database.
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

    // `committed` is called for each number after its commit. Events that fail are parked.
    virtual Result<std::unique_ptr<cqrs::Projector>> start(EventStore& store,
                                                           std::function<void()> committed) = 0;
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
};

// `kind`: "lmdb" or "sql", in that directory; invalid_argument for another.
Result<std::unique_ptr<SumsModel>> open_sums(const std::string& kind, const std::string& directory);

}  // namespace skald::crash
