#include "cli/selection.h"

#include <fmt/format.h>

#include <charconv>

namespace skald::cli {

Selection SelectionWords::selection() const {
    Selection selection;
    if (!stream.empty()) {
        selection = Selection::stream(stream);
    } else if (!category.empty()) {
        selection = Selection::category(category);
    } else if (!type.empty()) {
        selection = Selection::type(type);
    } else if (!correlation.empty()) {
        selection = Selection::correlation(correlation);
    }
    selection.types = type_globs;
    selection.streams = stream_globs;
    return selection;
}

Result<Start> parse_start(const std::string& from, const Selection& selection) {
    Start start;
    std::uint64_t number = 0;
    const char* const end = from.data() + from.size();
    const auto [stop, problem] = std::from_chars(from.data(), end, number);
    if (from.empty() || from == "start" || from == "beginning") {
        start = Beginning{};
    } else if (from == "end") {
        start = End{};
    } else if (stop == end && problem == std::errc{}) {
        if (selection.kind == Selection::Kind::stream) {
            start = Version(number);
        } else {
            start = Offset(number);
        }
    } else if (from.starts_with('@')) {
        const auto time = parse_time(std::string_view(from).substr(1));
        if (!time) {
            return Error(
                Errc::invalid_argument,
                fmt::format("--from {}: not an RFC 3339 time, as @2026-01-31T08:00:00Z", from));
        }
        start = AtTime{*time};
    } else {
        auto position = parse_position(from);
        if (!position) {
            return Error(
                position.error().code,
                fmt::format("--from {}: neither start, end, a number, @TIME nor a position", from));
        }
        start = std::move(*position);
    }
    return start;
}

}  // namespace skald::cli
