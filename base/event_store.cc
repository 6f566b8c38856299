#include "skald/event_store.h"

#include <fmt/format.h>

namespace skald {

std::string to_string(Expected expected) {
    switch (expected.kind()) {
        case Expected::Kind::any:
            return "any";
        case Expected::Kind::no_stream:
            return "none";
        case Expected::Kind::stream_exists:
            return "exists";
        case Expected::Kind::exact:
            break;
    }
    return fmt::format("{}", expected.version().value);
}

Append Append::one(std::string stream, NewEvent event, Expected expected) {
    Append append;
    append.streams.push_back({std::move(stream), expected, {}});
    append.streams.back().events.push_back(std::move(event));
    return append;
}

Append Append::many(std::string stream, std::vector<NewEvent> events, Expected expected) {
    Append append;
    append.streams.push_back({std::move(stream), expected, std::move(events)});
    return append;
}

namespace {

Selection named(Selection::Kind kind, std::string name) {
    Selection selection;
    selection.kind = kind;
    selection.name = std::move(name);
    return selection;
}

}  // namespace

Selection Selection::stream(std::string name) {
    return named(Kind::stream, std::move(name));
}

Selection Selection::category(std::string name) {
    return named(Kind::category, std::move(name));
}

Selection Selection::type(std::string name) {
    return named(Kind::type, std::move(name));
}

Selection Selection::correlation(std::string id) {
    return named(Kind::correlation, std::move(id));
}

Selection Selection::matching(Query query) {
    Selection selection;
    selection.kind = Kind::query;
    selection.query = std::move(query);
    return selection;
}

}  // namespace skald
