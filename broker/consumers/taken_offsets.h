// Which offsets of one partition a consumer need not look at again.
#pragma once

#include <cstddef>
#include <functional>
#include <map>

#include "skald/ids.h"

namespace skald::broker {

// Disjoint ranges that do not touch. One thread at a time.
class TakenOffsets {
  public:
    // Those in it already may be in it once more.
    void add(Offset first, Offset next);
    bool contains(Offset offset) const;
    // The first that is not taken, from `begin` on.
    Offset first_open(Offset begin) const;
    std::size_t ranges() const { return ranges_.size(); }
    void each(const std::function<void(Offset first, Offset next)>& visit) const;

  private:
    std::map<Offset, Offset> ranges_;  // first to next
};

}  // namespace skald::broker
