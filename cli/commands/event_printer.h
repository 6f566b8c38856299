// What `sub` does with an event, wherever it comes from: prints it, and ends with the last that is
// wanted, or when nobody reads on.
#pragma once

#include <mutex>
#include <optional>

#include "cli/commands/sub.h"
#include "cli/output.h"

namespace skald::cli {

// One thread at a time, but for error().
class EventPrinter {
  public:
    EventPrinter(const SubOptions& options, const Invocation& invocation)
        : left_(options.count), stop_(invocation.console.stop), output_(invocation) {}

    // False when it was the last that is wanted.
    bool print(const EventView& event);
    // False when it could not be written.
    bool flush();
    // Nothing more is wanted: the command is told to stop.
    void end();
    void end(Error why);
    bool done() const { return done_; }
    Output& output() { return output_; }
    // Why it ended, if not by itself.
    std::optional<Error> error();

  private:
    std::optional<std::uint64_t> left_;
    const StopSignal& stop_;
    Output output_;
    bool done_ = false;
    std::mutex mutex_;
    std::optional<Error> error_;  // guarded by mutex_
};

}  // namespace skald::cli
