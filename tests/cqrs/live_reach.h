// The ways to a live query of a read model, which must all tell the same.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "skald/cqrs/read_model.h"
#include "tests/cqrs/shelf.h"

namespace skald::cqrs {

// In the process of the model; over a node, by another program; over a line that loses and doubles
// what passes, and forgets queries.
class LiveReach {
  public:
    explicit LiveReach(const std::string& kind);
    ~LiveReach();

    // Which model is asked from now on. It outlives what is asked for.
    void lead_to(ReadModel& model);
    Result<std::unique_ptr<LiveQuery>> live(const RowQuery& query,
                                            LiveHandler<std::string>& handler,
                                            const LiveOptions& options = {});
    std::unique_ptr<LiveQuery> follow(LiveHandler<std::string>& handler, const RowQuery& query = {},
                                      const LiveOptions& options = {});
    // Queries of one model.
    std::size_t most() const;

    class Way;

  private:
    std::unique_ptr<Way> way_;
};

// A shelf, and a way to it.
struct Asked {
    explicit Asked(const std::string& kind) : reach(kind) { reach.lead_to(shelf.model()); }
    Shelf shelf;
    LiveReach reach;
};

inline auto every_good_reach() {
    return Catch::Generators::values<std::string>({"in process", "over a node"});
}

}  // namespace skald::cqrs
