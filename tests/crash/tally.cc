#include "tests/crash/tally.h"

#include <algorithm>
#include <cstdio>

#include "skald/store.h"
#include "tests/crash/session.h"

namespace skald::crash {

bool Tally::add(const std::string& where, const AuditReport& report) {
    events_ += report.events;
    lost_ += report.lost;
    doubled_ += report.doubled;
    open_ms_max_ = std::max(open_ms_max_, report.open_ms);
    for (const std::string& problem : report.problems) {
        violation(where, problem);
    }
    return report.problems.empty();
}

void Tally::violation(const std::string& where, const std::string& what) {
    ++violations_;
    std::fprintf(stderr, "%s: %s: %s\n", name_.c_str(), where.c_str(), what.c_str());
}

int Tally::finish(const std::string& first) const {
    std::printf("%s: %s acknowledged=%llu events=%llu lost=%llu doubled=%llu violations=%llu\n",
                name_.c_str(), first.c_str(), static_cast<unsigned long long>(acknowledged_),
                static_cast<unsigned long long>(events_), static_cast<unsigned long long>(lost_),
                static_cast<unsigned long long>(doubled_),
                static_cast<unsigned long long>(violations_));
    return violations_ == 0 && lost_ == 0 && doubled_ == 0 ? 0 : 1;
}

std::vector<std::string> resume(const std::string& directory, const std::string& ack_path,
                                std::uint64_t seed, std::uint64_t requests) {
    const Acks before = acks_of(read_records(ack_path));
    AckFile acks(ack_path);
    auto store = open_store(directory, StoreOptions{2, 0, true});
    if (!store) {
        return {"open to go on: " + store.error().message};
    }
    SessionOptions options;
    options.seed = seed;
    options.requests = requests;
    options.scratch = true;
    SessionResult result = run_session(**store, acks, before, options);
    if (result.failure) {
        result.violations.push_back("going on: " + result.failure->message);
    }
    return std::move(result.violations);
}

}  // namespace skald::crash
