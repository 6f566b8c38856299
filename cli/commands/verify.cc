// skald verify: reads a whole data directory again.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/directory.h"
#include "cli/commands/report.h"

namespace skald::cli {
namespace {

void print_problem(Output& output, const VerifyProblem& problem) {
    const std::string offset =
        problem.offset ? fmt::format(" offset {}", problem.offset->value) : std::string();
    output.line(fmt::format("problem: partition {}{}, {}: {}", problem.partition.value, offset,
                            problem.place, problem.message));
}

void write_problem(JsonWriter& json, const VerifyProblem& problem) {
    json.begin_object().field("partition", std::uint64_t{problem.partition.value});
    if (problem.offset) {
        json.field("offset", problem.offset->value);
    }
    json.field("place", problem.place).field("message", problem.message).end_object();
}

void print_text(Output& output, const VerifyReport& report) {
    for (const VerifyProblem& problem : report.problems) {
        print_problem(output, problem);
    }
    output.line(fmt::format(
        "{}, {}, {}, {}, {}, {}; index {}", counted(report.partitions, "partition", "partitions"),
        counted(report.batches, "batch", "batches"), counted(report.events, "event", "events"),
        counted(report.control_records, "control record", "control records"),
        counted(report.holes, "hole", "holes"), counted(report.bytes, "byte", "bytes"),
        report.index_checked ? "checked" : "not checked"));
    output.line(report.problem_count == 0 ? std::string("ok")
                                          : counted(report.problem_count, "problem", "problems"));
}

void write_json(JsonWriter& json, const VerifyReport& report) {
    json.begin_object()
        .field("ok", report.problem_count == 0)
        .field("partitions", report.partitions)
        .field("batches", report.batches)
        .field("events", report.events)
        .field("control_records", report.control_records)
        .field("holes", report.holes)
        .field("bytes", report.bytes)
        .field("index_checked", report.index_checked)
        .field("problem_count", report.problem_count)
        .key("problems")
        .begin_array();
    for (const VerifyProblem& problem : report.problems) {
        write_problem(json, problem);
    }
    json.end_array().end_object();
}

Result<void> run(const std::string& directory, const Invocation& invocation) {
    const auto verify = [&](const AdminProgress& progress) {
        return invocation.backends.verify(directory, progress);
    };
    auto report = run_with_report(invocation, "verify", verify, print_text, write_json);
    if (!report) {
        return report.error();
    }
    if (report->problem_count > 0) {
        return Error(Errc::corrupt,
                     fmt::format("{}: {}; restore from a backup", directory,
                                 counted(report->problem_count, "problem", "problems")));
    }
    return {};
}

}  // namespace

Command verify_command() {
    return directory_command("verify", "Read a data directory again and check all of it", run);
}

}  // namespace skald::cli
