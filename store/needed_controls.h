// Which control records of durable consumers are dead (docs/log_format.md, "Consumers"): all
// catalogues but the newest; of each consumer that it lists, what stands before the last whole
// record whose parts are all there; and all records of those that were deleted.
//
// What was dead when one looked stays dead, whatever is written since: only later records bring
// that about, and a number of birth is never given again. What cannot be read is not dead.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/partition_log.h"

namespace skald::store {

class NeededControls {
  public:
    // None is dead.
    NeededControls() = default;
    // As of what may be seen. `go_on` is asked before each consumer. Errors: its own, those of
    // reading but corrupt.
    static Result<NeededControls> look(const std::vector<std::unique_ptr<PartitionLog>>& logs,
                                       const std::vector<Visible>& visible,
                                       const std::function<Result<void>()>& go_on);

    // False: none is dead at all.
    bool any_dead() const { return catalogue_.has_value(); }
    // Of a control record.
    bool dead(std::string_view stream, Offset offset) const;

  private:
    std::optional<Offset> catalogue_;  // the newest
    std::uint64_t births_ = 0;
    // By stream, of the consumers that it lists: the first record that is needed.
    std::map<std::string, Offset, std::less<>> begins_;
};

}  // namespace skald::store
