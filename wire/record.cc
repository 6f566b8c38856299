#include "wire/record.h"

#include <fmt/format.h>

#include "base/glob.h"
#include "base/limits.h"

namespace skald::wire {
namespace {

bool is_json(const NewEvent& event) {
    return event.content_type.empty() || event.content_type == kContentTypeJson;
}

void append_field(std::string& out, FieldTag tag, std::string_view value) {
    append_as(out, static_cast<std::uint16_t>(tag));
    append_as(out, static_cast<std::uint16_t>(value.size()));
    out += value;
}

void append_text_field(std::string& out, FieldTag tag, std::string_view value) {
    if (!value.empty()) {
        append_field(out, tag, value);
    }
}

template <typename Int>
void append_int_field(std::string& out, FieldTag tag, Int value) {
    append_field(out, tag, {reinterpret_cast<const char*>(&value), sizeof value});
}

void append_fields(std::string& out, const NewEvent& event) {
    if (event.time) {
        append_int_field(out, FieldTag::time, event.time->us);
    }
    if (event.schema_version != 0) {
        append_int_field(out, FieldTag::schema_version, event.schema_version);
    }
    if (event.key_id != 0) {
        append_int_field(out, FieldTag::key_id, event.key_id);
    }
    if (!is_json(event)) {
        append_field(out, FieldTag::content_type, event.content_type);
    }
    append_text_field(out, FieldTag::correlation_id, event.correlation_id);
    append_text_field(out, FieldTag::causation_id, event.causation_id);
    if (event.hop != 0) {
        append_int_field(out, FieldTag::hop, event.hop);
    }
    append_text_field(out, FieldTag::command_id, event.command_id);
    append_text_field(out, FieldTag::trace_context, event.trace_context);
    for (const std::string& tag : event.tags) {
        append_field(out, FieldTag::tag, tag);
    }
    for (const auto& [key, value] : event.metadata) {
        append_as(out, static_cast<std::uint16_t>(FieldTag::metadata));
        append_as(out, static_cast<std::uint16_t>(1 + key.size() + value.size()));
        out += static_cast<char>(key.size());
        out += key;
        out += value;
    }
}

bool has_fields(const NewEvent& e) {
    return e.time || e.schema_version != 0 || e.key_id != 0 || !is_json(e) ||
           !e.correlation_id.empty() || !e.causation_id.empty() || e.hop != 0 ||
           !e.command_id.empty() || !e.trace_context.empty() || !e.tags.empty() ||
           !e.metadata.empty();
}

bool fields_fit(std::string_view fields) {
    while (fields.size() >= kFieldHeadBytes) {
        const auto tag = load_le<std::uint16_t>(fields.data());
        const auto bytes = load_le<std::uint16_t>(fields.data() + 2);
        if (tag == 0) {
            break;
        }
        if (bytes > fields.size() - kFieldHeadBytes) {
            return false;
        }
        fields.remove_prefix(kFieldHeadBytes + bytes);
    }
    return fields.size() < 8 && fields.find_first_not_of('\0') == std::string_view::npos;
}

Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
    if (text.empty()) {
        return {};
    }
    if (text.size() > bytes_max) {
        return Error(Errc::invalid_event, fmt::format("{} has {} bytes, at most {} are allowed",
                                                      what, text.size(), bytes_max));
    }
    if (!is_utf8(text)) {
        return Error(Errc::invalid_event, fmt::format("{} is not UTF-8", what));
    }
    return {};
}

Result<void> check_ids(const NewEvent& event) {
    const std::pair<std::string_view, const std::string*> ids[] = {
        {"correlation id", &event.correlation_id},
        {"causation id", &event.causation_id},
        {"command id", &event.command_id},
        {"trace context", &event.trace_context},
    };
    for (const auto& [what, text] : ids) {
        if (text->empty()) {
            continue;
        }
        if (auto ok = check_text(what, *text, limits::kIdTextBytesMax); !ok) {
            return ok;
        }
    }
    if (is_json(event)) {
        return {};
    }
    return check_text("content type", event.content_type, limits::kIdTextBytesMax);
}

Result<void> check_label(std::string_view what, std::string_view text) {
    if (text.empty()) {
        return Error(Errc::invalid_event, fmt::format("{} is empty", what));
    }
    return check_text(what, text, limits::kTagBytesMax);
}

Result<void> check_metadata(std::string_view key, std::string_view value) {
    if (auto ok = check_label("metadata key", key); !ok) {
        return ok;
    }
    return check_text("metadata value", value, limits::kFieldBytesMax);
}

Error too_many_tags(std::size_t tags) {
    return {Errc::invalid_event,
            fmt::format("{} tags, at most {} are allowed", tags, limits::kTagsMax)};
}

Result<void> check_labels(const NewEvent& event) {
    if (event.tags.size() > limits::kTagsMax) {
        return too_many_tags(event.tags.size());
    }
    for (const std::string& tag : event.tags) {
        if (auto ok = check_label("tag", tag); !ok) {
            return ok;
        }
    }
    for (const auto& [key, value] : event.metadata) {
        if (auto ok = check_metadata(key, value); !ok) {
            return ok;
        }
    }
    return {};
}

std::size_t label_bytes(const NewEvent& event) {
    std::size_t bytes = 0;
    for (const std::string& tag : event.tags) {
        bytes += kFieldHeadBytes + tag.size();
    }
    for (const auto& [key, value] : event.metadata) {
        bytes += kFieldHeadBytes + 1 + key.size() + value.size();
    }
    return bytes;
}

Error data_too_large(std::size_t bytes) {
    return {Errc::event_too_large,
            fmt::format("an event has {} bytes of data, at most {} are allowed", bytes,
                        limits::kEventDataBytesMax)};
}

Error labels_too_large(std::size_t bytes) {
    return {Errc::event_too_large,
            fmt::format("an event has {} bytes of tags and metadata, at most {} are allowed", bytes,
                        limits::kEventFieldsBytesMax)};
}

Result<void> check_width(std::string_view what, std::string_view value, std::size_t bytes) {
    if (value.size() != bytes) {
        return Error(Errc::invalid_event,
                     fmt::format("field {} has {} bytes instead of {}", what, value.size(), bytes));
    }
    return {};
}

Result<void> check_stored_metadata(std::string_view entry) {
    const std::size_t key = entry.empty() ? 0 : static_cast<unsigned char>(entry[0]);
    if (key >= entry.size()) {
        return Error(Errc::invalid_event, "a metadata field does not hold its key");
    }
    return check_metadata(entry.substr(1, key), entry.substr(1 + key));
}

Result<void> check_field(FieldTag tag, std::string_view value) {
    switch (tag) {
        case FieldTag::time:
            return check_width("time", value, sizeof(std::int64_t));
        case FieldTag::schema_version:
            return check_width("schema version", value, sizeof(std::uint32_t));
        case FieldTag::key_id:
            return check_width("key id", value, sizeof(std::uint32_t));
        case FieldTag::hop:
            return check_width("hop", value, sizeof(std::uint16_t));
        case FieldTag::content_type:
            return check_text("content type", value, limits::kIdTextBytesMax);
        case FieldTag::correlation_id:
        case FieldTag::causation_id:
        case FieldTag::command_id:
        case FieldTag::trace_context:
            return check_text("id", value, limits::kIdTextBytesMax);
        case FieldTag::tag:
            return check_label("tag", value);
        case FieldTag::metadata:
            return check_stored_metadata(value);
    }
    return {};
}

// Fields that stand for themselves; tags, metadata and unknown ones share a limit.
bool is_label(FieldTag tag) {
    return tag >= FieldTag::tag;
}

}  // namespace

