#include "wire/query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/glob.h"
#include "base/limits.h"

namespace skald::wire {
namespace {

// Takes numbers and texts off the front; failed() once the bytes did not reach.
class Reader {
  public:
    explicit Reader(Bytes bytes) : rest_(as_text(bytes)) {}

    std::size_t number() {
        const std::string_view byte = take(1);
        return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
    }
    std::string_view text() { return take(number()); }
    bool failed() const { return failed_; }
    bool done() const { return rest_.empty() && !failed_; }

  private:
    std::string_view take(std::size_t bytes) {
        if (bytes > rest_.size()) {
            failed_ = true;
            return {};
        }
        const std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }

    std::string_view rest_;
    bool failed_ = false;
};

Error too_large(std::string_view what, std::size_t count, std::size_t most) {
    return {Errc::request_too_large,
            fmt::format("a query with {} {}, at most {} are allowed", count, what, most)};
}

Result<void> check_counts(std::size_t types, std::size_t tags) {
    if (types > limits::kQueryTypesMax) {
        return too_large("types in an item", types, limits::kQueryTypesMax);
    }
    if (tags > limits::kQueryTagsMax) {
        return too_large("tags in an item", tags, limits::kQueryTagsMax);
    }
    return {};
}

bool is_tag(std::string_view text) {
    return !text.empty() && text.size() <= limits::kTagBytesMax && is_utf8(text);
}

bool is_type(std::string_view text) {
    return check_type_name(text).has_value();
}

Error bad_text(std::string_view what, std::string_view text) {
    return {Errc::invalid_argument,
            fmt::format("no event can have the {} {:?} of the query", what, text.substr(0, 300))};
}

void append_texts(std::string& out, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        out += static_cast<char>(text.size());
        out += text;
    }
}

bool matches(const QueryItem& item, const EventView& event,
             const std::vector<std::string_view>& tags) {
    const bool type = item.types.empty() || std::find(item.types.begin(), item.types.end(),
                                                      event.type) != item.types.end();
    return type && std::all_of(item.tags.begin(), item.tags.end(), [&](const std::string& tag) {
               return std::find(tags.begin(), tags.end(), tag) != tags.end();
           });
}

}  // namespace

Result<void> check_query(const Query& query) {
    if (query.items.empty()) {
        return Error(Errc::invalid_argument, "a query needs at least one item");
    }
    if (query.items.size() > limits::kQueryItemsMax) {
        return too_large("items", query.items.size(), limits::kQueryItemsMax);
    }
    for (const QueryItem& item : query.items) {
        if (auto ok = check_counts(item.types.size(), item.tags.size()); !ok) {
            return ok;
        }
        for (const std::string& type : item.types) {
            if (!is_type(type)) {
                return bad_text("type", type);
            }
        }
        for (const std::string& tag : item.tags) {
            if (!is_tag(tag)) {
                return bad_text("tag", tag);
            }
        }
    }
    return {};
}

void append_query(std::string& out, const Query& query) {
    out += static_cast<char>(query.items.size());
    for (const QueryItem& item : query.items) {
        out += static_cast<char>(item.types.size());
        out += static_cast<char>(item.tags.size());
        append_texts(out, item.types);
        append_texts(out, item.tags);
    }
}

Result<void> check_query(Bytes bytes) {
    Reader in(bytes);
    const std::size_t items = in.number();
    if (items > limits::kQueryItemsMax) {
        return too_large("items", items, limits::kQueryItemsMax);
    }
    bool texts = items > 0;
    for (std::size_t i = 0; i < items && texts; ++i) {
        const std::size_t types = in.number();
        const std::size_t tags = in.number();
        if (auto ok = check_counts(types, tags); !ok) {
            return ok;
        }
        for (std::size_t t = 0; t < types && texts; ++t) {
            texts = is_type(in.text());
        }
        for (std::size_t t = 0; t < tags && texts; ++t) {
            texts = is_tag(in.text());
        }
    }
    if (!texts || !in.done()) {
        return Error(Errc::malformed, "the query of the request is malformed");
    }
    return {};
}

Query parse_query(Bytes bytes) {
    Reader in(bytes);
    Query query;
    query.items.resize(in.number());
    for (QueryItem& item : query.items) {
        item.types.resize(in.number());
        item.tags.resize(in.number());
        for (std::string& type : item.types) {
            type = in.text();
        }
        for (std::string& tag : item.tags) {
            tag = in.text();
        }
    }
    return query;
}

namespace {

Result<void> check_globs(const std::vector<std::string>& globs) {
    if (globs.size() > limits::kGlobsMax) {
        return Error(
            Errc::invalid_argument,
            fmt::format("a selection has at most {} globs of types, and as many of streams",
                        limits::kGlobsMax));
    }
    for (const std::string& glob : globs) {
        if (glob.size() > limits::kGlobBytesMax) {
            return Error(Errc::invalid_argument,
                         fmt::format("a glob has at most {} bytes", limits::kGlobBytesMax));
        }
    }
    return {};
}

bool kind_selects(const Selection& selection, const EventView& event) {
    switch (selection.kind) {
        case Selection::Kind::all:
            return true;
        case Selection::Kind::stream:
            return event.stream == selection.name;
        case Selection::Kind::category:
            return category_of(event.stream) == selection.name;
        case Selection::Kind::type:
            return event.type == selection.name;
        case Selection::Kind::correlation:
            return event.correlation_id() == selection.name;
        case Selection::Kind::query:
            return wire::matches(selection.query, event);
    }
    return false;
}

}  // namespace

Result<void> check_selection(const Selection& selection) {
    for (const auto* globs : {&selection.types, &selection.streams}) {
        if (auto ok = check_globs(*globs); !ok) {
            return ok;
        }
    }
    switch (selection.kind) {
        case Selection::Kind::all:
            return {};
        case Selection::Kind::stream:
            return check_stream_name(selection.name, true);
        case Selection::Kind::query:
            return check_query(selection.query);
        default:
            break;
    }
    if (selection.name.empty()) {
        return Error(Errc::invalid_argument, "the selection names nothing to read");
    }
    if (selection.name.size() > limits::kStreamNameBytesMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("no category, type or correlation id has more than {} bytes",
                                 limits::kStreamNameBytesMax));
    }
    return {};
}

bool matches(const Query& query, const EventView& event) {
    const auto tags = event.tags();
    return std::any_of(query.items.begin(), query.items.end(),
                       [&](const QueryItem& item) { return matches(item, event, tags); });
}

bool selects(const Selection& selection, const EventView& event) {
    const bool kind = event.control ? selection.system && selection.kind == Selection::Kind::all
                                    : kind_selects(selection, event);
    return kind && matches_any(selection.streams, event.stream) &&
           matches_any(selection.types, event.type);
}

std::string to_string(const Query& query) {
    std::string text;
    for (const QueryItem& item : query.items) {
        text += text.empty() ? "" : " or ";
        if (item.types.empty() && item.tags.empty()) {
            text += "any event";
        }
        if (!item.types.empty()) {
            text += fmt::format("types {}", fmt::join(item.types, ","));
        }
        if (!item.tags.empty()) {
            text +=
                fmt::format("{}tags {}", item.types.empty() ? "" : " ", fmt::join(item.tags, ","));
        }
    }
    return text;
}

}  // namespace skald::wire
