#include "wire/consumer_record.h"

#include "wire/consumer_parts.h"

namespace skald::wire {
namespace {

using parts::Builder;
using parts::from_fb;
using parts::Ref;
using parts::Refused;

constexpr const char* kRecordIdentifier = "SKCR";
constexpr const char* kCatalogueIdentifier = "SKCC";
// The record's size bounds them.
constexpr std::size_t kAll = limits::kRequestBytesMax;

Ref<fb::ParkedPlace> build(Builder& b, const ParkedPlace& parked) {
    const fb::Place place = parts::to_fb(parked.place);
    const auto reason = b.CreateString(parked.reason);
    return fb::CreateParkedPlace(b, &place, parked.version.value, parked.key, parked.at.us,
                                 parked.attempts, parked.bytes, parked.follower, reason);
}

TakenRange read_taken(const fb::TakenRange* taken) {
    parts::check_places(taken->first(), taken->next());
    return {Partition{taken->partition()}, Offset{taken->first()}, Offset{taken->next()}};
}

WaitingPlace read_waiting(const fb::WaitingPlace* waiting) {
    return {from_fb(&waiting->place()), Version{waiting->version()},
            waiting->bytes(),           waiting->key(),
            Time{waiting->due_us()},    waiting->attempts()};
}

ParkedPlace read_parked(const fb::ParkedPlace* parked) {
    if (parked->place() == nullptr) {
        throw Refused("a parked event without its place");
    }
    return {from_fb(parked->place()), Version{parked->version()},
            parked->bytes(),          parked->key(),
            Time{parked->at_us()},    parked->attempts(),
            parked->follower(),       parts::reason(parked->reason())};
}

Ref<fb::PlaceTerms> build(Builder& b, const PlaceTerms& place) {
    const fb::Place at = parts::to_fb(place.place);
    const auto repeat = b.CreateString(place.terms.repeat);
    fb::PlaceTermsBuilder table(b);
    table.add_place(&at);
    if (place.terms.expires) {
        table.add_expires_us(place.terms.expires->us);
    }
    table.add_high(place.terms.high);
    table.add_repeat(repeat);
    table.add_anchor_us(place.terms.anchor.us);
    return table.Finish();
}

PlaceTerms read_terms(const fb::PlaceTerms* terms) {
    if (terms->place() == nullptr) {
        throw Refused("terms without their place");
    }
    PlaceTerms read{from_fb(terms->place()), {}};
    if (const auto expires = terms->expires_us()) {
        read.terms.expires = Time{*expires};
    }
    read.terms.high = terms->high();
    read.terms.repeat = parts::text(terms->repeat());
    read.terms.anchor = Time{terms->anchor_us()};
    return read;
}

ConsumerRecord read_record(const fb::ConsumerRecord& record) {
    ConsumerRecord read;
    read.previous = record.previous();
    read.part = record.part();
    read.parts = record.parts();
    read.taken = parts::read_list(record.taken(), kAll, read_taken);
    read.waiting = parts::read_list(record.waiting(), kAll, read_waiting);
    read.parked = parts::read_list(record.parked(), kAll, read_parked);
    read.settled = parts::read_list(record.settled(), kAll,
                                    [](const fb::Place* place) { return from_fb(place); });
    read.done = record.done();
    read.skipped = record.skipped();
    read.failures = record.failures();
    read.term = record.term();
    read.terms = parts::read_list(record.terms(), kAll, read_terms);
    read.expired = record.expired();
    read.dropped = record.dropped();
    return read;
}

CatalogueEntry read_entry(const fb::CatalogueEntry* entry) {
    return {from_fb(entry->settings()), from_fb(entry->begins()), entry->paused(), entry->born()};
}

ConsumerCatalogue read_catalogue(const fb::ConsumerCatalogue& catalogue) {
    return {parts::read_list(catalogue.consumers(), limits::kConsumersMax, read_entry),
            catalogue.births()};
}

}  // namespace

std::string encode(const ConsumerRecord& record) {
    Builder b;
    const auto taken = parts::build_list(b, record.taken, [](const TakenRange& t) {
        return fb::TakenRange(t.first.value, t.next.value, t.partition.value);
    });
    const auto waiting = parts::build_list(b, record.waiting, [](const WaitingPlace& w) {
        return fb::WaitingPlace(parts::to_fb(w.place), w.version.value, w.key, w.due.us, w.attempts,
                                w.bytes);
    });
    const auto parked = parts::build_list(
        b, record.parked, [&b](const ParkedPlace& place) { return build(b, place); });
    const auto settled = parts::build_list(b, record.settled,
                                           [](const Place& place) { return parts::to_fb(place); });
    // Few have any.
    const auto terms = record.terms.empty()
                           ? 0
                           : parts::build_list(b, record.terms, [&b](const PlaceTerms& place) {
                                 return build(b, place);
                             });
    return parts::finished(
        b,
        fb::CreateConsumerRecord(b, record.previous, record.part, record.parts, taken, waiting,
                                 parked, settled, record.done, record.skipped, record.failures,
                                 record.term, terms, record.expired, record.dropped),
        kRecordIdentifier);
}

std::string encode(const ConsumerCatalogue& catalogue) {
    Builder b;
    const auto consumers =
        parts::build_list(b, catalogue.consumers, [&b](const CatalogueEntry& entry) {
            const auto settings = parts::build(b, entry.settings);
            const auto begins = parts::build(b, entry.begins);
            return fb::CreateCatalogueEntry(b, settings, begins, entry.paused, entry.born);
        });
    return parts::finished(b, fb::CreateConsumerCatalogue(b, consumers, catalogue.births),
                           kCatalogueIdentifier);
}

Result<ConsumerRecord> decode_consumer_record(Bytes bytes) {
    return parts::decoded<fb::ConsumerRecord>(bytes, kRecordIdentifier, read_record);
}

Result<ConsumerCatalogue> decode_catalogue(Bytes bytes) {
    return parts::decoded<fb::ConsumerCatalogue>(bytes, kCatalogueIdentifier, read_catalogue);
}

}  // namespace skald::wire
