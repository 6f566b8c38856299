// skald backup and restore: a data directory copied, and made from a copy.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"

namespace skald::cli {
namespace {

struct CopyOptions {
    std::string from;
    std::string to;
};

// BackupReport and RestoreReport say the same things.
template <typename Report>
void print(Output& output, const Report& report, const CopyOptions& options) {
    if (!output.json()) {
        output.line(fmt::format(
            "{}: {} in {}, {}", options.to, counted(report.events, "event", "events"),
            counted(report.batches, "batch", "batches"), counted(report.bytes, "byte", "bytes")));
        for (const PartitionCopy& copy : report.partitions) {
            output.line(fmt::format("partition {}: offsets {} to {}, lineage {}",
                                    copy.partition.value, copy.start.value, copy.next.value,
                                    to_string(copy.lineage)));
        }
        return;
    }
    std::string text;
    JsonWriter json(text);
    json.begin_object()
        .field("directory", options.to)
        .field("events", report.events)
        .field("batches", report.batches)
        .field("bytes", report.bytes)
        .key("partitions")
        .begin_array();
    for (const PartitionCopy& copy : report.partitions) {
        json.begin_object()
            .field("partition", std::uint64_t{copy.partition.value})
            .field("lineage", to_string(copy.lineage))
            .field("start", copy.start.value)
            .field("next", copy.next.value)
            .end_object();
    }
    json.end_array().end_object();
    output.line(text);
}

template <typename Copy>
Result<void> run(const CopyOptions& options, const Invocation& invocation, const char* what,
                 const Copy& copy) {
    TerminalProgress progress(invocation, what, "bytes");
    auto report = copy(options.from, options.to, [&](std::uint64_t done, std::uint64_t total) {
        progress.update(done, total, done);
    });
    progress.clear();
    if (!report) {
        return report.error();
    }
    Output output(invocation);
    print(output, *report, options);
    return output.flush();
}

}  // namespace

Command backup_command() {
    auto options = std::make_shared<CopyOptions>();
    return {
        .name = "backup",
        .summary = "Copy a data directory, up to now, into a new one",
        .example = "skald backup ./copy --data /var/lib/skald",
        .declare =
            [options](Arguments& arguments) {
                arguments.text("OUT", "PATH", options->to, "the new directory").path().required();
                arguments.text("--data", "PATH", options->from, "the data directory to copy")
                    .path()
                    .required();
            },
        .run =
            [options](const Invocation& invocation) {
                return run(*options, invocation, "backup", invocation.backends.backup);
            },
        .children = {}};
}

Command restore_command() {
    auto options = std::make_shared<CopyOptions>();
    return {.name = "restore",
            .summary = "Make a data directory from a backup",
            .example = "skald restore ./copy ./restored",
            .declare =
                [options](Arguments& arguments) {
                    arguments.text("IN", "PATH", options->from, "the backup").path().required();
                    arguments.text("DIR", "PATH", options->to, "the data directory, new or empty")
                        .path()
                        .required();
                },
            .run =
                [options](const Invocation& invocation) {
                    return run(*options, invocation, "restore", invocation.backends.restore);
                },
            .children = {}};
}

}  // namespace skald::cli
