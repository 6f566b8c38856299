#include "cli/event_json.h"

#include "base/base64.h"
#include "base/glob.h"
#include "base/json_scanner.h"
#include "cli/json_writer.h"

namespace skald::cli {
namespace {

constexpr std::string_view kLineBreaks = "\n\r";

// JSON text may break lines between tokens only: inside strings it escapes them.
void append_on_one_line(std::string& out, std::string_view json) {
    const std::size_t begin = out.size();
    out += json;
    for (std::size_t at = out.find_first_of(kLineBreaks, begin); at != std::string::npos;
         at = out.find_first_of(kLineBreaks, at)) {
        out[at] = ' ';
    }
}

void write_data(std::string& out, JsonWriter& json, const EventView& event) {
    if (is_json_type(event.content_type()) && is_json(event.data)) {
        json.key("data").raw("");
        append_on_one_line(out, event.data);
        return;
    }
    json.key("data_base64").raw("\"");
    append_base64(out, event.data);
    out += '"';
}

void write_metadata(JsonWriter& json, const EventView& event) {
    json.key("metadata").begin_object();
    for (const auto& [key, value] : event.metadata()) {
        json.escaped_key(key).string(value);
    }
    json.end_object();
}

void write_tags(JsonWriter& json, const EventView& event) {
    const auto tags = event.tags();
    if (tags.empty()) {
        return;
    }
    json.key("tags").begin_array();
    for (const std::string_view tag : tags) {
        json.string(tag);
    }
    json.end_array();
}

void write_text(JsonWriter& json, std::string_view key, std::string_view text) {
    if (!text.empty()) {
        json.field(key, text);
    }
}

void write_count(JsonWriter& json, std::string_view key, std::uint64_t value) {
    if (value != 0) {
        json.field(key, value);
    }
}

bool ends_with_ignoring_case(std::string_view text, std::string_view lower_end) {
    if (text.size() < lower_end.size()) {
        return false;
    }
    const std::string_view end = text.substr(text.size() - lower_end.size());
    for (std::size_t i = 0; i < end.size(); ++i) {
        const char c = end[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower_end[i]) {
            return false;
        }
    }
    return true;
}

void write_conflicts(JsonWriter& json, const std::vector<Conflict>& conflicts) {
    json.key("conflicts").begin_array();
    for (const Conflict& conflict : conflicts) {
        json.begin_object()
            .field("stream", conflict.stream)
            .field("expected", conflict.expected)
            .field("actual", conflict.actual)
            .end_object();
    }
    json.end_array();
}

}  // namespace

void append_event(std::string& out, const EventView& event) {
    JsonWriter json(out);
    json.begin_object().field("stream", event.stream);
    if (!event.control && !event.ephemeral) {
        json.field("version", event.version.value);
    }
    if (!event.ephemeral) {
        json.field("partition", std::uint64_t{event.partition.value})
            .field("offset", event.offset.value);
    }
    json.field("id", to_string(event.id))
        .field("type", event.type)
        .field("time", to_string(event.time()));
    if (!event.ephemeral) {
        json.field("recorded_at", to_string(event.recorded_at));
    }
    json.field("content_type", event.content_type());
    write_data(out, json, event);
    write_metadata(json, event);
    write_text(json, "correlation_id", event.correlation_id());
    write_text(json, "causation_id", event.causation_id());
    write_text(json, "command_id", event.command_id());
    write_text(json, "trace_context", event.trace_context());
    write_tags(json, event);
    write_count(json, "schema_version", event.schema_version());
    write_count(json, "key_id", event.key_id());
    write_count(json, "hop", event.hop());
    if (event.control) {
        json.field("control", true);
    }
    if (event.ephemeral) {
        json.field("ephemeral", true);
    }
    json.end_object();
}

void append_receipt(std::string& out, const Receipt& receipt) {
    JsonWriter(out)
        .begin_object()
        .field("stream", receipt.stream)
        .field("version", receipt.version.value)
        .field("partition", std::uint64_t{receipt.partition.value})
        .field("offset", receipt.offset.value)
        .field("id", to_string(receipt.id))
        .field("position", to_token(receipt.position))
        .field("repeated", receipt.repeated)
        .field("durability", receipt.durability == Ack::primary ? "primary" : "quorum")
        .end_object();
}

void append_ephemeral_receipt(std::string& out, std::string_view stream, const Uuid& id) {
    JsonWriter(out)
        .begin_object()
        .field("stream", stream)
        .field("id", to_string(id))
        .field("ephemeral", true)
        .end_object();
}

void append_dropped(std::string& out, std::uint64_t events) {
    JsonWriter(out).begin_object().field("dropped", events).end_object();
}

void append_error(std::string& out, const Error& error) {
    JsonWriter json(out);
    json.begin_object()
        .field("error", name_of(error.code))
        .field("code", static_cast<std::uint64_t>(error.code))
        .field("message", error.message);
    if (!error.conflicts.empty()) {
        write_conflicts(json, error.conflicts);
    }
    if (error.offset) {
        json.field("offset", *error.offset);
    }
    json.end_object();
}

bool is_json_type(std::string_view content_type) {
    if (content_type.empty()) {
        return true;
    }
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ')) {
        type.remove_suffix(1);
    }
    return ends_with_ignoring_case(type, "+json") ||
           (type.size() == kContentTypeJson.size() &&
            ends_with_ignoring_case(type, kContentTypeJson));
}

}  // namespace skald::cli
