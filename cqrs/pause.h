// Time and chance of a repository: its own, or what its owner handed in.
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>

#include "skald/cqrs/options.h"

namespace skald::cqrs {

class Pause {
  public:
    // `options` outlives it.
    explicit Pause(const RepositoryOptions& options) : options_(options) {}

    // Before the n-th decision, from 2.
    void before_attempt(unsigned n) const;
    // Before an append is sent again.
    void before_resend() const;
    std::uint64_t random() const;
    const Clock& clock() const;

  private:
    void wait(std::chrono::microseconds most) const;

    const RepositoryOptions& options_;
};

}  // namespace skald::cqrs
