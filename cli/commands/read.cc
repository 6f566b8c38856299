// skald read: stored events, once.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/page_walk.h"
#include "cli/selection.h"
#include "cli/session.h"

namespace skald::cli {
namespace {

struct ReadOptions {
    StoreChoice store;
    SelectionWords words;
    std::optional<std::uint64_t> limit;
    bool backward = false;
};

Result<void> run(const ReadOptions& options, const Invocation& invocation) {
    const SelectionWords& words = options.words;
    if (words.stream.empty() && words.category.empty() && words.type.empty() &&
        words.correlation.empty() && !words.all) {
        return Error(Errc::invalid_argument,
                     "read what? Name a STREAM, --category, --type, --correlation or --all");
    }
    Walk walk{words.selection(), Beginning{}, options.backward, options.limit};
    const std::string from = options.backward && words.from.empty() ? "end" : words.from;
    auto start = parse_start(from, walk.selection);
    if (!start) {
        return start.error();
    }
    walk.start = std::move(*start);
    auto store = open_session(invocation, options.store, Create::no);
    if (!store) {
        return store.error();
    }
    Output output(invocation);
    return walk_pages(**store, walk, invocation.console.stop, [&](const Page& page) {
        for (const EventView& event : page.events) {
            output.event(event);
        }
        return output.flush();
    });
}

void declare(Arguments& arguments, ReadOptions& options) {
    SelectionWords& words = options.words;
    auto stream = arguments.text("STREAM", "", words.stream, "one stream");
    auto category = arguments.text("--category", "CATEGORY", words.category,
                                   "all streams whose name has this before its first `-`");
    auto type = arguments.text("--type", "TYPE", words.type, "all events of one type");
    auto correlation =
        arguments.text("--correlation", "ID", words.correlation, "all events of one correlation");
    auto all = arguments.flag("--all", words.all, "everything");
    stream.excludes(category).excludes(type).excludes(correlation).excludes(all);
    category.excludes(type).excludes(correlation).excludes(all);
    type.excludes(correlation).excludes(all);
    correlation.excludes(all);
    arguments.text("--from", "N|POSITION|@TIME", words.from,
                   "first version of the stream, offset, position or time; default the start, or "
                   "the end with --backward");
    arguments.number("--limit", "N", options.limit, "stop after N events").range(1, ~0ULL);
    arguments.flag("--backward", options.backward, "newest first; only a STREAM or --all");
    declare_store(arguments, options.store, Create::no);
}

}  // namespace

Command read_command() {
    return command_of<ReadOptions>("read", "Print stored events",
                                   "skald read orders-1 --from 5 --limit 10", declare, run);
}

}  // namespace skald::cli
