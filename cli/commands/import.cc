#include "cli/commands/import.h"

#include <fmt/format.h>

#include <atomic>

#include "base/limits.h"
#include "cli/append_pipeline.h"
#include "cli/commands/commands.h"
#include "cli/event_json.h"
#include "cli/gzip_reader.h"
#include "cli/json_writer.h"
#include "cli/ndjson_reader.h"
#include "cli/output.h"
#include "cli/terminal_progress.h"

namespace skald::cli {
namespace {

Error at_line(std::uint64_t number, Error error) {
    error.message = fmt::format("line {}: {}", number, error.message);
    return error;
}

// Counts and prints outcomes; on the pipeline's thread until that ends.
class Tally {
  public:
    Tally(const ImportOptions& options, const Invocation& invocation)
        : options_(options), invocation_(invocation), output_(invocation) {}

    void take(const std::vector<Outcome>& outcomes) {
        for (const Outcome& outcome : outcomes) {
            take(outcome);
        }
        if (options_.receipts) {
            if (auto flushed = output_.flush(); !flushed) {
                fail(flushed.error());
                stopped_ = true;
                invocation_.console.stop.request();
            }
        }
        done_ += outcomes.size();
    }

    bool stopped() const { return stopped_; }
    std::uint64_t done() const { return done_; }
    void fail(Error error) {
        ++summary_.failed;
        if (!summary_.first_error) {
            summary_.first_error = std::move(error);
        }
    }
    ImportSummary& summary() { return summary_; }

  private:
    void take(const Outcome& outcome) {
        if (outcome.result) {
            ++(outcome.result->repeated ? summary_.repeated : summary_.imported);
            if (options_.receipts) {
                output_.receipt(*outcome.result);
            }
            return;
        }
        const Error error = at_line(outcome.tag, outcome.result.error());
        if (options_.receipts) {
            output_.error_json(error);
        }
        if (options_.on_error == "skip") {
            invocation_.console.err << "skald: import: " << error.message << '\n';
        } else {
            stopped_ = true;
            invocation_.console.stop.request();
        }
        summary_.at_line = summary_.at_line || !summary_.first_error;
        fail(error);
    }

