#include "cli/commands/pub.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json_scanner.h"
#include "base/limits.h"
#include "base/schedule.h"
#include "cli/commands/commands.h"
#include "cli/event_json.h"
#include "cli/key_values.h"
#include "cli/output.h"
#include "skald/work_terms.h"

namespace skald::cli {
namespace {

// What an event without data holds.
constexpr std::string_view kEmptyObject = "{}";

// One byte more than data may have: a file ends with a line break.
Result<std::string> read_input(ByteSource& source) {
    auto bytes = read_all(source, limits::kEventDataBytesMax + 1);
    if (!bytes && bytes.error().code == Errc::request_too_large) {
        return Error(Errc::event_too_large, fmt::format("an event has at most {} bytes of data",
                                                        limits::kEventDataBytesMax));
    }
    return bytes;
}

Result<std::string> read_data(const PubOptions& options, Console& console) {
    if (options.data) {
        return *options.data;
    }
    if (options.input == "-" || options.file == "-") {
        return read_input(console.in);
    }
    if (!options.file) {
        return std::string(kEmptyObject);
    }
    auto source = FileSource::open(*options.file, console.stop);
    if (!source) {
        return source.error();
    }
    return read_input(**source);
}

Result<void> take_data(NewEvent& event, std::string bytes) {
    if (!is_json_type(event.content_type)) {
        event.data = std::move(bytes);
        return {};
    }
    event.data = trim_json_space(bytes);
    if (!is_json(event.data)) {
        return Error(
            Errc::invalid_argument,
            "the data is not JSON: quote text as '\"text\"', or name its --content-type (a "
            "data directory is named with --dir)");
    }
    return {};
}

Result<void> take_terms(NewEvent& event, const PubOptions& options) {
    WorkTerms terms;
    if (options.at) {
        terms.at = parse_time(*options.at);
        if (!terms.at) {
            return Error(Errc::invalid_argument,
                         fmt::format("--at {}: not an RFC 3339 time", *options.at));
        }
    }
    using std::chrono::milliseconds;
    if (options.delay) {
        terms.delay = std::chrono::ceil<milliseconds>(*options.delay);
    }
    if (options.ttl) {
        terms.ttl = std::chrono::ceil<milliseconds>(*options.ttl);
    }
    terms.high = options.priority == "high";
    terms.repeat = options.repeat;
    if (!terms.repeat.empty()) {
        if (auto schedule = Schedule::parse(terms.repeat); !schedule) {
            return schedule.error();
        }
    }
    set_work_terms(event, terms);
    return {};
}

Result<NewEvent> make_event(const PubOptions& options, Console& console) {
    NewEvent event;
    event.type = options.type;
    event.content_type = options.content_type;
    event.correlation_id = options.correlation;
    event.causation_id = options.causation;
    event.tags = options.tags;
    if (options.id) {
        event.id = parse_uuid(*options.id);
        if (!event.id) {
            return Error(Errc::invalid_id, fmt::format("--id {}: not a UUID", *options.id));
        }
    }
    if (options.time) {
        event.time = parse_time(*options.time);
        if (!event.time) {
            return Error(Errc::invalid_argument,
                         fmt::format("--time {}: not an RFC 3339 time", *options.time));
        }
    }
    auto metadata = parse_key_values("--meta", options.metadata);
    if (!metadata) {
        return metadata.error();
    }
    event.metadata = std::move(*metadata);
    if (auto taken = take_terms(event, options); !taken) {
        return taken.error();
    }
    auto data = read_data(options, console);
    if (!data) {
        return data.error();
    }
    if (auto taken = take_data(event, std::move(*data)); !taken) {
        return taken.error();
    }
    return event;
}

Result<void> publish_ephemeral(const PubOptions& options, const Invocation& invocation) {
    if (!options.store.directory.empty()) {
        return Error(Errc::invalid_argument,
                     fmt::format("--ephemeral with --dir {}: nobody else can be subscribed in this "
                                 "process; name a --server",
                                 options.store.directory));
    }
    auto event = make_event(options, invocation.console);
    if (!event) {
        return event.error();
    }
    auto store = open_session(invocation, options.store, Create::no);
    if (!store) {
        return store.error();
    }
    const auto id = (*store)->publish_ephemeral(options.stream, std::move(*event));
    if (!id) {
        return id.error();
    }
    Output output(invocation);
    if (!invocation.globals.quiet) {
        output.ephemeral_receipt(options.stream, *id);
    }
    return output.flush();
}

Result<void> run(const PubOptions& options, const Invocation& invocation) {
    if (options.ephemeral) {
        return publish_ephemeral(options, invocation);
    }
    auto append = make_append(options, invocation.console);
    if (!append) {
        return append.error();
    }
    auto store = open_session(invocation, options.store, Create::yes);
    if (!store) {
        return store.error();
    }
    auto receipt = (*store)->append(std::move(*append));
    if (!receipt) {
        return receipt.error();
    }
    Output output(invocation);
    if (!invocation.globals.quiet) {
        output.receipt(*receipt);
    }
    return output.flush();
}

void declare(Arguments& arguments, PubOptions& options) {
    arguments.text("STREAM", "", options.stream, "the stream's name").required();
    auto input =
        arguments.text("INPUT", "", options.input, "`-`: data from standard input").one_of({"-"});
    arguments.text("--type", "TYPE", options.type, "the event's type").required();
    auto data = arguments.text("--data", "JSON", options.data, "the event's data; default {}");
    auto file = arguments.text("--file", "PATH", options.file, "data from this file").path();
    data.excludes(file).excludes(input);
    file.excludes(input);
    arguments.text("--content-type", "TYPE", options.content_type,
                   "of the data; default application/json, which is checked");
    arguments.text("--id", "UUID", options.id,
                   "the event's id: a second append with it gives the first receipt again");
    arguments.text("--time", "TIME", options.time, "when it happened, RFC 3339; default now");
    const auto expect =
        arguments.text("--expect", "any|none|exists|N", options.expect,
                       "what the stream must be: any (default), not there, there, at version N");
    arguments.list("--meta", "KEY=VALUE", options.metadata, "metadata; again for more");
    arguments.list("--tag", "TAG", options.tags, "a tag; again for more");
    arguments.text("--correlation", "ID", options.correlation, "what it belongs to");
    arguments.text("--causation", "ID", options.causation, "what led to it");
    const auto at = arguments.text("--at", "TIME", options.at,
                                   "consumers give it out then, RFC 3339; default at once");
    arguments.duration("--delay", "TIME", options.delay, "consumers give it out so much later")
        .excludes(at);
    arguments.duration("--ttl", "TIME", options.ttl,
                       "consumers drop it when it is not done so long after that");
    arguments.text("--priority", "", options.priority, "high: before others; default normal")
        .one_of({"normal", "high"});
    arguments.text("--repeat", "SCHEDULE", options.repeat,
                   "consumers give it out again and again: `every 10m`, or five fields of cron");
    auto ack = arguments.text("--ack", "", options.ack,
                              "answer when a quorum (default) or the primary alone has it on disk");
    ack.one_of({"quorum", "primary"});
    auto fence = arguments.text("--fence", "NAME:TOKEN", options.fence,
                                "refused when a higher token of that name was seen: of the lock or "
                                "election that the append is made under");
    arguments
        .flag("--ephemeral", options.ephemeral,
              "store nothing: hand it to those who are subscribed now")
        .excludes(expect)
        .excludes(fence)
        .excludes(ack);
    declare_store(arguments, options.store, Create::yes, "--dir");
}

}  // namespace

Result<Expected> parse_expected(std::string_view text) {
    if (text == "any") {
        return Expected::any();
    }
    if (text == "none") {
        return Expected::no_stream();
    }
    if (text == "exists") {
        return Expected::stream_exists();
    }
    std::uint64_t version = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, version);
    if (problem != std::errc{} || stop != end) {
        return Error(Errc::invalid_argument,
                     fmt::format("--expect {}: not any, none, exists or a version", text));
    }
    return Expected::exact(version);
}