std::optional<RecordView> parse_record(Bytes record) {
    if (record.size() < kRecordPrefixBytes || record.size() % 8 != 0) {
        return std::nullopt;
    }
    RecordView view;
    std::memcpy(&view.prefix, record.data(), kRecordPrefixBytes);
    static_assert(sizeof(RecordPrefix) == kRecordPrefixBytes);
    const unsigned known = kRecordFlagsKnown | (7U << kRecordPaddingShift);
    if ((view.prefix.flags & ~known) != 0) {
        return std::nullopt;
    }
    std::string_view rest = as_text(record).substr(kRecordPrefixBytes);
    if ((view.prefix.flags & kRecordHasFields) != 0) {
        const auto bytes = rest.size() < 8 ? 0 : load_le<std::uint32_t>(rest.data());
        if (bytes < 8 || bytes % 8 != 0 || bytes > rest.size()) {
            return std::nullopt;
        }
        view.fields = rest.substr(4, bytes - 4);
        if (!fields_fit(view.fields)) {
            return std::nullopt;
        }
        rest.remove_prefix(bytes);
    }
    const unsigned padding = view.prefix.padding();
    if (padding > rest.size() || (view.prefix.hole() && record.size() != kRecordPrefixBytes)) {
        return std::nullopt;
    }
    view.data = rest.substr(0, rest.size() - padding);
    rest.remove_prefix(view.data.size());
    if (rest != std::string_view("\0\0\0\0\0\0\0", padding)) {
        return std::nullopt;
    }
    return view;
}

