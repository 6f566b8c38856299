#include "cli/commands/sub.h"

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/event_printer.h"
#include "cli/output.h"

namespace skald::cli {
namespace {

// Prints on the store's thread: a slow reader of our output slows the subscription down, which is
// what its credit is for.
class Printer final : public SubscriptionHandler {
  public:
    Printer(const SubOptions& options, const Invocation& invocation)
        : until_caught_up_(options.until_caught_up),
          notes_(invocation.globals.verbose ? &invocation.console.err : nullptr),
          events_(options, invocation) {}

    void on_events(const Delivery& delivery) override {
        if (events_.done()) {
            return;
        }
        for (const EventView& event : delivery.events) {
            if (!events_.print(event)) {
                break;
            }
        }
        events_.flush();
    }

    void on_ephemeral(const EventView& event) override {
        if (!events_.done()) {
            events_.print(event);
            events_.flush();
        }
    }

    void on_dropped(std::uint64_t events) override {
        if (!events_.done()) {
            events_.output().dropped(events);
            events_.flush();
        }
    }

    void on_caught_up(const CaughtUp& at) override {
        note("caught up", at.position);
        if (until_caught_up_) {
            events_.end();
        }
    }

    void on_fell_behind(const FellBehind& at) override { note("fell behind", at.position); }

    void on_ended(const Error& reason, const Position& position) override {
        if (events_.done()) {
            return;
        }
        events_.end(Error(reason.code, fmt::format("{}; go on with --from {}", reason.message,
                                                   to_token(position))));
    }

    std::optional<Error> error() { return events_.error(); }

  private:
    void note(std::string_view what, const Position& position) {
        if (notes_ != nullptr) {
            *notes_ << fmt::format("skald: sub: {} at {}\n", what, to_token(position));
        }
    }

    const bool until_caught_up_;
    std::ostream* notes_;
    EventPrinter events_;
};

Result<void> run_group(const SubOptions& options, const Invocation& invocation) {
    if (!options.store.directory.empty()) {
        return Error(Errc::invalid_argument,
                     "--group and --data exclude each other: a node keeps "
                     "durable consumers");
    }
    auto consumers = open_consumers(invocation);
    return consumers ? follow_group(**consumers, options, invocation) : consumers.error();
}

Result<void> run(const SubOptions& options, const Invocation& invocation) {
    if (!options.group.empty()) {
        return run_group(options, invocation);
    }
    auto store = open_session(invocation, options.store, Create::no);
    if (!store) {
        return store.error();
    }
    return follow(**store, options, invocation);
}

void declare(Arguments& arguments, SubOptions& options) {
    SelectionWords& words = options.words;
    auto stream = arguments.text("STREAM", "", words.stream, "one stream");
    auto category = arguments.text("--category", "CATEGORY", words.category,
                                   "all streams whose name has this before its first `-`");
    auto all = arguments.flag("--all", words.all, "everything (default)");
    stream.excludes(category).excludes(all);
    category.excludes(all);
    auto types =
        arguments.list("--type", "GLOB", words.type_globs, "only types that match; again for more");
    auto streams = arguments.list("--stream", "GLOB", words.stream_globs,
                                  "only streams that match; again for more");
    auto from =
        arguments.text("--from", "start|end|N|POSITION|@TIME", words.from,
                       "where to begin: a version of the stream, an offset, a position, a time; "
                       "default start");
    arguments.number("--count", "N", options.count, "end after N events").range(1, ~0ULL);
    auto caught_up = arguments.flag("--until-caught-up", options.until_caught_up,
                                    "end when everything stored was printed");
    auto group = arguments.text("--group", "NAME", options.group,
                                "as a member of this durable consumer, whose events they are; "
                                "what was printed is acknowledged");
    arguments
        .duration("--lease", "DURATION", options.lease,
                  "with --group: silent for so long, its events go to others; default 10s")
        .needs(group);
    for (const Argument& other : {stream, category, all, types, streams, from, caught_up}) {
        group.excludes(other);
    }
    declare_store(arguments, options.store, Create::no);
}

}  // namespace

Result<void> follow(EventStore& store, const SubOptions& options, const Invocation& invocation) {
    Subscribe request;
    request.selection = options.words.selection();
    auto start = parse_start(options.words.from, request.selection);
    if (!start) {
        return start.error();
    }
    request.start = std::move(*start);
    request.ephemeral = true;
    Printer printer(options, invocation);
    auto subscription = store.subscribe(request, printer);
    if (!subscription) {
        return subscription.error();
    }
    invocation.console.stop.wait();
    (*subscription)->unsubscribe();
    if (const auto error = printer.error()) {
        return *error;
    }
    return {};
}

Command sub_command() {
    return command_of<SubOptions>("sub", "Print stored events, then new ones as they come",
                                  "skald sub --category orders --type 'Order*' --from end", declare,
                                  run);
}

}  // namespace skald::cli
