// skald consumer: durable consumers of a node.
#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"
#include "cli/commands/commands.h"
#include "cli/consumer_file.h"
#include "cli/consumer_text.h"
#include "cli/json_writer.h"
#include "cli/model_session.h"
#include "cli/output.h"
#include "cli/session.h"

namespace skald::cli {
namespace {

struct ConsumerOptions {
    std::string name;
    std::string file;
    std::uint64_t limit = 1000;
    std::optional<std::uint64_t> count;
    std::optional<Place> place;
};

// One run of one child.
struct Work {
    const Invocation& invocation;
    const ConsumerOptions& options;
    Consumers& consumers;
    Output output;

    // To people; a program sees by the exit status that it is done.
    Result<void> said(std::string_view name, std::string_view what) {
        if (!invocation.globals.quiet && !output.json()) {
            output.line(fmt::format("{}: {}", name, what));
        }
        return {};
    }
    Result<void> changed(const Result<void>& done, std::string_view what) {
        return done ? said(options.name, what) : done.error();
    }
    // How many events it was that this became of.
    Result<void> counted_as(const Result<std::uint64_t>& events, std::string_view what) {
        if (!events) {
            return events.error();
        }
        if (!output.json()) {
            return said(options.name,
                        fmt::format("{} {}", counted(*events, "event", "events"), what));
        }
        std::string json;
        JsonWriter(json).begin_object().field(what, *events).end_object();
        output.line(json);
        return {};
    }
};

Result<void> list(Work& work) {
    auto all = work.consumers.list();
    if (!all) {
        return all.error();
    }
    for (const ConsumerStatus& status : *all) {
        work.output.line(work.output.json() ? consumer_json(status) : consumer_line(status));
    }
    return {};
}

Result<void> print(Work& work, std::string_view name) {
    auto status = work.consumers.show(name);
    if (!status) {
        return status.error();
    }
    work.output.line(work.output.json() ? consumer_json(*status) : consumer_text(*status));
    return {};
}

Result<void> show(Work& work) {
    return print(work, work.options.name);
}

using Declared = Result<void> (Consumers::*)(const ConsumerSettings&);

Result<void> declare_consumer(Work& work, Declared how, std::string_view what) {
    auto text = read_declaration(work.invocation, work.options.file);
    if (!text) {
        return text.error();
    }
    auto settings = parse_consumer_file(work.options.file, *text);
    if (!settings) {
        return settings.error();
    }
    if (auto ok = (work.consumers.*how)(*settings); !ok) {
        return ok;
    }
    return work.output.json() ? print(work, settings->name) : work.said(settings->name, what);
}

Result<void> create(Work& work) {
    return declare_consumer(work, &Consumers::create, "created");
}

Result<void> edit(Work& work) {
    return declare_consumer(work, &Consumers::edit, "changed");
}

Result<void> pause(Work& work) {
    return work.changed(work.consumers.pause(work.options.name), "paused");
}

Result<void> resume(Work& work) {
    return work.changed(work.consumers.resume(work.options.name), "resumed");
}

Result<void> remove(Work& work) {
    return work.changed(work.consumers.remove(work.options.name), "deleted");
}

Result<void> list_parked(Work& work) {
    std::optional<Place> after;
    for (std::uint64_t left = work.options.limit; left > 0;) {
        const auto wanted =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(left, limits::kListMax));
        auto events = work.consumers.parked(work.options.name, after, wanted);
        if (!events) {
            return events.error();
        }
        for (const ParkedEvent& event : *events) {
            work.output.line(work.output.json() ? parked_json(event) : parked_line(event));
            after = event.place;
        }
        if (events->size() < wanted) {
            break;
        }
        left -= wanted;
    }
    return {};
}

Result<void> replay(Work& work) {
    const ConsumerOptions& options = work.options;
    return work.counted_as(options.place
                               ? work.consumers.replay_one(options.name, *options.place)
                               : work.consumers.replay(options.name, options.count.value_or(~0ULL)),
                           "replayed");
}

Result<void> purge(Work& work) {
    return work.counted_as(work.consumers.purge(work.options.name), "purged");
}

using Run = Result<void> (*)(Work&);
using Declare = void (*)(Arguments&, ConsumerOptions&);

Result<void> run(const ConsumerOptions& options, const Invocation& invocation, Run what) {
    auto consumers = open_consumers(invocation);
    if (!consumers) {
        return consumers.error();
    }
    Work work{invocation, options, **consumers, Output(invocation)};
    if (auto done = what(work); !done) {
        return done;
    }
    return work.output.flush();
}

std::optional<std::string> parse_place(const std::string& word, std::optional<Place>& to) {
    Place place;
    const char* const end = word.data() + word.size();
    const auto partition = std::from_chars(word.data(), end, place.partition.value);
    if (partition.ec == std::errc{} && partition.ptr != end && *partition.ptr == ':') {
        const auto offset = std::from_chars(partition.ptr + 1, end, place.offset.value);
        if (offset.ec == std::errc{} && offset.ptr == end) {
            to = place;
            return std::nullopt;
        }
    }
    return "not a place, as 0:1234: a partition and an offset";
}

void declare_nothing(Arguments&, ConsumerOptions&) {}

void declare_name(Arguments& arguments, ConsumerOptions& options) {
    arguments.text("NAME", "", options.name, "the consumer's name").required();
}

void declare_file(Arguments& arguments, ConsumerOptions& options) {
    arguments.text("FILE", "PATH", options.file, "its settings, TOML").path().required();
}

void declare_parked(Arguments& arguments, ConsumerOptions& options) {
    declare_name(arguments, options);
    arguments.number("--limit", "N", options.limit, "at most so many; default 1000")
        .range(1, ~0ULL);
}

void declare_replay(Arguments& arguments, ConsumerOptions& options) {
    declare_name(arguments, options);
    auto count =
        arguments.number("--count", "N", options.count, "the first N; default all").range(1, ~0ULL);
    arguments
        .parsed(
            "--place", "P:OFFSET",
            [&options](const std::string& word) { return parse_place(word, options.place); },
            "the one there, and of its key what waits behind it")
        .excludes(count);
}

Command child(std::string name, std::string summary, std::string example, Declare declare,
              Run what) {
    return command_of<ConsumerOptions>(
        std::move(name), std::move(summary), std::move(example), declare,
        [what](const ConsumerOptions& options, const Invocation& invocation) {
            return run(options, invocation, what);
        });
}

}  // namespace

Command consumer_command() {
    return {
        .name = "consumer",
        .summary = "Durable consumers of a node: their members share the work",
        .example = "skald consumer create billing.toml",
        .declare = {},
        .run = {},
        .children = {
            child("ls", "List consumers", "skald consumer ls", declare_nothing, list),
            child("show", "Where one stands", "skald consumer show billing", declare_name, show),
            child("create", "Declare one", "skald consumer create billing.toml", declare_file,
                  create),
            child("edit", "Change the settings of one", "skald consumer edit billing.toml",
                  declare_file, edit),
            child("pause", "Give out nothing until it is resumed", "skald consumer pause billing",
                  declare_name, pause),
            child("resume", "Give out events again", "skald consumer resume billing", declare_name,
                  resume),
            child("parked", "List the events that were put aside",
                  "skald consumer parked billing --limit 20", declare_parked, list_parked),
            child("replay", "Give out again what was put aside",
                  "skald consumer replay billing --count 1", declare_replay, replay),
            child("purge", "Take what was put aside for done", "skald consumer purge billing",
                  declare_name, purge),
            child("delete", "Remove one; its members end", "skald consumer delete billing",
                  declare_name, remove)}};
}

}  // namespace skald::cli
