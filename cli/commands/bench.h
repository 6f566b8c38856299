// skald bench: load, with what it cost.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/latency.h"
#include "cli/output.h"
#include "cli/session.h"

namespace skald::cli {

struct BenchOptions {
    StoreChoice store;
    std::uint64_t connections = 1;
    std::uint64_t in_flight = 1;
    std::uint64_t payload = 128;
    std::uint64_t streams = 1000;
    std::uint64_t per_message = 1;
    std::uint64_t per_stream = 100;  // events of an aggregate
    std::uint64_t seconds = 5;
    std::optional<std::string> category;  // of the events read
    bool per_key = false;                 // a consumer keeps the order of streams
    std::uint64_t consumers = 1000;
    std::uint64_t rate = 1000;  // events a second
    std::uint64_t failing = 0;  // streams whose events always fail
};

// The stores of the connections: one a connection to a server; in process all share one.
class BenchStores {
  public:
    static Result<BenchStores> open(const Invocation& invocation, const BenchOptions& options,
                                    Create create);
    EventStore& of(std::uint64_t connection) { return *stores_[connection % stores_.size()]; }

  private:
    std::vector<std::unique_ptr<EventStore>> stores_;
};

// Prints lines of `who metric payload value unit`.
class BenchReport {
  public:
    explicit BenchReport(Output& output) : output_(output) {}
    void figure(const std::string& metric, std::uint64_t payload, double value, const char* unit);
    void latencies(const std::string& metric, std::uint64_t payload, const Latencies& latencies);

  private:
    Output& output_;
};

// Half compressible, and JSON.
std::string bench_payload(std::uint64_t bytes);
// A time within a payload of 24 bytes or more, for whoever gets it in the same process.
void put_bench_time(std::string& payload, Monotonic time);
Monotonic bench_time(std::string_view payload);

Result<void> bench_consume(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_idle(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_live(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_pub(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_sub(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_rebuild(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_read(const BenchOptions& options, const Invocation& invocation);
Result<void> bench_work(const BenchOptions& options, const Invocation& invocation);

}  // namespace skald::cli
