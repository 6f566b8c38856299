// skald consumer: durable consumers of a node.
#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"
#include "cli/commands/commands.h"
#include "cli/consumer_file.h"
#include "cli/consumer_text.h"
#include "cli/json_writer.h"
#include "cli/model_session.h"
#include "cli/work.h"

namespace skald::cli {
namespace {

struct ConsumerOptions {
    std::string name;
    std::string file;
    std::uint64_t limit = 1000;
    std::optional<std::uint64_t> count;
    std::optional<Place> place;
};

using ConsumerWork = Work<ConsumerOptions, Consumers>;

Result<void> changed(ConsumerWork& work, const Result<void>& done, std::string_view what) {
    return work.said(done, fmt::format("{}: {}", work.options.name, what));
}

// How many events it was that this became of.
Result<void> counted_as(ConsumerWork& work, const Result<std::uint64_t>& events,
                        std::string_view what) {
    if (!events) {
        return events.error();
    }
    if (!work.output.json()) {
        return changed(work, {}, fmt::format("{} {}", counted(*events, "event", "events"), what));
    }
    std::string json;
    JsonWriter(json).begin_object().field(what, *events).end_object();
    work.output.line(json);
    return {};
}

Result<void> list(ConsumerWork& work) {
    auto all = work.target.list();
    if (!all) {
        return all.error();
    }
    for (const ConsumerStatus& status : *all) {
        work.output.line(work.output.json() ? consumer_json(status) : consumer_line(status));
    }
    return {};
}

Result<void> print(ConsumerWork& work, std::string_view name) {
    auto status = work.target.show(name);
    if (!status) {
        return status.error();
    }
    work.output.line(work.output.json() ? consumer_json(*status) : consumer_text(*status));
    return {};
}

Result<void> show(ConsumerWork& work) {
    return print(work, work.options.name);
}

using Declared = Result<void> (Consumers::*)(const ConsumerSettings&);

Result<void> declare_consumer(ConsumerWork& work, Declared how, std::string_view what) {
    auto text = read_declaration(work.invocation, work.options.file);
    if (!text) {
        return text.error();
    }
    auto settings = parse_consumer_file(work.options.file, *text);
    if (!settings) {
        return settings.error();
    }
    if (auto ok = (work.target.*how)(*settings); !ok) {
        return ok;
    }
    return work.output.json() ? print(work, settings->name)
                              : work.said(fmt::format("{}: {}", settings->name, what));
}

Result<void> create(ConsumerWork& work) {
    return declare_consumer(work, &Consumers::create, "created");
}

Result<void> edit(ConsumerWork& work) {
    return declare_consumer(work, &Consumers::edit, "changed");
}

Result<void> pause(ConsumerWork& work) {
    return changed(work, work.target.pause(work.options.name), "paused");
}

Result<void> resume(ConsumerWork& work) {
    return changed(work, work.target.resume(work.options.name), "resumed");
}

Result<void> remove(ConsumerWork& work) {
    return changed(work, work.target.remove(work.options.name), "deleted");
}

Result<void> list_parked(ConsumerWork& work) {
    std::optional<Place> after;
    for (std::uint64_t left = work.options.limit; left > 0;) {
        const auto wanted =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(left, limits::kListMax));
        auto events = work.target.parked(work.options.name, after, wanted);
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

Result<void> replay(ConsumerWork& work) {
    const ConsumerOptions& options = work.options;
    return counted_as(work,
                      options.place
                          ? work.target.replay_one(options.name, *options.place)
                          : work.target.replay(options.name, options.count.value_or(~0ULL)),
                      "replayed");
}

Result<void> purge(ConsumerWork& work) {
    return counted_as(work, work.target.purge(work.options.name), "purged");
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

Command child(std::string name, std::string summary, std::string example,
              void (*declare)(Arguments&, ConsumerOptions&), Result<void> (*what)(ConsumerWork&)) {
    return command_of<ConsumerOptions>(
        std::move(name), std::move(summary), std::move(example), declare,
        [what](const ConsumerOptions& options, const Invocation& invocation) -> Result<void> {
            auto consumers = open_consumers(invocation);
            return consumers ? work_on(**consumers, options, invocation, what) : consumers.error();
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