    const ImportOptions& options_;
    const Invocation& invocation_;
    Output output_;
    ImportSummary summary_;
    std::atomic<bool> stopped_ = false;
    std::atomic<std::uint64_t> done_ = 0;
};

Result<EventLine> parse_line(const Line& line) {
    if (line.too_long) {
        return Error(Errc::request_too_large, fmt::format("longer than {} bytes", kLineBytesMax));
    }
    return parse_event(line.text);
}

// False: the line is no event.
bool submit_line(const Line& line, AppendPipeline& pipeline) {
    bool taken = false;
    while (!taken) {
        auto parsed = parse_line(line);
        if (!parsed) {
            pipeline.reject(line.number, parsed.error());
            return false;
        }
        const bool has_id = parsed->event.id.has_value();
        Append append;
        append.streams.push_back({std::move(parsed->stream), Expected::any(), {}});
        append.streams.back().events.push_back(std::move(parsed->event));
        append.check_ids = has_id;
        taken = pipeline.submit(line.number, std::move(append));
    }
    return true;
}

std::string summary_line(const ImportSummary& summary, Monotonic took) {
    const std::string failed =
        summary.failed == 0 ? "" : fmt::format(", {} failed", summary.failed);
    return fmt::format("imported {}, {} repeated{}, in {:.1f} s",
                       counted(summary.imported, "event", "events"), summary.repeated, failed,
                       static_cast<double>(took.count()) / 1e9);
}

std::string summary_json(const ImportSummary& summary, Monotonic took) {
    std::string text;
    JsonWriter(text)
        .begin_object()
        .field("imported", summary.imported)
        .field("repeated", summary.repeated)
        .field("failed", summary.failed)
        .field("seconds", static_cast<double>(took.count()) / 1e9)
        .end_object();
    return text;
}

// Standard output is for the receipts when they are wanted, and for what went well.
void print_summary(const ImportSummary& summary, Monotonic took, const ImportOptions& options,
                   const Invocation& invocation) {
    const Globals& globals = invocation.globals;
    Console& console = invocation.console;
    if (globals.json && !options.receipts) {
        console.out << summary_json(summary, took) << '\n';
    } else if (!globals.quiet) {
        (options.receipts || summary.first_error || summary.unreadable ? console.err : console.out)
            << summary_line(summary, took) << '\n';
    }
}

std::string skipped_text(const ImportSummary& summary) {
    return fmt::format("{}: {}",
                       counted(summary.failed, "line was skipped", "lines were skipped; the first"),
                       summary.first_error->message);
}

// Why the import failed, if it did.
std::optional<Error> final_error(const ImportSummary& summary, const ImportOptions& options) {
    const bool skipped = options.on_error == "skip" && summary.first_error;
    // The input did not end there: that weighs more than the lines that were passed over.
    std::optional<Error> error = summary.first_error;
    if (summary.unreadable && (skipped || !error)) {
        error = summary.unreadable;
        error->message += skipped ? "; " + skipped_text(summary) : "";
    } else if (skipped) {
        error->message = skipped_text(summary);
    }
    return error;
}

Result<void> run(const ImportOptions& options, const Invocation& invocation) {
    std::unique_ptr<FileSource> file;
    if (options.file != "-") {
        auto opened = FileSource::open(options.file, invocation.console.stop);
        if (!opened) {
            return opened.error();
        }
        file = std::move(*opened);
    }
    auto store = open_session(invocation, options.store, Create::yes);
    if (!store) {
        return store.error();
    }
    const Clock& clock = invocation.console.clock;
    const Monotonic begun = clock.monotonic();
    GzipReader source(file ? *file : invocation.console.in);
    const ImportSummary summary = import_lines(**store, source, options, invocation);
    print_summary(summary, clock.monotonic() - begun, options, invocation);
    if (auto error = final_error(summary, options)) {
        const bool told = options.receipts && options.on_error != "skip" && summary.at_line;
        if (told && invocation.told != nullptr) {
            *invocation.told = true;
        }
        return std::move(*error);
    }
    if (summary.interrupted_at) {
        return Error(
            Errc::shutting_down,
            fmt::format("interrupted: lines after {} were not appended", *summary.interrupted_at));
    }
    return {};
}

void declare(Arguments& arguments, ImportOptions& options) {
    arguments
        .text("FILE", "PATH", options.file, "NDJSON, plain or gzip; `-` or nothing: standard input")
        .path();
    arguments.flag("--receipts", options.receipts,
                   "print a receipt for each line, in input order, once it is acknowledged");
    arguments.number("--in-flight", "N", options.in_flight, "lines under way at once; default 1024")
        .range(1, limits::kClientRequestsMax);
    arguments
        .text("--on-error", "", options.on_error,
              "at a line that cannot be appended: stop (default), or say so and skip it")
        .one_of({"stop", "skip"});
    declare_store(arguments, options.store, Create::yes);
}

}  // namespace

ImportSummary import_lines(EventStore& store, ByteSource& source, const ImportOptions& options,
                           const Invocation& invocation) {
    Tally tally(options, invocation);
    TerminalProgress progress(invocation, "import");
    NdjsonReader reader(source);
    std::optional<Error> unreadable;
    std::optional<std::uint64_t> interrupted_at;
    {
        AppendPipeline pipeline(store, options.in_flight,
                                [&tally](const std::vector<Outcome>& known) { tally.take(known); });
        Line line;
        std::uint64_t last = 0;
        while (!tally.stopped()) {
            auto got = reader.next(line);
            // A stop breaks off the input: whatever the reader makes of that.
            if (invocation.console.stop.requested()) {
                if (!tally.stopped()) {
                    interrupted_at = last;
                }
                break;
            }
            if (!got) {
                unreadable = got.error();
                break;
            }
            if (!*got) {
                break;
            }
            if (!submit_line(line, pipeline) && options.on_error != "skip") {
                break;
            }
            last = line.number;
            progress.update(source.bytes_read(), source.bytes_total(), tally.done());
        }
        pipeline.finish();
    }
    tally.summary().unreadable = std::move(unreadable);
    tally.summary().interrupted_at = interrupted_at;
    return std::move(tally.summary());
}

Command import_command() {
    return command_of<ImportOptions>("import", "Append one event per line of NDJSON",
                                     "skald import orders.ndjson.gz --data ./orders", declare, run);
}

}  // namespace skald::cli
