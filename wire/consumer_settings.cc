// What is common to the messages and the records of consumers, settings above all.
#include <fmt/format.h>

#include "base/glob.h"
#include "wire/consumer_messages.h"
#include "wire/consumer_parts.h"
#include "wire/query.h"

namespace skald::wire {
namespace parts {
namespace {

std::uint64_t to_us(std::chrono::milliseconds time) {
    return static_cast<std::uint64_t>(
        std::chrono::microseconds(std::clamp(time, std::chrono::milliseconds(0),
                                             limits::kWorkTimeMax + std::chrono::milliseconds(1)))
            .count());
}

std::chrono::milliseconds from_us(std::uint64_t us) {
    return std::chrono::ceil<std::chrono::milliseconds>(duration(us));
}

Ref<fb::QueueSettings> build(Builder& b, const QueueSettings& queue) {
    return fb::CreateQueueSettings(b, queue.max_count, queue.max_bytes,
                                   static_cast<fb::WhenFull>(queue.when_full),
                                   to_us(queue.max_wait));
}

}  // namespace

fb::Place to_fb(const Place& place) {
    return {place.offset.value, place.partition.value};
}

Ref<fb::ConsumerSettings> build(Builder& b, const ConsumerSettings& settings) {
    const auto name = b.CreateString(settings.name);
    const auto selection = build(b, settings.selection);
    const auto start = build(b, settings.start);
    const auto key = b.CreateString(settings.key);
    const Backoff& backoff = settings.backoff;
    const auto queue = settings.queue ? build(b, *settings.queue) : 0;
    return fb::CreateConsumerSettings(
        b, name, selection, start, static_cast<fb::ConsumerMode>(settings.mode), key,
        to_us(settings.ack_timeout), settings.max_deliveries, to_us(backoff.first), backoff.factor,
        to_us(backoff.most), backoff.jitter, settings.in_flight, queue);
}

Place from_fb(const fb::Place* place) {
    return {Partition{place->partition()}, Offset{place->offset()}};
}

ConsumerSettings from_fb(const fb::ConsumerSettings* settings) {
    if (settings == nullptr) {
        throw Refused("a consumer without its settings");
    }
    check_range(settings->mode(), fb::ConsumerMode::MAX, "mode");
    ConsumerSettings read;
    read.name = short_text(settings->name(), limits::kConsumerNameBytesMax);
    read.selection = from_fb(settings->selection());
    read.start = from_fb(settings->start());
    read.mode = static_cast<ConsumerMode>(settings->mode());
    read.key = short_text(settings->key(), limits::kConsumerKeyBytesMax);
    read.ack_timeout = from_us(settings->ack_timeout_us());
    read.max_deliveries = settings->max_deliveries();
    read.backoff = {from_us(settings->backoff_first_us()), finite(settings->backoff_factor()),
                    from_us(settings->backoff_most_us()), finite(settings->backoff_jitter())};
    read.in_flight = settings->in_flight();
    if (const fb::QueueSettings* queue = settings->queue()) {
        check_range(queue->when_full(), fb::WhenFull::MAX, "answer to a full queue");
        read.queue = {queue->max_count(), queue->max_bytes(),
                      static_cast<WhenFull>(queue->when_full()), from_us(queue->max_wait_us())};
    }
    return read;
}

std::chrono::microseconds duration(std::uint64_t us) {
    constexpr std::chrono::microseconds kMost = limits::kWorkTimeMax + std::chrono::milliseconds(1);
    return std::chrono::microseconds(
        std::min(us, static_cast<std::uint64_t>(std::chrono::microseconds(kMost).count())));
}

std::string reason(const flatbuffers::String* text) {
    return text == nullptr ? std::string()
                           : std::string(utf8_prefix({text->c_str(), text->size()},
                                                     limits::kWorkReasonBytesMax));
}

}  // namespace parts

namespace {

Error refused(std::string what) {
    return {Errc::invalid_argument, std::move(what)};
}

Result<void> check_key(const ConsumerSettings& settings) {
    if (settings.mode > ConsumerMode::per_key) {
        return refused("a consumer is shared, exclusive or per_key");
    }
    if (!settings.key.empty() && settings.mode != ConsumerMode::per_key) {
        return refused("only a consumer of mode per_key has a key");
    }
    if (settings.key.size() > limits::kConsumerKeyBytesMax || !is_utf8(settings.key)) {
        return refused(
            fmt::format("a consumer's key is the name of a metadata: up to {} bytes of "
                        "UTF-8",
                        limits::kConsumerKeyBytesMax));
    }
    return {};
}

Result<void> check_backoff(const Backoff& backoff) {
    if (backoff.most < std::chrono::milliseconds(0) || backoff.most > limits::kWorkTimeMax) {
        return refused("the longest backoff is 0 to 24 h");
    }
    if (backoff.first < std::chrono::milliseconds(0) || backoff.first > backoff.most) {
        return refused("the first backoff is 0 to the longest one");
    }
    // Written so that what is no number is refused.
    if (!(backoff.factor >= 1 && backoff.factor <= limits::kBackoffFactorMax)) {
        return refused(fmt::format("the factor of the backoff is 1 to {}, not {}",
                                   limits::kBackoffFactorMax, backoff.factor));
    }
    if (!(backoff.jitter >= 0 && backoff.jitter <= 1)) {
        return refused(fmt::format("the jitter of the backoff is 0 to 1, not {}", backoff.jitter));
    }
    return {};
}

Result<void> check_reach(const ConsumerSettings& settings) {
    if (settings.selection.system) {
        return refused("no consumer gets control records");
    }
    if (std::holds_alternative<Version>(settings.start)) {
        return refused("a consumer starts at no version: only streams have them");
    }
    if (settings.ack_timeout < limits::kAckTimeoutMin ||
        settings.ack_timeout > limits::kWorkTimeMax) {
        return refused("the ack timeout is 10 ms to 24 h");
    }
    if (settings.in_flight == 0 || settings.in_flight > limits::kConsumerInFlightMax) {
        return refused(fmt::format("{} events in flight of 1-{}", settings.in_flight,
                                   limits::kConsumerInFlightMax));
    }
    return check_selection(settings.selection);
}

Result<void> check_queue(const ConsumerSettings& settings) {
    if (!settings.queue) {
        return {};
    }
    const Selection& selection = settings.selection;
    if (selection.kind != Selection::Kind::stream || !selection.types.empty() ||
        !selection.streams.empty() || !std::holds_alternative<Beginning>(settings.start)) {
        return refused("a queue is all events of one stream, from its beginning");
    }
    const QueueSettings& queue = *settings.queue;
    if (queue.max_count == 0 || queue.max_count > limits::kQueueCountMax || queue.max_bytes == 0 ||
        queue.max_bytes > limits::kQueueKeptBytesMax) {
        return refused(fmt::format("a queue holds 1-{} events, of 1-{} bytes",
                                   limits::kQueueCountMax, limits::kQueueKeptBytesMax));
    }
    if (queue.when_full > WhenFull::wait) {
        return refused("a full queue rejects, drops its oldest events, or lets wait");
    }
    if (queue.max_wait < limits::kQueueWaitMin || queue.max_wait > limits::kQueueWaitMax) {
        return refused("an append waits for a queue 1 ms to 10 minutes");
    }
    return {};
}

}  // namespace

Result<void> check_consumer_name(std::string_view name) {
    if (name.size() > limits::kConsumerNameBytesMax) {
        return refused(fmt::format("no consumer's name has more than {} bytes",
                                   limits::kConsumerNameBytesMax));
    }
    if (auto ok = check_stream_name(name); !ok) {
        return refused(fmt::format("a consumer's name: {}", ok.error().message));
    }
    if (name.find_first_of("/#") != std::string_view::npos) {
        return refused("a consumer's name has no `/` and no `#` in it");
    }
    return {};
}

Result<void> check_settings(const ConsumerSettings& settings) {
    if (auto ok = check_consumer_name(settings.name); !ok) {
        return ok;
    }
    if (auto ok = check_key(settings); !ok) {
        return ok;
    }
    if (auto ok = check_backoff(settings.backoff); !ok) {
        return ok;
    }
    if (auto ok = check_reach(settings); !ok) {
        return ok;
    }
    return check_queue(settings);
}

}  // namespace skald::wire
