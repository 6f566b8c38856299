// skald scavenge: gives back the room of what may no longer be read.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/directory.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"

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

void print_json(Output& output, const ScavengeReport& report) {
    std::string text;
    JsonWriter json(text);
    json.begin_object()
        .field("records_removed", report.records_removed)
        .field("batches_rewritten", report.batches_rewritten)
        .field("batches_dropped", report.batches_dropped)
        .field("bytes_freed", report.bytes_freed)
        .field("pages_zeroed", report.pages_zeroed)
        .field("gaps_zeroed", report.gaps_zeroed)
        .field("pages_kept", report.pages_kept)
        .end_object();
    output.line(text);
}

Result<void> run(const std::string& directory, const Invocation& invocation) {
    TerminalProgress progress(invocation, "scavenge", "bytes");
    auto report = invocation.backends.scavenge(
        directory, [&progress](std::uint64_t done, std::uint64_t total) {
            progress.update(done, total, done);
        });
    progress.clear();
    if (!report) {
        return report.error();
    }
    Output output(invocation);
    (output.json() ? print_json : print_text)(output, *report);
    return output.flush();
}

}  // namespace

Command scavenge_command() {
    return directory_command(
        "scavenge", "Remove what limits, truncation, deletion and erasure have hidden", run);
}

}  // namespace skald::cli
