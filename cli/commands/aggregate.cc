// skald aggregate: the state of one stream, folded by a declared projection.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/glob.h"
#include "cli/commands/commands.h"
#include "cli/json_writer.h"
#include "cli/model_session.h"
#include "cli/output.h"
#include "cli/row_table.h"
#include "cli/selection.h"
#include "skald/cqrs/declared.h"
#include "skald/cqrs/fold.h"

namespace skald::cli {
namespace {

struct AggregateOptions {
    StoreChoice store;
    std::string stream;
    std::string at;
    std::string by;
    std::string file;
};

Result<cqrs::StreamAt> wanted(const AggregateOptions& options) {
    cqrs::StreamAt what{options.stream, {}, {}};
    if (options.at.empty()) {
        return what;
    }
    const auto start = parse_start(options.at, Selection::stream(options.stream));
    if (start && std::holds_alternative<Version>(*start)) {
        what.at = std::get<Version>(*start);
        return what;
    }
    if (start && std::holds_alternative<AtTime>(*start)) {
        what.until = std::get<AtTime>(*start).time;
        return what;
    }
    return Error(
        Errc::invalid_argument,
        fmt::format("--at {}: neither a version nor @TIME, as @2026-01-31T08:00:00Z", options.at));
}

// The projection that is declared from the stream's category.
Result<std::string> projection_for(cqrs::ReadModels& models, const std::string& stream) {
    auto infos = models.list();
    if (!infos) {
        return infos.error();
    }
    const std::string category(category_of(stream));
    std::vector<std::string> names;
    for (const cqrs::ModelInfo& info : *infos) {
        if (info.category == category) {
            names.push_back(info.name);
        }
        if (info.category == category && info.name == category) {
            return info.name;
        }
    }
    if (names.empty()) {
        return Error(Errc::not_found,
                     fmt::format("{}: no projection is declared from category {}: name one with "
                                 "--by, or a declaration with --file",
                                 stream, category));
    }
    return names.size() == 1
               ? Result<std::string>(names.front())
               : Error(Errc::invalid_argument,
                       fmt::format("{}: several projections are declared from category {}: name "
                                   "one with --by: {}",
                                   stream, category, fmt::join(names, ", ")));
}

Result<cqrs::StreamState> fold_by_name(const AggregateOptions& options,
                                       const Invocation& invocation, const cqrs::StreamAt& what) {
    auto session = ModelSession::open(invocation, options.store);
    if (!session) {
        return session.error();
    }
    auto name = options.by.empty() ? projection_for(session->models(), options.stream)
                                   : Result<std::string>(options.by);
    return name ? session->models().fold(*name, what) : name.error();
}

Result<cqrs::StreamState> fold_by_file(const AggregateOptions& options,
                                       const Invocation& invocation, const cqrs::StreamAt& what) {
    auto text = read_declaration(invocation, options.file);
    auto declaration = text ? cqrs::parse_declaration(options.file, *text) : text.error();
    auto store = declaration ? open_session(invocation, options.store, Create::no)
                             : Result<std::unique_ptr<EventStore>>(declaration.error());
    return store ? cqrs::fold_stream(**store, declaration->projection, what) : store.error();
}

void print(Output& output, const cqrs::StreamState& state, const AggregateOptions& options,
           bool as_table) {
    if (!as_table) {
        std::string line;
        JsonWriter json(line);
        json.begin_object().field("stream", options.stream);
        state.version ? json.field("version", state.version->value) : json.key("version").null();
        json.field("events", state.events).key("rows").begin_array();
        for (const std::string& row : state.rows) {
            json.raw(row);
        }
        json.end_array().end_object();
        output.line(line);
        return;
    }
    output.line(fmt::format("{}  {}  {}", options.stream,
                            state.version ? fmt::format("version {}", state.version->value)
                                          : std::string("nothing that it handles"),
                            counted(state.events, "event", "events")));
    for (const std::string& line : row_table(state.rows)) {
        output.line(line);
    }
}

Result<void> show(const AggregateOptions& options, const Invocation& invocation) {
    auto what = wanted(options);
    if (!what) {
        return what.error();
    }
    auto state = options.file.empty() ? fold_by_name(options, invocation, *what)
                                      : fold_by_file(options, invocation, *what);
    if (!state) {
        return state.error();
    }
    const Globals& globals = invocation.globals;
    Output output(invocation);
    print(output, *state, options,
          !globals.json && (globals.text || invocation.console.out_is_terminal));
    return output.flush();
}

void declare(Arguments& arguments, AggregateOptions& options) {
    arguments.text("STREAM", "", options.stream, "whose events are folded").required();
    arguments.text("--at", "N|@TIME", options.at,
                   "up to that version, or the events recorded by then; default all");
    auto by = arguments.text("--by", "PROJECTION", options.by,
                             "a declared one; default the one from the stream's category");
    arguments.text("--file", "PATH", options.file, "a declaration that is not created")
        .path()
        .excludes(by);
    declare_store(arguments, options.store, Create::no);
}

}  // namespace

Command aggregate_command() {
    return {.name = "aggregate",
            .summary = "Fold a stream into what it says",
            .example = "skald aggregate show order-17 --at 3",
            .declare = {},
            .run = {},
            .children = {command_of<AggregateOptions>(
                "show", "The state of a stream, at any version or time",
                "skald aggregate show order-17 --at 3 --by orders", declare, show)}};
}

}  // namespace skald::cli
