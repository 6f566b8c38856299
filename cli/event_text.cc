#include "cli/event_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/glob.h"

namespace skald::cli {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

void append_styled(std::string& out, std::string_view text, std::string_view colour, bool colours) {
    if (!colours) {
        out += text;
        return;
    }
    out += colour;
    out += text;
    out += kPlain;
}

void append_data(std::string& out, const EventView& event) {
    if (!is_utf8(event.data)) {
        append_tame(out, fmt::format("<{} bytes of {}>", event.data.size(), event.content_type()));
        return;
    }
    append_tame(out, event.data);
}

void append_details(std::string& out, const EventView& event) {
    auto to = std::back_inserter(out);
    if (!event.ephemeral) {
        fmt::format_to(to, "  partition={} offset={}", event.partition.value, event.offset.value);
    }
    fmt::format_to(to, "{} id={}", event.ephemeral ? " " : "", to_string(event.id));
    if (!event.correlation_id().empty()) {
        append_tame(out, fmt::format(" correlation_id={}", event.correlation_id()));
    }
    if (!event.causation_id().empty()) {
        append_tame(out, fmt::format(" causation_id={}", event.causation_id()));
    }
    for (const std::string_view tag : event.tags()) {
        append_tame(out, fmt::format(" tag={}", tag));
    }
    for (const auto& [key, value] : event.metadata()) {
        append_tame(out, fmt::format(" {}={}", key, value));
    }
}

// Where it stands; `~` marks what stands nowhere.
std::string place_of(const EventView& event) {
    if (event.ephemeral) {
        return fmt::format("{}~ephemeral", event.stream);
    }
    return event.control ? std::string(event.stream)
                         : fmt::format("{}@{}", event.stream, event.version.value);
}

}  // namespace

void append_tame(std::string& out, std::string_view text) {
    const std::size_t begin = out.size();
    out += text;
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
}

std::string tame(std::string_view text) {
    std::string out;
    append_tame(out, text);
    return out;
}

void append_event_text(std::string& out, const EventView& event, TextStyle style) {
    append_styled(out, place_of(event), kBold, style.colours);
    out += "  ";
    append_styled(out, event.type, kCyan, style.colours);
    out += "  ";
    append_styled(out, to_string(event.time()), kDim, style.colours);
    out += "  ";
    append_data(out, event);
    if (style.verbose) {
        append_details(out, event);
    }
}

void append_receipt_text(std::string& out, const Receipt& receipt) {
    fmt::format_to(std::back_inserter(out), "{}@{}  partition={} offset={} id={}{}{}",
                   receipt.stream, receipt.version.value, receipt.partition.value,
                   receipt.offset.value, to_string(receipt.id), receipt.repeated ? " repeated" : "",
                   receipt.durability == Ack::primary ? " durability=primary" : "");
}

void append_ephemeral_receipt_text(std::string& out, std::string_view stream, const Uuid& id) {
    fmt::format_to(std::back_inserter(out), "{}  ephemeral, not stored  id={}", stream,
                   to_string(id));
}

}  // namespace skald::cli
