#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/base64.h"
#include "base/glob.h"
#include "base/json_scanner.h"
#include "cli/event_json.h"

namespace skald::cli {
namespace {

Error invalid(std::string_view key, std::string_view what) {
    return {Errc::invalid_event, fmt::format("`{}` {}", key, what)};
}

class EventParser {
  public:
    explicit EventParser(std::string_view text) : text_(text), in_(text) {}

    Result<EventLine> parse();

  private:
    using Reader = Result<void> (EventParser::*)();
    struct Field {
        std::string_view key;
        Reader read;
        bool nullable = true;  // null says the same as leaving it out
    };
    static const std::array<Field, 22> kFields;

    Error malformed() const {
        return {Errc::malformed, fmt::format("not JSON, at byte {}", in_.at() + 1)};
    }
    Result<void> read_members();
    Result<void> read_member();
    Result<void> finish();
    Result<void> finish_data();
    bool has(std::string_view key) const;

    Result<void> read_text(std::string& to);
    template <typename Int>
    Result<void> read_count(Int& to);
    Result<void> read_metadata();
    Result<void> check_metadata() const;
    Result<void> read_tags();
    Result<void> read_id();
    Result<void> read_time();
    Result<void> read_control();
    Result<void> skip();

    Result<void> read_stream() { return read_text(line_.stream); }
    Result<void> read_type() { return read_text(line_.event.type); }
    Result<void> read_content_type() { return read_text(line_.event.content_type); }
    Result<void> read_correlation() { return read_text(line_.event.correlation_id); }
    Result<void> read_causation() { return read_text(line_.event.causation_id); }
    Result<void> read_command() { return read_text(line_.event.command_id); }
    Result<void> read_trace() { return read_text(line_.event.trace_context); }
    Result<void> read_schema_version() { return read_count(line_.event.schema_version); }
    Result<void> read_key_id() { return read_count(line_.event.key_id); }
    Result<void> read_hop() { return read_count(line_.event.hop); }
    Result<void> read_data();
    Result<void> read_base64() { return read_text(base64_); }

    std::string_view text_;
    JsonScanner in_;
    EventLine line_;
    std::string key_;
    std::string word_;
    std::string base64_;
    std::string_view data_;
    std::uint32_t seen_ = 0;  // one bit for each of kFields
};

const std::array<EventParser::Field, 22> EventParser::kFields{{
    {"stream", &EventParser::read_stream, false},
    {"type", &EventParser::read_type, false},
    {"data", &EventParser::read_data, false},
    {"time", &EventParser::read_time},
    {"id", &EventParser::read_id},
    {"metadata", &EventParser::read_metadata},
    {"content_type", &EventParser::read_content_type},
    {"data_base64", &EventParser::read_base64},
    {"correlation_id", &EventParser::read_correlation},
    {"causation_id", &EventParser::read_causation},
    {"command_id", &EventParser::read_command},
    {"trace_context", &EventParser::read_trace},
    {"tags", &EventParser::read_tags},
    {"schema_version", &EventParser::read_schema_version},
    {"key_id", &EventParser::read_key_id},
    {"hop", &EventParser::read_hop},
    {"version", &EventParser::skip},
    {"partition", &EventParser::skip},
    {"offset", &EventParser::skip},
    {"recorded_at", &EventParser::skip},
    {"ephemeral", &EventParser::skip},
    {"control", &EventParser::read_control},
}};

Result<EventLine> EventParser::parse() {
    if (!is_utf8(text_)) {
        return Error(Errc::malformed, "not UTF-8");
    }
    if (!in_.punctuation('{')) {
        return Error(Errc::malformed, "not a JSON object");
    }
    if (auto read = read_members(); !read) {
        return read.error();
    }
    if (!in_.at_end()) {
        return Error(Errc::malformed,
                     fmt::format("more after the object, at byte {}", in_.at() + 1));
    }
    if (auto finished = finish(); !finished) {
        return finished.error();
    }
    return std::move(line_);
}

Result<void> EventParser::read_members() {
    if (in_.punctuation('}')) {
        return {};
    }
    do {
        if (auto read = read_member(); !read) {
            return read.error();
        }
    } while (in_.punctuation(','));
    if (!in_.punctuation('}')) {
        return malformed();
    }
    return {};
}

Result<void> EventParser::read_member() {
    if (!in_.string(key_) || !in_.punctuation(':')) {
        return malformed();
    }
    std::uint32_t bit = 1;
    for (const Field& field : kFields) {
        if (field.key == key_) {
            if ((seen_ & bit) != 0) {
                return invalid(key_, "is given twice");
            }
            std::string_view null;
            if (field.nullable && in_.peek() == 'n') {
                return in_.value(null) ? Result<void>() : malformed();
            }
            seen_ |= bit;
            return (this->*field.read)();
        }
        bit <<= 1;
    }
    return invalid(key_, "is not a key of an event");
}

bool EventParser::has(std::string_view key) const {
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        if (kFields[i].key == key) {
            return (seen_ >> i & 1) != 0;
        }
    }
    return false;
}

Result<void> EventParser::read_text(std::string& to) {
    if (in_.peek() != '"') {
        std::string_view value;
        return in_.value(value) ? invalid(key_, "must be a string") : malformed();
    }
    return in_.string(to) ? Result<void>() : malformed();
}

template <typename Int>
Result<void> EventParser::read_count(Int& to) {
    std::string_view digits;
    if (!in_.value(digits)) {
        return malformed();
    }
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), to);
    if (problem != std::errc{} || end != digits.data() + digits.size()) {
        return invalid(key_, fmt::format("must be a whole number from 0 to {}",
                                         std::numeric_limits<Int>::max()));
    }
    return {};
}

