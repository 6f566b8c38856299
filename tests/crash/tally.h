// What a driver counts, and its one line at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/audit.h"

namespace skald::crash {

class Tally {
  public:
    explicit Tally(std::string name) : name_(std::move(name)) {}

    // True when the audit found nothing wrong. `where` says which case, so that it can be had
    // again.
    bool add(const std::string& where, const AuditReport& report);
    void violation(const std::string& where, const std::string& what);
    void acknowledged(std::uint64_t count) { acknowledged_ += count; }
    std::uint64_t lost() const { return lost_; }
    std::uint64_t doubled() const { return doubled_; }
    std::uint64_t violations() const { return violations_; }
    double open_ms_max() const { return open_ms_max_; }

    // Prints `name: FIRST acknowledged=.. events=.. lost=.. doubled=.. violations=..`; the exit
    // status of the program.
    int finish(const std::string& first) const;

  private:
    std::string name_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t doubled_ = 0;
    std::uint64_t violations_ = 0;
    double open_ms_max_ = 0;
};

// Asks the store in `directory` again for what was sent, then appends `requests` of each lane; what
// was wrong.
std::vector<std::string> resume(const std::string& directory, const std::string& ack_path,
                                std::uint64_t seed, std::uint64_t requests);

}  // namespace skald::crash
