// The lease of projectors that share a directory in one process. Terms go on from those committed.
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "skald/cqrs/lease.h"

namespace skald::cqrs {

class DirectoryLease final : public Lease {
  public:
    // The highest term that was ever committed under a name.
    using CommittedTerm = std::function<Result<std::uint64_t>(const std::string& name)>;
    explicit DirectoryLease(CommittedTerm committed) : committed_(std::move(committed)) {}

    Result<std::uint64_t> acquire(const std::string& name, std::chrono::milliseconds wait) override;
    void release(const std::string& name, std::uint64_t term) override;

  private:
    const CommittedTerm committed_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::map<std::string, std::uint64_t> held_;  // term by name; guarded by mutex_
};

}  // namespace skald::cqrs