Result<void> EventParser::read_metadata() {
    if (in_.peek() != '{') {
        return invalid(key_, "must be an object");
    }
    in_.punctuation('{');
    if (in_.punctuation('}')) {
        return {};
    }
    do {
        std::string name;
        if (!in_.string(name) || !in_.punctuation(':')) {
            return malformed();
        }
        std::string value;
        if (in_.peek() != '"') {
            return invalid(key_, fmt::format("must hold strings: `{}` is none", name));
        }
        if (!in_.string(value)) {
            return malformed();
        }
        line_.event.metadata.emplace_back(std::move(name), std::move(value));
    } while (in_.punctuation(','));
    return in_.punctuation('}') ? check_metadata() : malformed();
}

Result<void> EventParser::check_metadata() const {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : line_.event.metadata) {
        names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    return twice == names.end() ? Result<void>()
                                : invalid("metadata", fmt::format("holds `{}` twice", *twice));
}

Result<void> EventParser::read_tags() {
    if (in_.peek() != '[') {
        return invalid(key_, "must be an array");
    }
    in_.punctuation('[');
    if (in_.punctuation(']')) {
        return {};
    }
    do {
        if (in_.peek() != '"') {
            return invalid(key_, "must hold strings");
        }
        std::string& tag = line_.event.tags.emplace_back();
        if (!in_.string(tag)) {
            return malformed();
        }
    } while (in_.punctuation(','));
    return in_.punctuation(']') ? Result<void>() : malformed();
}

Result<void> EventParser::read_id() {
    if (auto read = read_text(word_); !read) {
        return read;
    }
    line_.event.id = parse_uuid(word_);
    return line_.event.id ? Result<void>() : invalid(key_, "is not a UUID");
}

Result<void> EventParser::read_time() {
    if (auto read = read_text(word_); !read) {
        return read;
    }
    line_.event.time = parse_time(word_);
    return line_.event.time ? Result<void>()
                            : invalid(key_, "is not an RFC 3339 time, as 2026-01-31T08:00:00Z");
}

Result<void> EventParser::read_control() {
    std::string_view value;
    if (!in_.value(value)) {
        return malformed();
    }
    if (value == "false") {
        return {};
    }
    return invalid(key_, "marks a record of skald itself, which cannot be appended");
}

Result<void> EventParser::skip() {
    std::string_view value;
    return in_.value(value) ? Result<void>() : malformed();
}

Result<void> EventParser::read_data() {
    return in_.value(data_) ? Result<void>() : malformed();
}

Result<void> EventParser::finish() {
    for (const std::string_view key : {"stream", "type"}) {
        if (!has(key)) {
            return invalid(key, "is missing");
        }
    }
    if (has("data") == has("data_base64")) {
        return has("data") ? invalid("data", "and `data_base64` exclude each other")
                           : invalid("data", "is missing");
    }
    return finish_data();
}

Result<void> EventParser::finish_data() {
    std::string& data = line_.event.data;
    if (has("data_base64")) {
        auto bytes = parse_base64(base64_);
        if (!bytes) {
            return invalid("data_base64", "is not base64");
        }
        data = std::move(*bytes);
        return {};
    }
    if (is_json_type(line_.event.content_type)) {
        data = data_;
        return {};
    }
    JsonScanner text(data_);
    if (text.peek() != '"') {
        return invalid("data", fmt::format("must be a string or come as `data_base64`, because "
                                           "content_type is {}",
                                           line_.event.content_type));
    }
    return text.string(data) ? Result<void>() : malformed();
}

}  // namespace

Result<EventLine> parse_event(std::string_view json) {
    return EventParser(json).parse();
}

}  // namespace skald::cli
