// Where the epochs of a log begin and end: how two replicas find where they part (rule R10).
#pragma once

#include <cstddef>
#include <vector>

#include "skald/ids.h"

namespace skald::broker::replication {

struct EpochEnd {
    Epoch epoch;
    Offset end;  // one past its last record
    bool operator==(const EpochEnd&) const = default;
};

// A value.
class EpochEnds {
  public:
    // Records of the epoch follow from there on. Epochs rise; one that is the last goes on.
    void began(Epoch epoch, Offset first);
    // What is at or above `end` is gone.
    void cut(Offset end);
    // Of the last record; 0 of a log without any.
    Epoch last() const { return begins_.empty() ? Epoch{0} : begins_.back().epoch; }
    // Of the last epoch here that is not above `epoch`; epoch 0 and where the first one begins when
    // all are above. `log_end`: where the last one ends.
    EpochEnd end_of(Epoch epoch, Offset log_end) const;
    std::size_t size() const { return begins_.size(); }
    bool operator==(const EpochEnds&) const = default;

  private:
    struct Begin {
        Epoch epoch;
        Offset first;
        bool operator==(const Begin&) const = default;
    };
    std::vector<Begin> begins_;  // rising in both
};

}  // namespace skald::broker::replication
