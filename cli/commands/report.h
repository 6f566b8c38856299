// What commands over whole logs end with: a report, as text or as one JSON document.
#pragma once

#include <string>

#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"
#include "skald/admin.h"

namespace skald::cli {

// `text` takes an Output, `json` a JsonWriter.
template <typename Report, typename Text, typename Json>
Result<void> print_report(const Invocation& invocation, const Report& report, const Text& text,
                          const Json& json) {
    Output output(invocation);
    if (output.json()) {
        std::string document;
        JsonWriter writer(document);
        json(writer, report);
        output.line(document);
    } else {
        text(output, report);
    }
    return output.flush();
}

// `work` takes an AdminProgress, which shows as the command's on the terminal, and its report is
// printed. Returns what `work` did, or why it could not be printed.
template <typename Work, typename Text, typename Json>
auto run_with_report(const Invocation& invocation, const char* command, const Work& work,
                     const Text& text, const Json& json) {
    TerminalProgress progress(invocation, command, "bytes");
    auto report = work([&progress](std::uint64_t done, std::uint64_t total) {
        progress.update(done, total, done);
    });
    progress.clear();
    if (report) {
        if (auto printed = print_report(invocation, *report, text, json); !printed) {
            report = printed.error();
        }
    }
    return report;
}

}  // namespace skald::cli
