// skald export: stored events as the NDJSON that import takes.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/page_walk.h"
#include "cli/selection.h"
#include "cli/session.h"
#include "cli/terminal_progress.h"

namespace skald::cli {
namespace {

struct ExportOptions {
    StoreChoice store;
    SelectionWords words;
    bool system = false;
};

Result<void> run(const ExportOptions& options, const Invocation& invocation) {
    Walk walk;
    walk.selection = options.words.selection();
    walk.selection.system = options.system;
    auto start = parse_start(options.words.from, walk.selection);
    if (!start) {
        return start.error();
    }
    walk.start = std::move(*start);
    auto store = open_session(invocation, options.store, Create::no);
    if (!store) {
        return store.error();
    }
    Output output(invocation);
    TerminalProgress progress(invocation, "export");
    std::uint64_t exported = 0;
    auto walked = walk_pages(**store, walk, invocation.console.stop, [&](const Page& page) {
        for (const EventView& event : page.events) {
            output.event_json(event);
        }
        exported += page.events.size();
        progress.update(exported, std::nullopt, exported);
        return output.flush();
    });
    if (!walked && walked.error().code == Errc::shutting_down &&
        invocation.console.stop.requested()) {
        return Error(Errc::shutting_down, fmt::format("interrupted after {} events", exported));
    }
    return walked;
}

void declare(Arguments& arguments, ExportOptions& options) {
    SelectionWords& words = options.words;
    auto stream = arguments.text("--stream", "STREAM", words.stream, "one stream");
    auto category = arguments.text("--category", "CATEGORY", words.category,
                                   "all streams whose name has this before its first `-`");
    auto all = arguments.flag("--all", words.all, "everything (default)");
    stream.excludes(category).excludes(all);
    category.excludes(all);
    arguments.text("--from", "N|POSITION|@TIME", words.from,
                   "first version of the stream, offset, position or time; default the start");
    arguments.flag("--system", options.system, "control records too: then offsets have no gaps");
    declare_store(arguments, options.store, Create::no);
}

}  // namespace

Command export_command() {
    return command_of<ExportOptions>("export", "Print stored events as NDJSON, as import takes it",
                                     "skald export --category orders | gzip > orders.ndjson.gz",
                                     declare, run);
}

}  // namespace skald::cli
