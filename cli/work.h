// One run of a command's child that works on one thing: the consumers of a node, its locks.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/session.h"

namespace skald::cli {

template <typename Options, typename Target>
struct Work {
    const Invocation& invocation;
    const Options& options;
    Target& target;
    Output output;

    // To people; a program sees by the exit status that it is done.
    Result<void> said(std::string_view text) {
        if (!invocation.globals.quiet && !output.json()) {
            output.line(text);
        }
        return {};
    }
    // The same, once it is done.
    Result<void> said(const Result<void>& done, std::string_view text) {
        return done ? said(text) : done.error();
    }
    Time now() const { return invocation.console.clock.now(); }
};

template <typename Options, typename Target>
Result<void> work_on(Target& target, const Options& options, const Invocation& invocation,
                     Result<void> (*run)(Work<Options, Target>&)) {
    Work<Options, Target> work{invocation, options, target, Output(invocation)};
    if (auto done = run(work); !done) {
        return done;
    }
    return work.output.flush();
}

// The same for what stands on a coordination store, whose choice is Options::store.
template <typename Options, typename Target>
class CoordChildren {
  public:
    using Open = std::unique_ptr<Target> (*)(coord::Coord& coord, const Invocation& invocation);
    explicit CoordChildren(Open open) : open_(open) {}

    Command make(std::string name, std::string summary, std::string example,
                 void (*declare)(Arguments&, Options&),
                 Result<void> (*run)(Work<Options, Target>&)) const {
        return command_of<Options>(
            std::move(name), std::move(summary), std::move(example),
            [declare](Arguments& arguments, Options& options) {
                declare(arguments, options);
                declare_store(arguments, options.store, Create::no);
            },
            [open = open_, run](const Options& options,
                                const Invocation& invocation) -> Result<void> {
                auto coord = open_coordination(invocation, options.store);
                if (!coord) {
                    return coord.error();
                }
                const auto target = open(**coord, invocation);
                return work_on(*target, options, invocation, run);
            });
    }

  private:
    Open open_;
};

}  // namespace skald::cli
