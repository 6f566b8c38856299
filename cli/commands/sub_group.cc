// skald sub --group: events as a member of a durable consumer gets them.
#include <algorithm>

#include "cli/commands/event_printer.h"

namespace skald::cli {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // between two looks at whether the member ended

// On the member's thread. Acknowledges what its reader can see.
WorkAnswer print(EventPrinter& printer, const EventView& event) {
    if (printer.done()) {
        return ReleaseWork{};
    }
    printer.print(event);
    return printer.flush() ? WorkAnswer(AckWork{}) : ReleaseWork{};
}

}  // namespace

Result<void> follow_group(Consumers& consumers, const SubOptions& options,
                          const Invocation& invocation) {
    EventPrinter printer(options, invocation);
    MemberOptions member_options;
    member_options.name = "skald sub";
    member_options.in_flight = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(member_options.in_flight, options.count.value_or(~0ULL)));
    if (options.lease) {
        member_options.lease = std::chrono::ceil<std::chrono::milliseconds>(*options.lease);
    }
    auto member = consumers.join(
        options.group, [&printer](const Work& work) { return print(printer, work.event); },
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
