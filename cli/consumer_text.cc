#include "cli/consumer_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/consumer_words.h"
#include "cli/event_text.h"
#include "cli/json_writer.h"
#include "cli/output.h"

namespace skald::cli {
namespace {

// As the file of a consumer has it; "" for what it cannot have.
std::string_view key_of(Selection::Kind kind) {
    switch (kind) {
        case Selection::Kind::stream:
            return "stream";
        case Selection::Kind::category:
            return "category";
        case Selection::Kind::type:
            return "type";
        case Selection::Kind::correlation:
            return "correlation";
        default:
            return "";
    }
}

// As parse_start() reads it.
std::string start_text(const Start& start) {
    if (std::holds_alternative<End>(start)) {
        return "end";
    }
    if (const auto* offset = std::get_if<Offset>(&start)) {
        return std::to_string(offset->value);
    }
    if (const auto* time = std::get_if<AtTime>(&start)) {
        return "@" + to_string(time->time);
    }
    const auto* position = std::get_if<Position>(&start);
    return position != nullptr ? to_token(*position) : "beginning";
}

std::string events_text(const Selection& selection) {
    std::string text;
    if (selection.kind == Selection::Kind::query) {
        text = "events of a query";
    } else if (selection.kind == Selection::Kind::all) {
        text = "all events";
    } else {
        text = fmt::format("{} {}", key_of(selection.kind), selection.name);
    }
    if (!selection.types.empty()) {
        text += fmt::format(", types {}", fmt::join(selection.types, " "));
    }
    if (!selection.streams.empty()) {
        text += fmt::format(", streams {}", fmt::join(selection.streams, " "));
    }
    return text;
}

std::string delivery_text(const ConsumerSettings& settings) {
    const Backoff& backoff = settings.backoff;
    return fmt::format(
        "ack timeout {}, {}, backoff {} times {} up to {}, up to {} in flight",
        time_text(settings.ack_timeout),
        settings.max_deliveries == 0 ? "any number of deliveries"
                                     : counted(settings.max_deliveries, "delivery", "deliveries"),
        time_text(backoff.first), backoff.factor, time_text(backoff.most), settings.in_flight);
}

std::string full_text(const QueueSettings& queue) {
    switch (queue.when_full) {
        case WhenFull::reject:
            return "rejects";
        case WhenFull::drop_oldest:
            return "drops the oldest";
        case WhenFull::wait:
            break;
    }
    return "lets wait, for " + time_text(queue.max_wait);
}

std::string queue_text(const ConsumerStatus& status) {
    const QueueSettings& queue = *status.settings.queue;
    return fmt::format("a queue: {} of at most {} events, {} of {} bytes; when full it {}",
                       status.queue_count, queue.max_count, status.queue_bytes, queue.max_bytes,
                       full_text(queue));
}

double seconds_of(std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
}

void write_queue(JsonWriter& json, const ConsumerStatus& status) {
    const QueueSettings& queue = *status.settings.queue;
    json.key("queue")
        .begin_object()
        .field("count", status.queue_count)
        .field("bytes", status.queue_bytes)
        .field("max_count", queue.max_count)
        .field("max_bytes", queue.max_bytes)
        .field("when_full", word_of(kWhenFullWords, queue.when_full))
        .field("max_wait_seconds", seconds_of(queue.max_wait))
        .end_object();
}

void write_list(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
    json.key(key).begin_array();
    for (const std::string& text : texts) {
        json.string(text);
    }
    json.end_array();
}

void write_filter(JsonWriter& json, const Selection& selection) {
    json.key("filter").begin_object();
    if (const auto key = key_of(selection.kind); !key.empty()) {
        json.field(key, selection.name);
    }
    write_list(json, "types", selection.types);
    write_list(json, "streams", selection.streams);
    json.end_object();
}

void write_settings(JsonWriter& json, const ConsumerSettings& settings) {
    json.key("settings").begin_object().field("mode", word_of(kModeWords, settings.mode));
    if (settings.mode == ConsumerMode::per_key) {
        json.field("key", settings.key);
    }
    json.field("start", start_text(settings.start));
    write_filter(json, settings.selection);
    json.field("ack_timeout_seconds", seconds_of(settings.ack_timeout))
        .field("max_deliveries", std::uint64_t{settings.max_deliveries})
        .field("in_flight", std::uint64_t{settings.in_flight});
    json.key("backoff")
        .begin_object()
        .field("first_seconds", seconds_of(settings.backoff.first))
        .field("factor", settings.backoff.factor)
        .field("most_seconds", seconds_of(settings.backoff.most))
        .field("jitter", settings.backoff.jitter)
        .end_object();
    json.end_object();
}

std::string rates_text(const ConsumerStatus& status) {
    std::string text = fmt::format("{:.0f}/s come, {:.0f}/s done", status.in_rate, status.out_rate);
    if (status.drain_seconds) {
        text += fmt::format(", nothing left in {:.0f} s", *status.drain_seconds);
    }
    return text;
}

void write_members(JsonWriter& json, const std::vector<MemberStatus>& members) {
    json.key("members").begin_array();
    for (const MemberStatus& member : members) {
        json.begin_object()
            .field("name", member.name)
            .field("in_flight", std::uint64_t{member.in_flight})
            .field("delivered", member.delivered)
            .field("active", member.active)
            .end_object();
    }
    json.end_array();
}

}  // namespace

std::string consumer_line(const ConsumerStatus& status) {
    return tame(fmt::format(
        "{}{}  {}  {}  {} in flight  {} waiting  {} parked  {} behind  {} done  {:.0f}/s",
        status.settings.name, status.paused ? "  paused" : "",
        word_of(kModeWords, status.settings.mode),
        counted(status.member_count, "member", "members"), status.in_flight, status.waiting,
        status.parked, status.behind, status.done, status.out_rate));
}

std::string consumer_text(const ConsumerStatus& status) {
    const ConsumerSettings& settings = status.settings;
    std::string text = consumer_line(status);
    const auto line = [&text](const std::string& words) { text += "\n    " + tame(words); };
    line(fmt::format("{}, from {}", events_text(settings.selection), start_text(settings.start)));
    if (!settings.key.empty()) {
        line(fmt::format("in order by the metadata {}", settings.key));
    }
    if (settings.queue) {
        line(queue_text(status));
    }
    line(delivery_text(settings));
    line(fmt::format("{} skipped, {} expired, {} dropped, {} failed", status.skipped,
                     status.expired, status.dropped,
                     counted(status.failures, "delivery", "deliveries")));
    line(rates_text(status));
    if (status.oldest) {
        line(fmt::format("the oldest open event is of {}", to_string(*status.oldest)));
    }
    for (const MemberStatus& member : status.members) {
        line(fmt::format("member {}  {} in flight  {} delivered{}", member.name, member.in_flight,
                         member.delivered, member.active ? "" : "  stands by"));
    }
    return text;
}

std::string consumer_json(const ConsumerStatus& status) {
    std::string out;
    JsonWriter json(out);
    json.begin_object()
        .field("name", status.settings.name)
        .field("paused", status.paused)
        .field("done", status.done)
        .field("skipped", status.skipped)
        .field("expired", status.expired)
        .field("dropped", status.dropped)
        .field("failures", status.failures)
        .field("in_flight", status.in_flight)
        .field("waiting", status.waiting)
        .field("parked", status.parked)
        .field("behind", status.behind)
        .field("in_rate", status.in_rate)
        .field("out_rate", status.out_rate)
        .field("member_count", std::uint64_t{status.member_count});
    json.key("drain_seconds");
    if (status.drain_seconds) {
        json.number(*status.drain_seconds);
    } else {
        json.null();
    }
    json.key("oldest");
    if (status.oldest) {
        json.string(to_string(*status.oldest));
    } else {
        json.null();
    }
    if (status.settings.mode == ConsumerMode::exclusive) {
        json.field("term", status.term);
    }
    if (status.members.size() == status.member_count) {
        write_members(json, status.members);
    }
    write_settings(json, status.settings);
    if (status.settings.queue) {
        write_queue(json, status);
    }
    json.end_object();
    return out;
}

std::string place_text(Place place) {
    return fmt::format("{}:{}", place.partition.value, place.offset.value);
}

std::string parked_line(const ParkedEvent& event) {
    return tame(fmt::format("{}  {}  {}  {}  {}", place_text(event.place), event.stream, event.type,
                            counted(event.attempts, "delivery", "deliveries"),
                            event.follower ? "waits behind another" : event.reason));
}

std::string parked_json(const ParkedEvent& event) {
    std::string out;
    JsonWriter(out)
        .begin_object()
        .field("place", place_text(event.place))
        .field("partition", std::uint64_t{event.place.partition.value})
        .field("offset", event.place.offset.value)
        .field("stream", event.stream)
        .field("type", event.type)
        .field("reason", event.reason)
        .field("attempts", std::uint64_t{event.attempts})
        .field("at", to_string(event.at))
        .field("follower", event.follower)
        .end_object();
    return out;
}

}  // namespace skald::cli
