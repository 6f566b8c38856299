// skald projection: declared projections and their read models.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/event_text.h"
#include "cli/model_session.h"
#include "cli/output.h"

namespace skald::cli {
namespace {

struct ProjectionOptions {
    StoreChoice store;
    std::string name;
    std::string file;
    std::string key;
    bool replay = false;
    std::uint64_t version = 0;
};

// One run of one child.
struct Work {
    const Invocation& invocation;
    const ProjectionOptions& options;
    ModelSession& session;
    Output output;

    cqrs::ReadModels& models() { return session.models(); }
    template <cqrs::Described T>
    Result<void> json(const T& value) {
        auto text = cqrs::description_of<T>().encode(value);
        if (!text) {
            return text.error();
        }
        output.line(*text);
        return {};
    }
    Result<void> said(const std::string& what) {
        if (!invocation.globals.quiet && !output.json()) {
            output.line(fmt::format("{}: {}", options.name, what));
        }
        return {};
    }
};

std::string version_text(const cqrs::ModelVersionInfo& version) {
    std::string text =
        fmt::format("v{}  {}{}  {}  lag {}", version.version,
                    version.active ? "active" : (version.previous ? "previous" : "built beside"),
                    version.complete ? "" : ", not complete", version.state, version.lag);
    if (version.eta_s && version.lag > 0) {
        text += fmt::format("  ETA {:.0f} s", *version.eta_s);
    }
    text += fmt::format("  {}  {:.0f}/s", counted(version.events, "event", "events"), version.rate);
    if (version.parked > 0) {
        text += fmt::format("  {} parked", version.parked);
    }
    return text;
}

void info_text(Output& output, const cqrs::ModelInfo& info) {
    const std::string paused = info.paused ? "  paused" : "";
    if (info.fault) {
        output.line(tame(fmt::format("{}{}  fault: {}", info.name, paused, *info.fault)));
    }
    for (const cqrs::ModelVersionInfo& version : info.versions) {
        output.line(fmt::format("{}{}  {}", info.name, paused, version_text(version)));
        if (version.error) {
            output.line(tame(fmt::format("    last error: {}", *version.error)));
        }
    }
}

Result<void> print_info(Work& work, const cqrs::ModelInfo& info) {
    if (work.output.json()) {
        return work.json(info);
    }
    info_text(work.output, info);
    return {};
}

Result<void> list(Work& work) {
    auto infos = work.models().list();
    if (!infos) {
        return infos.error();
    }
    for (const cqrs::ModelInfo& info : *infos) {
        if (auto ok = print_info(work, info); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> show(Work& work) {
    auto info = work.models().show(work.options.name);
    return info ? print_info(work, *info) : info.error();
}

// Builds what was begun, and says what it is.
Result<void> build(Work& work, const Result<cqrs::ModelBegun>& begun) {
    if (!begun) {
        return begun.error();
    }
    if (auto ok = work.session.build(work.invocation, begun->name, begun->version); !ok) {
        return ok;
    }
    if (work.output.json()) {
        return work.json(*begun);
    }
    auto info = work.models().show(begun->name);
    if (!info) {
        return info.error();
    }
    info_text(work.output, *info);
    const bool beside = info->versions.size() > 1 && !info->versions.back().active;
    if (beside && !work.invocation.globals.quiet) {
        work.output.line(
            fmt::format("`skald projection promote {}` makes version {} the one that "
                        "queries see",
                        begun->name, begun->version));
    }
    return {};
}

Result<void> create(Work& work) {
    const std::string& file = work.options.file;
    auto text = read_declaration(work.invocation, file);
    if (!text) {
        return text.error();
    }
    return build(work, work.models().create(file, *text));
}

Result<void> rebuild(Work& work) {
    return build(work, work.models().rebuild(work.options.name));
}

Result<void> promote(Work& work) {
    const std::string& name = work.options.name;
    auto info = work.models().show(name);
    if (!info) {
        return info.error();
    }
    const auto wanted = static_cast<std::uint32_t>(work.options.version);
    const std::uint32_t newest = info->versions.empty() ? 0 : info->versions.back().version;
    if (auto ok = work.session.catch_up(work.invocation, name, wanted == 0 ? newest : wanted);
        !ok) {
        return ok;
    }
    auto promoted = work.models().promote(name, wanted, work.invocation.globals.timeout);
    if (!promoted) {
        return promoted.error();
    }
    return work.output.json() ? work.json(*promoted)
                              : work.said(fmt::format("version {} is active", promoted->version));
}

Result<void> pause(Work& work) {
    auto ok = work.models().pause(work.options.name);
    return ok ? work.said("paused") : std::move(ok);
}

Result<void> resume(Work& work) {
    auto ok = work.models().resume(work.options.name);
    return ok ? work.said("resumed") : std::move(ok);
}

Result<void> remove(Work& work) {
    auto ok = work.models().remove(work.options.name);
    return ok ? work.said("deleted") : std::move(ok);
}

Result<void> list_parked(Work& work) {
    auto events = work.models().parked(work.options.name, work.options.key);
    if (!events) {
        return events.error();
    }
    for (const cqrs::ParkedEvent& event : *events) {
        if (work.output.json()) {
            if (auto ok = work.json(event); !ok) {
                return ok;
            }
            continue;
        }
        work.output.line(tame(
            fmt::format("{}  {} version {}  {}  {}", event.key, event.stream, event.version.value,
                        event.type, event.reason.empty() ? "waits behind another" : event.reason)));
    }
    return {};
}

Result<void> parked(Work& work) {
    if (auto ok = work.session.catch_up(work.invocation, work.options.name); !ok) {
        return ok;
    }
    if (!work.options.replay) {
        return list_parked(work);
    }
    auto replayed = work.models().replay_parked(work.options.name, work.options.key);
    if (!replayed) {
        return replayed.error();
    }
    if (replayed->error) {
        return Error(Errc::store_failed, fmt::format("{}: {} replayed, then: {}", work.options.name,
                                                     counted(replayed->events, "event", "events"),
                                                     replayed->error->message));
    }
    return work.said(counted(replayed->events, "event", "events") + " replayed");
}

using Run = Result<void> (*)(Work&);
using Declare = void (*)(Arguments&, ProjectionOptions&);

Result<void> run(const ProjectionOptions& options, const Invocation& invocation, Run what) {
    auto session = ModelSession::open(invocation, options.store);
    if (!session) {
        return session.error();
    }
    Work work{invocation, options, *session, Output(invocation)};
    if (auto done = what(work); !done) {
        return done;
    }
    return work.output.flush();
}

void declare_nothing(Arguments&, ProjectionOptions&) {}

void declare_name(Arguments& arguments, ProjectionOptions& options) {
    arguments.text("NAME", "", options.name, "the projection's name").required();
}

void declare_file(Arguments& arguments, ProjectionOptions& options) {
    arguments.text("FILE", "PATH", options.file, "the declaration, TOML").path().required();
}

void declare_promote(Arguments& arguments, ProjectionOptions& options) {
    declare_name(arguments, options);
    arguments
        .number("--version", "N", options.version, "default the newest; the previous goes back")
        .range(1, UINT32_MAX);
}

void declare_parked(Arguments& arguments, ProjectionOptions& options) {
    declare_name(arguments, options);
    auto key = arguments.text("--key", "KEY", options.key, "only what is parked under it");
    arguments.flag("--replay", options.replay, "handle them again, in order").needs(key);
}

Command child(std::string name, std::string summary, std::string example, Declare declare,
              Run what) {
    return command_of<ProjectionOptions>(
        std::move(name), std::move(summary), std::move(example),
        [declare](Arguments& arguments, ProjectionOptions& options) {
            declare(arguments, options);
            declare_store(arguments, options.store, Create::no);
        },
        [what](const ProjectionOptions& options, const Invocation& invocation) {
            return run(options, invocation, what);
        });
}

}  // namespace

Command projection_command() {
    return {.name = "projection",
            .summary = "Declare projections, look at their read models, change them",
            .example = "skald projection create work.toml",
            .declare = {},
            .run = {},
            .children = {
                child("ls", "List read models", "skald projection ls --data ./data",
                      declare_nothing, list),
                child("create", "Declare one, or a changed one beside",
                      "skald projection create work.toml", declare_file, create),
                child("show", "Where one stands", "skald projection show work", declare_name, show),
                child("rebuild", "Build the active version once more, beside",
                      "skald projection rebuild work", declare_name, rebuild),
                child("promote", "Make another version the one that queries see",
                      "skald projection promote work", declare_promote, promote),
                child("pause", "Handle no events until it is resumed",
                      "skald projection pause work", declare_name, pause),
                child("resume", "Handle events again, also after an error",
                      "skald projection resume work", declare_name, resume),
                child("parked", "List or replay the events that were put aside",
                      "skald projection parked work --key 17 --replay", declare_parked, parked),
                child("delete", "Remove one, with its rows", "skald projection delete work",
                      declare_name, remove)}};
}

}  // namespace skald::cli
