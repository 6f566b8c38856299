// skald stream: look at streams and end their events.
#include <fmt/format.h>

#include "base/limits.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/session.h"

namespace skald::cli {
namespace {

struct StreamOptions {
    StoreChoice store;
    std::string stream;
    std::string glob = "*";
    std::uint64_t before = 0;
    bool hard = false;
    bool clear = false;
    std::optional<std::uint64_t> max_count;
    std::optional<std::chrono::microseconds> max_age;
};

using Work = Result<void> (*)(EventStore&, const StreamOptions&, Output&);

Result<void> list(EventStore& store, const StreamOptions& options, Output& output) {
    std::string after;
    do {
        auto page = store.list_streams(options.glob, after, limits::kListMax);
        if (!page) {
            return page.error();
        }
        for (const StreamInfo& info : page->streams) {
            output.stream(info);
        }
        after = page->next;
        if (auto flushed = output.flush(); !flushed) {
            return flushed;
        }
    } while (!after.empty());
    return {};
}

Error no_stream(const StreamOptions& options) {
    return {Errc::stream_not_found, fmt::format("{}: there is no such stream", options.stream)};
}

Result<void> info(EventStore& store, const StreamOptions& options, Output& output) {
    auto found = store.stream_info(options.stream);
    if (!found) {
        return found.error();
    }
    if (found->state == StreamState::none) {
        return no_stream(options);
    }
    output.stream(*found);
    return {};
}

// A change asks for a stream that is there: when it is not, that is no conflict to whoever named
// it.
Error explain(EventStore& store, const StreamOptions& options, Error error) {
    if (error.code != Errc::wrong_expected_version) {
        return error;
    }
    const auto found = store.stream_info(options.stream);
    if (found && found->state == StreamState::none) {
        return no_stream(options);
    }
    if (found && found->state == StreamState::deleted) {
        return {Errc::stream_deleted, fmt::format("{}: the stream was deleted", options.stream)};
    }
    return error;
}

// What was deleted can still be deleted for good.
Expected expected_by(EventStore& store, const StreamOptions& options) {
    if (!options.hard) {
        return Expected::stream_exists();
    }
    const auto found = store.stream_info(options.stream);
    if (!found || found->state != StreamState::deleted || !found->last) {
        return Expected::stream_exists();
    }
    return Expected::exact(*found->last);
}

Result<void> change(EventStore& store, const StreamOptions& options, LifecycleChange wanted,
                    Output& output) {
    auto receipt = store.change_stream({options.stream, expected_by(store, options), wanted});
    if (!receipt) {
        return explain(store, options, receipt.error());
    }
    output.receipt(*receipt);
    return {};
}

Result<void> truncate(EventStore& store, const StreamOptions& options, Output& output) {
    return change(store, options, TruncateStream{Version(options.before)}, output);
}

Result<void> remove(EventStore& store, const StreamOptions& options, Output& output) {
    return change(store, options, DeleteStream{options.hard}, output);
}

// A limit that is not named stays as it is.
Result<void> limit(EventStore& store, const StreamOptions& options, Output& output) {
    if (!options.clear && !options.max_count && !options.max_age) {
        return info(store, options, output);
    }
    auto now = store.stream_info(options.stream);
    if (!now) {
        return now.error();
    }
    StreamLimits wanted = options.clear ? StreamLimits{} : now->limits;
    if (options.max_count) {
        wanted.max_count = options.max_count;
    }
    if (options.max_age) {
        wanted.max_age = options.max_age;
    }
    return change(store, options, SetLimits{wanted}, output);
}

Result<void> run(const StreamOptions& options, const Invocation& invocation, Work work) {
    auto store = open_session(invocation, options.store, Create::no);
    if (!store) {
        return store.error();
    }
    Output output(invocation);
    if (auto done = work(**store, options, output); !done) {
        return done;
    }
    return output.flush();
}

using Declare = void (*)(Arguments&, StreamOptions&);

void declare_stream(Arguments& arguments, StreamOptions& options) {
    arguments.text("STREAM", "", options.stream, "the stream's name").required();
}

void declare_list(Arguments& arguments, StreamOptions& options) {
    arguments.text("GLOB", "", options.glob, "only names that match; default all but our own");
}

void declare_truncate(Arguments& arguments, StreamOptions& options) {
    declare_stream(arguments, options);
    arguments.number("--before", "VERSION", options.before, "events below this version go")
        .required();
}

void declare_delete(Arguments& arguments, StreamOptions& options) {
    declare_stream(arguments, options);
    arguments.flag("--hard", options.hard, "for good: the name can never be used again");
}

void declare_limits(Arguments& arguments, StreamOptions& options) {
    declare_stream(arguments, options);
    arguments.number("--max-count", "N", options.max_count, "keep the newest N events")
        .range(1, ~0ULL);
    arguments.duration("--max-age", "DURATION", options.max_age, "keep events for so long");
    arguments.flag("--clear", options.clear, "no limits but those named beside it");
}

Command child(std::string name, std::string summary, std::string example, Declare declare,
              Work work) {
    return command_of<StreamOptions>(
        std::move(name), std::move(summary), std::move(example),
        [declare](Arguments& arguments, StreamOptions& options) {
            declare(arguments, options);
            declare_store(arguments, options.store, Create::no);
        },
        [work](const StreamOptions& options, const Invocation& invocation) {
            return run(options, invocation, work);
        });
}

}  // namespace

Command stream_command() {
    return {.name = "stream",
            .summary = "Look at streams, truncate, limit and delete them",
            .example = "skald stream ls 'orders-*'",
            .declare = {},
            .run = {},
            .children = {
                child("ls", "List streams", "skald stream ls 'orders-*'", declare_list, list),
                child("info", "What a stream holds", "skald stream info orders-1", declare_stream,
                      info),
                child("truncate", "Remove the oldest events",
                      "skald stream truncate orders-1 --before 100", declare_truncate, truncate),
                child("delete", "Delete a stream", "skald stream delete orders-1", declare_delete,
                      remove),
                child("limits", "Show or set how much a stream keeps",
                      "skald stream limits orders-1 --max-count 1000 --max-age 30d", declare_limits,
                      limit)}};
}

}  // namespace skald::cli
