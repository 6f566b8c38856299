#include "skald/event.h"

#include "wire/record.h"

namespace skald {
namespace {

using wire::FieldCursor;
using wire::FieldTag;

std::string_view find_text(std::string_view fields, FieldTag tag, std::string_view otherwise = {}) {
    for (FieldCursor cursor(fields); cursor.next();) {
        if (cursor.tag() == tag) {
            return cursor.value();
        }
    }
    return otherwise;
}

template <typename Int>
Int find_int(std::string_view fields, FieldTag tag, Int otherwise) {
    const std::string_view value = find_text(fields, tag);
    return value.size() == sizeof(Int) ? load_le<Int>(value.data()) : otherwise;
}

}  // namespace

Time EventView::time() const {
    return Time{find_int(fields, FieldTag::time, recorded_at.us)};
}
std::uint32_t EventView::schema_version() const {
    return find_int<std::uint32_t>(fields, FieldTag::schema_version, 0);
}
std::uint32_t EventView::key_id() const {
    return find_int<std::uint32_t>(fields, FieldTag::key_id, 0);
}
std::string_view EventView::content_type() const {
    return find_text(fields, FieldTag::content_type, kContentTypeJson);
}
std::string_view EventView::correlation_id() const {
    return find_text(fields, FieldTag::correlation_id);
}
std::string_view EventView::causation_id() const {
    return find_text(fields, FieldTag::causation_id);
}
std::string_view EventView::command_id() const {
    return find_text(fields, FieldTag::command_id);
}
std::string_view EventView::trace_context() const {
    return find_text(fields, FieldTag::trace_context);
}
std::uint16_t EventView::hop() const {
    return find_int<std::uint16_t>(fields, FieldTag::hop, 0);
}

std::vector<std::string_view> EventView::tags() const {
    std::vector<std::string_view> tags;
    for (FieldCursor cursor(fields); cursor.next();) {
        if (cursor.tag() == FieldTag::tag) {
            tags.push_back(cursor.value());
        }
    }
    return tags;
}

std::vector<std::pair<std::string_view, std::string_view>> EventView::metadata() const {
    std::vector<std::pair<std::string_view, std::string_view>> entries;
    for (FieldCursor cursor(fields); cursor.next();) {
        const std::string_view entry = cursor.value();
        if (cursor.tag() != FieldTag::metadata || entry.empty()) {
            continue;
        }
        const auto key_bytes = static_cast<unsigned char>(entry[0]);
        entries.emplace_back(entry.substr(1, key_bytes),
                             entry.substr(std::min<std::size_t>(1U + key_bytes, entry.size())));
    }
    return entries;
}

Event::Event(const EventView& view)
    : stream(view.stream),
      version(view.version),
      partition(view.partition),
      offset(view.offset),
      time(view.time()),
      recorded_at(view.recorded_at),
      control(view.control),
      ephemeral(view.ephemeral),
      id(view.id),
      type(view.type),
      data(view.data),
      schema_version(view.schema_version()),
      key_id(view.key_id()),
      content_type(view.content_type()),
      correlation_id(view.correlation_id()),
      causation_id(view.causation_id()),
      command_id(view.command_id()),
      trace_context(view.trace_context()),
      hop(view.hop()) {
    for (const std::string_view tag : view.tags()) {
        tags.emplace_back(tag);
    }
    for (const auto& [key, value] : view.metadata()) {
        metadata.emplace_back(key, value);
    }
}

}  // namespace skald
