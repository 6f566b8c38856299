#include "broker/consumers/hosted_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/limits.h"
#include "base/random.h"
#include "wire/batch.h"
#include "wire/record.h"

namespace skald::broker {
namespace {

// Of one consumer in one turn: there are others, and members that wait for an answer.
constexpr int kReadsMax = 4;
constexpr std::size_t kReadRecordsMax = 16384;  // looked at by each
constexpr auto kBusyPause = std::chrono::milliseconds(1);

Error gone() {
    return {Errc::not_found, "the consumer is no more"};
}

}  // namespace

Frame frame_of(std::string payload) {
    return std::make_shared<const std::string>(std::move(payload));
}

HostedConsumer::HostedConsumer(Parts parts, wire::CatalogueEntry entry)
    : parts_(parts), entry_(std::move(entry)), consumer_(entry_.settings, random_number()) {
    consumer_.pause(entry_.paused);
}

HostedConsumer::~HostedConsumer() {
    SKALD_CHECK(idle(), "the volume still refers to a record");
    for (auto& [ticket, reply] : waiting_) {
        reply(gone());
    }
    for (Rest& rest : rests_) {
        rest.reply(gone());
    }
}

Result<std::unique_ptr<HostedConsumer>> HostedConsumer::open(Parts parts,
                                                             wire::CatalogueEntry entry) {
    std::unique_ptr<HostedConsumer> consumer(new HostedConsumer(parts, std::move(entry)));
    if (auto ok = consumer->load(); !ok) {
        return ok.error();
    }
    if (auto ok = consumer->open_queue(); !ok) {
        return ok.error();
    }
    return consumer;
}

Result<void> HostedConsumer::load() {
    for (const PartitionPosition& place : entry_.begins.partitions) {
        consumer_.begin_at(place.partition, place.next);
    }
    auto found = load_records(parts_.volume, stream_of(entry_));
    if (!found) {
        return found.error();
    }
    for (const wire::ConsumerRecord& record : found->records) {
        consumer_.replay(record);
    }
    previous_ = found->previous;
    return {};
}

void HostedConsumer::set_entry(const wire::CatalogueEntry& entry) {
    if (entry.settings.selection != entry_.settings.selection) {
        cursor_.reset();
        more_ = true;
    }
    entry_ = entry;
    consumer_.edit(entry.settings);
    if (queue_ != nullptr) {
        queue_->set(*entry.settings.queue);
    }
    consumer_.pause(entry.paused);
}

// ---- reading

Result<void> HostedConsumer::open_cursor() {
    Position from = parts_.volume.position();
    for (PartitionPosition& place : from.partitions) {
        place.next = std::min(place.next, consumer_.first_open(place.partition));
        place.digest = 0;
        leads_[place.partition] = place.next;
    }
    auto cursor = parts_.volume.cursor({entry_.settings.selection, from, false, false, {}});
    if (!cursor) {
        return cursor.error();
    }
    cursor_ = std::move(*cursor);
    return {};
}

Result<void> HostedConsumer::read(Consumer::Now now) {
    if (cursor_ == nullptr) {
        if (auto ok = open_cursor(); !ok) {
            return ok;
        }
    }
    store::ReadBudget budget;
    budget.events = static_cast<std::uint32_t>(limits::kConsumerPageEventsMax);
    budget.bytes = limits::kPageBytesMax;
    budget.records = kReadRecordsMax;
    auto step = cursor_->next_events(budget);
    if (!step) {
        return step.error();
    }
    std::vector<Candidate> candidates;
    candidates.reserve(step->events.size());
    for (const EventView& event : step->events) {
        Offset& lead = leads_[event.partition];
        candidates.push_back({{event.partition, event.offset},
                              lead,
                              event.version,
                              key_of(event),
                              static_cast<std::uint32_t>(store::kept_bytes(event)),
                              terms_of(event)});
        lead = event.offset + 1;
    }
    consumer_.take(candidates, now);
    for (const PartitionPosition& place : cursor_->position().partitions) {
        consumer_.looked(place.partition, place.next);
    }
    more_ = !step->end;
    return {};
}

std::uint64_t HostedConsumer::key_of(const EventView& event) const {
    if (entry_.settings.mode != ConsumerMode::per_key) {
        return 0;
    }
    return wire::name_hash(wire::key_of(event, entry_.settings.key));
}

// ---- turns

Result<void> HostedConsumer::advance(Consumer::Now now) {
    consumer_.tick(now);
    go_on(now);
    for (int reads = 0; reads < kReadsMax && more_ && hungry(); ++reads) {
        if (auto ok = read(now); !ok) {
            return ok;
        }
        consumer_.tick(now);
    }
    keep_queue();
    if (auto ok = reply_pages(); !ok) {
        return ok;
    }
    write();
    plan_removal(now);
    reply_confirmed();
    return {};
}

std::optional<Monotonic> HostedConsumer::next_tick(Consumer::Now now) const {
    if (write_again_) {
        return now.monotonic + kBusyPause;
    }
    if (more_ && hungry()) {
        return now.monotonic;
    }
    const auto next = consumer_.next_tick(now);
    const bool removes = queue_ != nullptr && consumer_.said_all();
    const auto removal = removes ? queue_->next_removal() : std::nullopt;
    return next && removal ? std::min(*next, *removal) : next ? next : removal;
}

Result<void> HostedConsumer::reply_pages() {
    for (GivenPage& page : std::exchange(consumer_.effects().pages, {})) {
        const auto waiting = waiting_.extract(page.ticket);
        if (waiting.empty()) {
            continue;
        }
        std::vector<store::Chunk> chunks;
        auto reply = reply_of(page, chunks);
        if (!reply) {
            waiting.mapped()(reply.error());
            return reply.error();
        }
        waiting.mapped()(frame_of(wire::encode(*reply)));
    }
    return {};
}

// In the order of the log. What is gone from it by now is done.
Result<wire::MemberReply> HostedConsumer::reply_of(GivenPage& page,
                                                   std::vector<store::Chunk>& chunks) {
    std::vector<Given>& events = page.events;
    std::sort(events.begin(), events.end(),
              [](const Given& a, const Given& b) { return a.place < b.place; });
    std::set<Place> gone;
    for (auto begin = events.begin(); begin != events.end();) {
        const Partition partition = begin->place.partition;
        std::vector<store::Pick> picks;
        for (; begin != events.end() && begin->place.partition == partition; ++begin) {
            picks.push_back({begin->place.offset, begin->version});
        }
        auto picked = parts_.volume.pick(partition, picks);
        if (!picked) {
            return picked.error();
        }
        std::move(picked->chunks.begin(), picked->chunks.end(), std::back_inserter(chunks));
        for (const Offset offset : picked->gone) {
            gone.insert({partition, offset});
            consumer_.vanished({partition, offset});
        }
    }
    std::erase_if(events, [&gone](const Given& given) { return gone.contains(given.place); });
    wire::MemberReply reply;
    reply.term = page.term;
    reply.answered = page.answered;
    for (const store::Chunk& chunk : chunks) {
        reply.heads.push_back({chunk.partition, chunk.events, chunk.first, chunk.next});
        reply.slices.push_back(as_bytes(*chunk.frame));
    }
    if (std::any_of(events.begin(), events.end(),
                    [](const Given& given) { return given.attempt != 1; })) {
        for (const Given& given : events) {
            reply.attempts.push_back(given.attempt);
        }
    }
    return reply;
}

void HostedConsumer::reply_confirmed() {
    for (const std::uint64_t ticket : std::exchange(consumer_.effects().confirmed, {})) {
        if (const auto waiting = waiting_.extract(ticket); !waiting.empty()) {
            waiting.mapped()(frame_of(wire::encode(wire::MemberReply{})));
        }
    }
}

// ---- records

void HostedConsumer::write() {
    if (write_ == nullptr) {
        auto record = consumer_.next_record();
        if (!record) {
            return;
        }
        record->previous = previous_;
        write_ = std::make_unique<ControlWrite>(stream_of(entry_), wire::kConsumerType,
                                                wire::encode(*record), previous_, parts_.ids);
        write_again_ = true;
    }
    if (std::exchange(write_again_, false)) {
        const store::Submission submission = write_->submission(parts_.listener, entry_.born);
        parts_.volume.submit(std::span(&submission, 1));
    }
}

Result<void> HostedConsumer::written(const Result<store::AppendOutcome>& outcome) {
    if (!outcome) {
        if (outcome.error().code == Errc::busy) {
            write_again_ = true;
            return {};
        }
        write_.reset();
        return outcome.error();
    }
    write_.reset();
    previous_ = outcome->offset.value + 1;
    consumer_.recorded();
    if (queue_ != nullptr) {
        queue_->begin();
    }
    return {};
}

}  // namespace skald::broker
