// Time and chance of what carries commands out: its own, or what its owner handed in.
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "skald/cqrs/options.h"
#include "skald/ids.h"

namespace skald::cqrs {

class Pause {
  public:
    // Of RepositoryOptions or DecisionsOptions.
    template <typename Options>
    explicit Pause(const Options& options)
        : retry_(options.conflict),
          clock_(options.clock),
          random_(options.random),
          wait_(options.wait) {}

    // Before the n-th decision, from 2.
    void before_attempt(unsigned n) const;
    // Before an append is sent again.
    void before_resend() const;
    Uuid random_id() const;
    const Clock& clock() const;
    unsigned attempts() const { return retry_.attempts; }

  private:
    std::uint64_t random() const;
    void wait(std::chrono::microseconds most) const;

    const ConflictRetry retry_;
    const Clock* const clock_;
    const std::function<std::uint64_t()> random_;
    const std::function<void(std::chrono::microseconds)> wait_;
};

}  // namespace skald::cqrs
