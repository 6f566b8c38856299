#include "broker/consumers/hosted_consumer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "base/random.h"
#include "wire/batch.h"
#include "wire/record.h"

namespace skald::broker {
namespace {

constexpr auto kRateEvery = std::chrono::seconds(2);

Error gone() {
    return {Errc::not_found, "the consumer is no more"};
}

std::uint32_t bytes_of(const EventView& event) {
    return static_cast<std::uint32_t>(event.data.size() + event.fields.size() + 32);
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
    entry_ = entry;
    consumer_.edit(entry.settings);
    consumer_.pause(entry.paused);
    cursor_.reset();  // what it selects may be another
    more_ = true;
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
    auto step = cursor_->next_events(budget);
    if (!step) {
        return step.error();
    }
    std::vector<Candidate> candidates;
    candidates.reserve(step->events.size());
    for (const EventView& event : step->events) {
        Offset& lead = leads_[event.partition];
        candidates.push_back(
            {{event.partition, event.offset}, lead, event.version, key_of(event), bytes_of(event)});
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

// ---- requests

std::uint64_t HostedConsumer::ticket_for(ReplyTo reply) {
    const std::uint64_t ticket = next_ticket_++;
    waiting_.emplace(ticket, std::move(reply));
    return ticket;
}

void HostedConsumer::request(Bytes payload, ReplyTo reply, Consumer::Now now) {
    auto request = wire::decode_member_request(payload);
    if (!request) {
        reply(request.error());
        return;
    }
    switch (request->verb) {
        case wire::MemberVerb::join:
            join(*request, reply, now);
            return;
        case wire::MemberVerb::fetch: {
            const std::uint64_t ticket = ticket_for(std::move(reply));
            auto ok = consumer_.fetch(request->member, ticket, request->wait, now);
            if (!ok) {
                waiting_.extract(ticket).mapped()(ok.error());
            }
            return;
        }
        case wire::MemberVerb::answer: {
            Rest rest;
            rest.member = request->member;
            rest.answers = std::move(request->answers);
            rest.answered = request->answered;
            rest.reply = std::move(reply);
            rests_.push_back(std::move(rest));
            return;
        }
        case wire::MemberVerb::leave: {
            auto ok = consumer_.leave(request->member, now);
            reply(ok ? Result<Frame>(frame_of(wire::encode(wire::MemberReply{}))) : ok.error());
            return;
        }
    }
}

void HostedConsumer::join(const wire::MemberRequest& request, const ReplyTo& reply,
                          Consumer::Now now) {
    if (consumer_.status().members.size() >= limits::kConsumerMembersMax) {
        reply(Error(Errc::busy, "the consumer has all the members it can have"));
        return;
    }
    if (request.in_flight == 0 || request.in_flight > limits::kConsumerInFlightMax ||
        request.lease < limits::kLeaseMin || request.lease > limits::kLeaseMax) {
        reply(Error(Errc::invalid_argument,
                    fmt::format("a member holds 1-{} events, with a lease of {} to {} ms",
                                limits::kConsumerInFlightMax, limits::kLeaseMin.count(),
                                limits::kLeaseMax.count())));
        return;
    }
    wire::MemberReply joined;
    joined.mode = entry_.settings.mode;
    joined.key = entry_.settings.key;
    joined.member = consumer_.join(request.name, request.in_flight, request.lease, now);
    reply(frame_of(wire::encode(joined)));
}

void HostedConsumer::replay(std::uint64_t count, std::optional<Place> one, ReplyTo reply) {
    Rest rest;
    rest.left = count;
    rest.one = one;
    rest.reply = std::move(reply);
    rests_.push_back(std::move(rest));
}

void HostedConsumer::purge(ReplyTo reply) {
    Rest rest;
    rest.left = std::numeric_limits<std::uint64_t>::max();
    rest.purge = true;
    rest.reply = std::move(reply);
    rests_.push_back(std::move(rest));
}

// In the order they came, as long as the next record has room for what they do.
void HostedConsumer::go_on(Consumer::Now now) {
    while (!rests_.empty() && !consumer_.full() && work_on(rests_.front(), now)) {
        rests_.pop_front();
    }
}

// False when there is more of it.
bool HostedConsumer::work_on(Rest& rest, Consumer::Now now) {
    if (rest.member != 0) {
        auto taken = consumer_.answer(rest.member, std::span(rest.answers).subspan(rest.taken),
                                      rest.answered, now);
        if (!taken) {
            rest.reply(taken.error());
            return true;
        }
        rest.taken += *taken;
        if (rest.taken < rest.answers.size()) {
            return false;
        }
        consumer_.confirm(ticket_for(std::move(rest.reply)));
        return true;
    }
    const std::uint64_t chunk =
        std::min<std::uint64_t>(rest.left, limits::kConsumerPartItemsMax / 4);
    const std::uint64_t done =
        rest.purge ? consumer_.purge(chunk) : consumer_.replay_parked(chunk, rest.one);
    rest.done += done;
    rest.left -= std::min(rest.left, done);
    if (done != 0 && rest.left != 0 && !rest.one) {
        return false;
    }
    consumer_.confirm(
        ticket_for([reply = std::move(rest.reply), count = rest.done](Result<Frame> ok) {
            wire::ConsumerReply answer;
            answer.count = count;
            reply(ok ? Result<Frame>(frame_of(wire::encode(answer))) : ok);
        }));
    return true;
}

// ---- turns

Result<void> HostedConsumer::advance(Consumer::Now now) {
    consumer_.tick(now);
    go_on(now);
    while (more_ && consumer_.hungry()) {
        if (auto ok = read(now); !ok) {
            return ok;
        }
        consumer_.tick(now);
    }
    if (auto ok = reply_pages(); !ok) {
        return ok;
    }
    write();
    reply_confirmed();
    return {};
}

std::optional<Monotonic> HostedConsumer::next_tick(Consumer::Now now) const {
    return write_again_ ? now.monotonic : consumer_.next_tick(now);
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
        for (const Offset offset : picked->gone) {
            consumer_.vanished({partition, offset});
        }
        std::move(picked->chunks.begin(), picked->chunks.end(), std::back_inserter(chunks));
        const auto is_gone = [&](const Given& given) {
            return given.place.partition == partition &&
                   std::find(picked->gone.begin(), picked->gone.end(), given.place.offset) !=
                       picked->gone.end();
        };
        if (!picked->gone.empty()) {
            const auto index = begin - events.begin();
            const auto left = static_cast<std::ptrdiff_t>(picked->gone.size());
            events.erase(std::remove_if(events.begin(), events.end(), is_gone), events.end());
            begin = events.begin() + (index - left);
        }
    }
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
    consumer_.recorded(outcome->offset);
    return {};
}

// ---- what is shown

std::vector<ParkedEvent> HostedConsumer::parked(std::optional<Place> after, std::size_t limit) {
    std::vector<ParkedEvent> list;
    for (const wire::ParkedPlace& parked : consumer_.parked(after, limit)) {
        ParkedEvent& event = list.emplace_back();
        event.place = parked.place;
        event.reason = parked.reason;
        event.attempts = parked.attempts;
        event.at = parked.at;
        event.follower = parked.follower;
        const store::Pick pick{parked.place.offset, parked.version};
        auto picked = parts_.volume.pick(parked.place.partition, std::span(&pick, 1));
        if (!picked || picked->chunks.empty()) {
            continue;  // it is gone
        }
        auto batch =
            wire::BatchView::open(as_bytes(*picked->chunks.front().frame), parked.place.partition);
        if (!batch) {
            continue;
        }
        if (wire::EventCursor cursor(*batch); cursor.next()) {
            event.stream = cursor.event().stream;
            event.type = cursor.event().type;
        }
    }
    return list;
}

ConsumerStatus HostedConsumer::status(Consumer::Now now) {
    ConsumerStatus status = consumer_.status();
    status.settings = entry_.settings;
    for (const PartitionPosition& place : parts_.volume.position().partitions) {
        const Offset looked = consumer_.looked_to(place.partition);
        status.behind += place.next > looked ? place.next - looked : 0;
    }
    if (now.monotonic - rated_ >= kRateEvery) {
        const double seconds = std::chrono::duration<double>(now.monotonic - rated_).count();
        rate_ = static_cast<double>(status.done - rated_done_) / seconds;
        rated_done_ = status.done;
        rated_ = now.monotonic;
    }
    status.out_rate = rate_;
    return status;
}

}  // namespace skald::broker
