// skald scavenge: gives back the room of what may no longer be read.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/report.h"
#include "cli/session.h"

namespace skald::cli {
namespace {

void print_text(Output& output, const ScavengeReport& report) {
    output.line(fmt::format("{} removed: {} rewritten, {} dropped, {} freed",
                            counted(report.records_removed, "record", "records"),
                            counted(report.batches_rewritten, "batch", "batches"),
                            report.batches_dropped, counted(report.bytes_freed, "byte", "bytes")));
    output.line(fmt::format("{} and {} overwritten",
                            counted(report.pages_zeroed, "free page", "free pages"),
                            counted(report.gaps_zeroed, "gap", "gaps")));
    if (report.pages_kept > 0) {
        output.line(fmt::format("{} kept for open reads; run it again later",
                                counted(report.pages_kept, "free page", "free pages")));
    }
}

void write_json(JsonWriter& json, const ScavengeReport& report) {
    json.begin_object()
        .field("records_removed", report.records_removed)
        .field("batches_rewritten", report.batches_rewritten)
        .field("batches_dropped", report.batches_dropped)
        .field("bytes_freed", report.bytes_freed)
        .field("pages_zeroed", report.pages_zeroed)
        .field("gaps_zeroed", report.gaps_zeroed)
        .field("pages_kept", report.pages_kept)
        .end_object();
}

Result<void> run(const StoreChoice& choice, const Invocation& invocation) {
    auto server = choose_server(invocation, choice);
    if (!server) {
        return server.error();
    }
    const auto scavenge = [&](const AdminProgress& progress) {
        return *server ? invocation.backends.scavenge_node(**server, progress)
                       : invocation.backends.scavenge(choice.directory, progress);
    };
    auto report = run_with_report(invocation, "scavenge", scavenge, print_text, write_json);
    return report ? Result<void>() : report.error();
}

}  // namespace

Command scavenge_command() {
    auto choice = std::make_shared<StoreChoice>();
    return {.name = "scavenge",
            .summary = "Remove what limits, truncation, deletion and erasure have hidden",
            .example = "skald scavenge",
            .declare =
                [choice](Arguments& arguments) {
                    arguments
                        .text("DIR", "PATH", choice->directory,
                              "a data directory; without it the server does it, at work")
                        .path();
                },
            .run = [choice](const Invocation& invocation) { return run(*choice, invocation); },
            .children = {}};
}

}  // namespace skald::cli
