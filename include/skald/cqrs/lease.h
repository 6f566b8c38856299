// Who of several copies of a projector runs. A lease has a term that rises each time it is given;
// the projector writes its term to the rows' store when it begins, and looks for a higher one in
// every commit: a copy that was paused while another took over is fenced, it commits nothing any
// more.
//
// Without one of yours a projector uses its read model's directory: one process at a time has it
// open, and of several projectors of one version in that process one runs. Across machines, where
// each copy has a directory of its own, hand in a lease that all of them see.
//
// Threads: any. Implementations outlive the projectors that use them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "skald/result.h"

namespace skald::cqrs {

class Lease {
  public:
    virtual ~Lease() = default;
    // The term, above all that were given for this name before, also by earlier processes. busy
    // when another held it all of `wait`. Names: the projector's, `@` and its version.
    virtual Result<std::uint64_t> acquire(const std::string& name,
                                          std::chrono::milliseconds wait) = 0;
    // Nothing when that term is over.
    virtual void release(const std::string& name, std::uint64_t term) = 0;
};

}  // namespace skald::cqrs
