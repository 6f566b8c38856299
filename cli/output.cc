#include "cli/output.h"

#include <fmt/format.h>

#include <iterator>

#include "cli/event_json.h"
#include "cli/event_text.h"
#include "cli/json_writer.h"

namespace skald::cli {
namespace {

constexpr std::size_t kWriteBytes = 256 * 1024;

std::string_view name_of(StreamState state) {
    switch (state) {
        case StreamState::none:
            return "none";
        case StreamState::active:
            return "active";
        case StreamState::deleted:
            return "deleted";
        case StreamState::tombstoned:
            return "tombstoned";
    }
    return "unknown";
}

void write_version(JsonWriter& json, std::string_view key, const std::optional<Version>& version) {
    json.key(key);
    if (version) {
        json.number(version->value);
    } else {
        json.null();
    }
}

void append_stream_text(std::string& out, const StreamInfo& info) {
    out += info.name;
    if (info.state != StreamState::active) {
        fmt::format_to(std::back_inserter(out), "  {}", name_of(info.state));
    } else if (info.first && info.last) {
        fmt::format_to(std::back_inserter(out), "  versions {}-{}", info.first->value,
                       info.last->value);
    } else {
        out += "  empty";
    }
    if (info.limits.max_count) {
        fmt::format_to(std::back_inserter(out), "  max_count={}", *info.limits.max_count);
    }
    if (info.limits.max_age) {
        fmt::format_to(std::back_inserter(out), "  max_age={}s",
                       static_cast<double>(info.limits.max_age->count()) / 1e6);
    }
}

}  // namespace

Output::Output(const Invocation& invocation)
    : out_(invocation.console.out),
      json_(invocation.globals.json),
      json_lines_(invocation.globals.json ||
                  (!invocation.globals.text && !invocation.console.out_is_terminal)),
      colours_(invocation.console.out_is_terminal),
      verbose_(invocation.globals.verbose) {}

void Output::event(const EventView& event) {
    if (json_lines_) {
        event_json(event);
        return;
    }
    append_event_text(buffer_, event, {.colours = colours_, .verbose = verbose_});
    end_line();
}

void Output::event_json(const EventView& event) {
    append_event(buffer_, event);
    end_line();
}

void Output::error_json(const Error& error) {
    append_error(buffer_, error);
    end_line();
}

void Output::receipt(const Receipt& receipt) {
    if (json_lines_) {
        append_receipt(buffer_, receipt);
    } else {
        append_receipt_text(buffer_, receipt);
    }
    end_line();
}

void Output::ephemeral_receipt(std::string_view stream, const Uuid& id) {
    if (json_lines_) {
        append_ephemeral_receipt(buffer_, stream, id);
    } else {
        append_ephemeral_receipt_text(buffer_, stream, id);
    }
    end_line();
}

void Output::dropped(std::uint64_t events) {
    if (json_lines_) {
        append_dropped(buffer_, events);
    } else {
        buffer_ +=
            fmt::format("-- {} dropped", counted(events, "ephemeral event", "ephemeral events"));
    }
    end_line();
}

void Output::stream(const StreamInfo& info) {
    if (json_) {
        append_stream_info(buffer_, info);
    } else {
        append_stream_text(buffer_, info);
    }
    end_line();
}

void Output::line(std::string_view text) {
    buffer_ += text;
    end_line();
}

void Output::end_line() {
    buffer_ += '\n';
    if (buffer_.size() >= kWriteBytes) {
        write();
    }
}

void Output::write() {
    out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.clear();
}

Result<void> Output::flush() {
    write();
    out_.flush();
    if (!out_) {
        return Error(Errc::io_error, "standard output cannot be written");
    }
    return {};
}

void append_stream_info(std::string& out, const StreamInfo& info) {
    JsonWriter json(out);
    json.begin_object()
        .field("stream", info.name)
        .field("partition", std::uint64_t{info.partition.value})
        .field("state", name_of(info.state));
    write_version(json, "first", info.first);
    write_version(json, "last", info.last);
    json.field("truncate_before", info.truncate_before.value);
    if (info.limits.max_count) {
        json.field("max_count", *info.limits.max_count);
    }
    if (info.limits.max_age) {
        json.field("max_age_seconds", static_cast<double>(info.limits.max_age->count()) / 1e6);
    }
    json.end_object();
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", number, number == 1 ? one : many);
}

std::string offset_range(Offset first, Offset next) {
    return first == next ? "none" : fmt::format("{}-{}", first.value, next.value - 1);
}

}  // namespace skald::cli
