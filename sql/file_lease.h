// The lease of projectors that share a file, in all processes of a machine: a lock of one byte of
// FILE-lock for each name. It ends with the process that holds it. Terms go on from those
// committed.
//
// Threads: any.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "skald/cqrs/lease.h"

namespace skald::sql {

class FileLease final : public cqrs::Lease {
  public:
    // The highest term that was ever committed.
    using CommittedTerm = std::function<Result<std::uint64_t>()>;
    FileLease(std::string path, CommittedTerm committed)
        : path_(std::move(path)), committed_(std::move(committed)) {}
    ~FileLease() override;

    Result<std::uint64_t> acquire(const std::string& name, std::chrono::milliseconds wait) override;
    void release(const std::string& name, std::uint64_t term) override;

  private:
    struct Held {
        int fd = -1;
        std::uint64_t term = 0;
    };
    const std::string path_;
    const CommittedTerm committed_;
    std::mutex mutex_;
    std::map<std::string, Held> held_;  // by name; guarded by mutex_
};

}  // namespace skald::sql
