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
    if (from.empty() || from == "start" || from == "beginning") {
        return Start(Beginning{});
    }
    if (from == "end") {
        return Start(End{});
    }
    if (from.starts_with('@')) {
        const auto time = parse_time(std::string_view(from).substr(1));
        if (!time) {
            return Error(
                Errc::invalid_argument,
                fmt::format("--from {}: not an RFC 3339 time, as @2026-01-31T08:00:00Z", from));
        }
        return Start(AtTime{*time});
    }
    std::uint64_t number = 0;
    const char* const end = from.data() + from.size();
    const auto [stop, problem] = std::from_chars(from.data(), end, number);
    if (stop == end && problem == std::errc{}) {
        if (selection.kind == Selection::Kind::stream) {
            return Start(Version(number));
        }
        return Start(Offset(number));
    }
    auto position = parse_position(from);
    if (!position) {
        return Error(
            position.error().code,
            fmt::format("--from {}: neither start, end, a number, @TIME nor a position", from));
    }
    return Start(std::move(*position));
}

}  // namespace skald::cli
