// A durable consumer that a load makes for itself.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "skald/consumers.h"

namespace skald::cli {

// Deleted, after its members left, when this goes. Thread: one.
class BenchConsumer {
  public:
    // Under a name of its own. Errors: those of Consumers::create. `consumers` must outlive it.
    static Result<std::unique_ptr<BenchConsumer>> create(Consumers& consumers,
                                                         ConsumerSettings settings);
    ~BenchConsumer();
    BenchConsumer(const BenchConsumer&) = delete;
    BenchConsumer& operator=(const BenchConsumer&) = delete;

    // The handler is called on the members' threads. Errors: those of Consumers::join.
    Result<void> join(std::uint64_t members, const WorkHandler& handler,
                      const MemberOptions& options);
    // Errors: those of Consumers::show, and why a member ended.
    Result<ConsumerStatus> show() const;

  private:
    BenchConsumer(Consumers& consumers, std::string name)
        : consumers_(consumers), name_(std::move(name)) {}

    Consumers& consumers_;
    const std::string name_;
    std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace skald::cli