void append_record(std::string& out, const NewEvent& event, RecordPrefix prefix) {
    const bool fields = has_fields(event);
    const std::size_t padding = align8(event.data.size()) - event.data.size();
    prefix.flags = static_cast<std::uint16_t>((prefix.flags & kRecordControl) |
                                              (fields ? kRecordHasFields : 0) |
                                              (padding << kRecordPaddingShift));
    append_as(out, prefix);
    if (fields) {
        const std::size_t at = out.size();
        out.append(sizeof(std::uint32_t), '\0');
        append_fields(out, event);
        out.resize(at + align8(out.size() - at));
        store_le(out.data() + at, static_cast<std::uint32_t>(out.size() - at));
    }
    out += event.data;
    out.append(padding, '\0');
}

std::size_t record_bytes(const NewEvent& event) {
    const std::size_t bare = kRecordPrefixBytes + align8(event.data.size());
    if (!has_fields(event)) {
        return bare;
    }
    constexpr std::size_t kOtherFields = 10;
    return bare + kOtherFields * (kFieldHeadBytes + sizeof(std::uint64_t)) +
           event.content_type.size() + event.correlation_id.size() + event.causation_id.size() +
           event.command_id.size() + event.trace_context.size() + label_bytes(event);
}

Result<void> check_event(const NewEvent& event, bool control) {
    if (!control) {
        if (auto ok = check_type_name(event.type); !ok) {
            return ok;
        }
    }
    if (event.data.size() > limits::kEventDataBytesMax) {
        return data_too_large(event.data.size());
    }
    if (auto ok = check_ids(event); !ok) {
        return ok;
    }
    if (event.tags.empty() && event.metadata.empty()) {
        return {};
    }
    if (const std::size_t bytes = label_bytes(event); bytes > limits::kEventFieldsBytesMax) {
        return labels_too_large(bytes);
    }
    return check_labels(event);
}

Result<void> check_record(const RecordView& record) {
    if (record.data.size() >
        (record.prefix.control() ? limits::kControlDataBytesMax : limits::kEventDataBytesMax)) {
        return data_too_large(record.data.size());
    }
    if (record.fields.empty()) {
        return {};
    }
    std::size_t tags = 0;
    std::size_t labels = 0;
    for (FieldCursor cursor(record.fields); cursor.next();) {
        tags += cursor.tag() == FieldTag::tag;
        labels += is_label(cursor.tag()) ? kFieldHeadBytes + cursor.value().size() : 0;
        if (auto ok = check_field(cursor.tag(), cursor.value()); !ok) {
            return ok;
        }
    }
    if (labels > limits::kEventFieldsBytesMax) {
        return labels_too_large(labels);
    }
    return tags > limits::kTagsMax ? Result<void>(too_many_tags(tags)) : Result<void>();
}

}  // namespace skald::wire
