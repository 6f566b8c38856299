// skald backup and restore: a log copied, and a data directory made from a copy.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/report.h"
#include "cli/session.h"

namespace skald::cli {
namespace {

// BackupReport and RestoreReport say the same things.
template <typename Report>
void print_text(Output& output, const Report& report, const std::string& to) {
    output.line(fmt::format("{}: {} in {}, {}", to, counted(report.records, "record", "records"),
                            counted(report.batches, "batch", "batches"),
                            counted(report.bytes, "byte", "bytes")));
    for (const PartitionCopy& copy : report.partitions) {
        output.line(fmt::format("partition {}: offsets {}, lineage {}", copy.partition.value,
                                offset_range(copy.start, copy.next), to_string(copy.lineage)));
    }
}

template <typename Report>
void write_json(JsonWriter& json, const Report& report, const std::string& to) {
    json.begin_object()
        .field("directory", to)
        .field("records", report.records)
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
}

template <typename Copy>
Result<void> run(const Invocation& invocation, const char* command, const std::string& to,
                 const Copy& copy) {
    auto report = run_with_report(
        invocation, command, copy,
        [&](Output& output, const auto& done) { print_text(output, done, to); },
        [&](JsonWriter& json, const auto& done) { write_json(json, done, to); });
    return report ? Result<void>() : report.error();
}

struct BackupOptions {
    StoreChoice from;
    std::string to;
};

Result<void> back_up(const BackupOptions& options, const Invocation& invocation) {
    auto server = choose_server(invocation, options.from);
    if (!server) {
        return server.error();
    }
    auto done = run(invocation, "backup", options.to, [&](const AdminProgress& progress) {
        const Backends& backends = invocation.backends;
        return *server ? backends.backup_node(**server, options.to, progress)
                       : backends.backup(options.from.directory, options.to, progress);
    });
    if (!done && !*server && done.error().code == Errc::already_open) {
        done.error().message += "; or leave --data out to copy it through its node";
    }
    return done;
}

}  // namespace

Command backup_command() {
    auto options = std::make_shared<BackupOptions>();
    return {
        .name = "backup",
        .summary = "Copy the log of a server at work, or of a directory, into a new directory",
        .example = "skald backup ./copy",
        .declare =
            [options](Arguments& arguments) {
                arguments.text("OUT", "PATH", options->to, "the new directory").path().required();
                declare_store(arguments, options->from, Create::no);
            },
        .run = [options](const Invocation& invocation) { return back_up(*options, invocation); },
        .children = {}};
}

Command restore_command() {
    struct Options {
        std::string from;
        std::string to;
    };
    auto options = std::make_shared<Options>();
    return {
        .name = "restore",
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
                return run(invocation, "restore", options->to, [&](const AdminProgress& progress) {
                    return invocation.backends.restore(options->from, options->to, progress);
                });
            },
        .children = {}};
}

}  // namespace skald::cli
