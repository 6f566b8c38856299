#include "cqrs/declared_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/glob.h"
#include "base/json_scanner.h"
#include "base/json_string.h"
#include "cqrs/declared_value.h"
#include "cqrs/limits.h"
#include "skald/cqrs/event_table.h"

namespace skald::cqrs {
namespace {

struct KnownRoot {
    std::string_view name;
    Path::Root root;
};
constexpr KnownRoot kRoots[] = {
    {"stream", Path::Root::stream},
    {"stream.category", Path::Root::stream_category},
    {"stream.id", Path::Root::stream_id},
    {"type", Path::Root::type},
    {"time", Path::Root::time},
    {"recorded_at", Path::Root::recorded_at},
    {"version", Path::Root::version},
    {"partition", Path::Root::partition},
    {"offset", Path::Root::offset},
    {"id", Path::Root::id},
    {"correlation_id", Path::Root::correlation_id},
    {"causation_id", Path::Root::causation_id},
};
struct KnownTree {
    std::string_view name;
    Path::Root root;
    std::size_t segments_min;
    std::size_t segments_max;
};
constexpr KnownTree kTrees[] = {
    {"data", Path::Root::data, 0, limits::kDeclaredPathSegmentsMax},
    {"metadata", Path::Root::metadata, 1, 1},
    {"row", Path::Root::row, 1, 1},
};

Error no_path(std::string_view text) {
    return {Errc::invalid_argument,
            fmt::format("expected a path (data.NAME, metadata.NAME, row.COLUMN, stream, "
                        "stream.category, stream.id, type, time, recorded_at, version, partition, "
                        "offset, id, correlation_id, causation_id), found `{}`; a text is written "
                        "{{ value = \"{}\" }}",
                        text, text)};
}

bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// Takes one segment from the front; empty when there is none.
std::string take_segment(std::string_view& text) {
    std::size_t size = 0;
    if (text.starts_with('"')) {
        size = text.find('"', 1);
        if (size == std::string_view::npos) {
            return {};
        }
        std::string segment(text.substr(1, size - 1));
        text.remove_prefix(size + 1);
        return segment;
    }
    while (size < text.size() && is_bare(text[size])) {
        ++size;
    }
    std::string segment(text.substr(0, size));
    text.remove_prefix(size);
    return segment;
}

// Each behind a dot. nullopt when it is none.
std::optional<std::vector<std::string>> segments_of(std::string_view text) {
    std::vector<std::string> segments;
    while (!text.empty()) {
        if (text.front() != '.') {
            return std::nullopt;
        }
        text.remove_prefix(1);
        segments.push_back(take_segment(text));
        if (segments.back().empty()) {
            return std::nullopt;
        }
    }
    return segments;
}

}  // namespace

Result<Path> parse_path(std::string_view text) {
    for (const KnownRoot& known : kRoots) {
        if (text == known.name) {
            return Path{known.root, {}, std::string(text)};
        }
    }
    const std::string_view root = text.substr(0, text.find('.'));
    for (const KnownTree& known : kTrees) {
        if (root != known.name) {
            continue;
        }
        auto segments = segments_of(text.substr(root.size()));
        if (!segments || segments->size() < known.segments_min) {
            break;
        }
        if (segments->size() > known.segments_max) {
            return Error(Errc::invalid_argument,
                         fmt::format("expected at most {} names below {}, found `{}`",
                                     known.segments_max, root, text));
        }
        return Path{known.root, std::move(*segments), std::string(text)};
    }
    return no_path(text);
}

void EventValues::begin(const EventView& event) {
    event_ = &event;
    read_ = false;
}

std::optional<std::string_view> EventValues::quoted_if(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    scratch_.clear();
    append_json_string(scratch_, text);
    return scratch_;
}

std::optional<std::string_view> EventValues::digits(std::uint64_t number) {
    scratch_ = std::to_string(number);
    return scratch_;
}

std::optional<std::string_view> EventValues::field(const Path& path) {
    const EventView& event = *event_;
    const std::string_view category = category_of(event.stream);
    switch (path.root) {
        case Path::Root::stream:
            return quoted_if(event.stream);
        case Path::Root::stream_category:
            return quoted_if(category);
        case Path::Root::stream_id:
            return category.size() < event.stream.size()
                       ? quoted_if(event.stream.substr(category.size() + 1))
                       : std::nullopt;
        case Path::Root::type:
            return quoted_if(event.type);
        case Path::Root::time:
            return quoted_if(to_string(event.time()));
        case Path::Root::recorded_at:
            return quoted_if(to_string(event.recorded_at));
        case Path::Root::version:
            return digits(event.version.value);
        case Path::Root::partition:
            return digits(event.partition.value);
        case Path::Root::offset:
            return digits(event.offset.value);
        case Path::Root::id:
            return quoted_if(to_string(event.id));
        case Path::Root::correlation_id:
            return quoted_if(event.correlation_id());
        case Path::Root::causation_id:
            return quoted_if(event.causation_id());
        default:
            break;
    }
    for (const auto& [name, value] : event.metadata()) {
        if (name == path.segments.front()) {
            scratch_.clear();
            append_json_string(scratch_, value);
            return scratch_;
        }
    }
    return std::nullopt;
}

// Once for each event: its members, so that a path does not look through all of the data again.
Result<void> EventValues::read_data() {
    if (auto ok = check_content_type(*event_, kContentTypeJson); !ok) {
        return ok;
    }
    JsonScanner whole(event_->data);
    if (!is_utf8(event_->data) || !whole.value(data_) || !whole.at_end()) {
        return Error(Errc::malformed, "expected data of JSON in UTF-8");
    }
    used_ = 0;
    JsonScanner scanner(data_);
    if (scanner.punctuation('{') && !scanner.punctuation('}')) {
        do {
            members_.resize(std::max(members_.size(), used_ + 1));
            Member& member = members_[used_++];
            if (!scanner.string(member.name) || !scanner.punctuation(':') ||
                !scanner.value(member.value)) {
                return Error(Errc::malformed, "expected data of JSON: a name has half a surrogate");
            }
        } while (scanner.punctuation(','));
    }
    read_ = true;
    return {};
}

Result<std::optional<std::string_view>> EventValues::in_data(
    const std::vector<std::string>& segments) {
    if (!read_) {
        if (auto ok = read_data(); !ok) {
            return ok.error();
        }
    }
    std::optional<std::string_view> value = data_;
    for (std::size_t i = 0; value && i < segments.size(); ++i) {
        if (i > 0 || data_.front() != '{') {
            value = json_value::member(*value, segments[i]);
            continue;
        }
        value.reset();
        for (std::size_t m = 0; m < used_; ++m) {
            value = members_[m].name == segments[i] ? members_[m].value : value;
        }
    }
    return value;
}

Result<std::optional<std::string_view>> EventValues::at(const Path& path) {
    if (path.root != Path::Root::data) {
        return field(path);
    }
    auto value = in_data(path.segments);
    if (value && *value == json_value::kNull) {
        return std::optional<std::string_view>();
    }
    return value;
}

}  // namespace skald::cqrs
