// skald sub --group: events as a member of a durable consumer gets them.
#include <algorithm>
#include <mutex>

#include "cli/commands/sub.h"
#include "cli/output.h"

namespace skald::cli {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // between two looks at whether the member ended

// Prints on the member's thread.
class GroupPrinter {
  public:
    GroupPrinter(const SubOptions& options, const Invocation& invocation)
        : left_(options.count), stop_(invocation.console.stop), output_(invocation) {}

    // Acknowledges what its reader can see.
    WorkAnswer print(const Work& work) {
        if (done_) {
            return ReleaseWork{};
        }
        output_.event(work.event);
        if (auto flushed = output_.flush(); !flushed) {
            const std::lock_guard lock(mutex_);
            error_ = flushed.error();
            end();
            return ReleaseWork{};
        }
        if (left_ && --*left_ == 0) {
            end();
        }
        return AckWork{};
    }

    std::optional<Error> error() {
        const std::lock_guard lock(mutex_);
        return error_;
    }

  private:
    void end() {
        done_ = true;
        stop_.request();
    }

    std::optional<std::uint64_t> left_;  // of the member's thread, like the next
    bool done_ = false;
    const StopSignal& stop_;
    Output output_;
    std::mutex mutex_;
    std::optional<Error> error_;  // guarded by mutex_
};

}  // namespace

Result<void> follow_group(Consumers& consumers, const SubOptions& options,
                          const Invocation& invocation) {
    GroupPrinter printer(options, invocation);
    MemberOptions member_options;
    member_options.name = "skald sub";
    member_options.in_flight = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(member_options.in_flight, options.count.value_or(~0ULL)));
    if (options.lease) {
        member_options.lease = std::chrono::ceil<std::chrono::milliseconds>(*options.lease);
    }
    auto member = consumers.join(
        options.group, [&printer](const Work& work) { return printer.print(work); },
        member_options);
    if (!member) {
        return member.error();
    }
    while (!invocation.console.stop.wait(kLook)) {
        if (const auto ended = (*member)->ended()) {
            return *ended;
        }
    }
    member->reset();
    const auto error = printer.error();
    return error ? *error : Result<void>();
}

}  // namespace skald::cli
