// Revisions that come in pieces, as etcd sends large ones.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "coord/key_space.h"

namespace skald::coord {

// Puts them together again.
class RevisionPieces {
  public:
    // What is whole now.
    std::vector<Revised> add(std::vector<Revised> pieces, bool fragment);
    std::size_t bytes() const { return bytes_; }  // of what is not

  private:
    std::optional<Revised> begun_;
    std::size_t bytes_ = 0;
};

}  // namespace skald::coord
