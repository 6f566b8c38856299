// Gathers outcomes of one client into as few ranges as say the same (docs/protocol.md, section 6).
#pragma once

#include <vector>

#include "store/volume.h"
#include "wire/messages.h"

namespace skald::broker {

class ReceiptGatherer {
  public:
    void add(std::uint64_t id, const store::AppendOutcome& outcome, bool primary);
    bool empty() const { return ranges_.empty(); }
    // What was gathered, in order; then it is empty again. Split by kReceiptRangesMax.
    std::vector<wire::msg::Receipts> take();

  private:
    static bool extend(wire::msg::ReceiptRange& range, std::uint64_t id,
                       const store::AppendOutcome& outcome, bool primary);

    std::vector<wire::msg::ReceiptRange> ranges_;
    std::vector<std::size_t> last_;  // by partition: one past its newest range; 0: none
};

}  // namespace skald::broker