Result<Fence> parse_fence(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    Fence fence;
    if (colon != std::string_view::npos && colon != 0) {
        fence.name = text.substr(0, colon);
        const char* const end = text.data() + text.size();
        const auto [stop, problem] = std::from_chars(text.data() + colon + 1, end, fence.token);
        if (problem == std::errc{} && stop == end) {
            return fence;
        }
    }
    return Error(Errc::invalid_argument,
                 fmt::format("--fence {}: not NAME:TOKEN, as nightly:12", text));
}

Result<Append> make_append(const PubOptions& options, Console& console) {
    const auto expected = parse_expected(options.expect);
    if (!expected) {
        return expected.error();
    }
    auto event = make_event(options, console);
    if (!event) {
        return event.error();
    }
    const bool has_id = event->id.has_value();
    Append append;
    append.streams.push_back({options.stream, *expected, {}});
    append.streams.back().events.push_back(std::move(*event));
    append.check_ids = has_id;
    append.ack = options.ack == "primary" ? Ack::primary : Ack::quorum;
    if (options.fence) {
        auto fence = parse_fence(*options.fence);
        if (!fence) {
            return fence.error();
        }
        append.fence = std::move(*fence);
    }
    return append;
}

Command pub_command() {
    return command_of<PubOptions>(
        "pub", "Append one event",
        "skald pub orders-1 --type Placed --data '{\"total\": 12}' --expect none", declare, run);
}

}  // namespace skald::cli
