// A consumer and the log: what its records say, and what it made of those of its past.
#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "broker/consumers/consumer.h"

namespace skald::broker {
namespace {

std::size_t items(const wire::ConsumerRecord& record) {
    std::size_t count = record.taken.size() + record.waiting.size() + 2 * record.parked.size() +
                        2 * record.terms.size() + record.settled.size();
    std::size_t texts = 0;
    for (const wire::ParkedPlace& parked : record.parked) {
        texts += parked.reason.size();
    }
    for (const wire::PlaceTerms& place : record.terms) {
        texts += place.terms.repeat.size();
    }
    return count + texts / 48;
}

}  // namespace

std::size_t Consumer::Change::items() const {
    std::size_t count =
        waiting.size() + 2 * parked.size() + 2 * terms.size() + settled.size() + texts / 48;
    for (const auto& [partition, offsets] : taken) {
        count += offsets.ranges();
    }
    return count;
}

// Entries are put where they stand by what they are in the end, once all records were read.
void Consumer::replay(const wire::ConsumerRecord& record) {
    for (const wire::TakenRange& range : record.taken) {
        taken_[range.partition].add(range.first, range.next);
    }
    for (const wire::WaitingPlace& waiting : record.waiting) {
        forget(waiting.place);
        const auto it =
            recall(waiting.place, waiting.version, waiting.bytes, waiting.key, waiting.attempts);
        delay(it, waiting.due);
    }
    for (const wire::ParkedPlace& parked : record.parked) {
        forget(parked.place);
        const auto it =
            recall(parked.place, parked.version, parked.bytes, parked.key, parked.attempts);
        it->second.state = State::parked;
        parkings_[parked.place] = {parked.at, parked.follower, parked.reason};
        if (settings_.mode == ConsumerMode::per_key) {
            ++lanes_[parked.key].parked;
        }
    }
    for (const wire::PlaceTerms& place : record.terms) {
        if (const auto it = entries_.find(place.place); it != entries_.end()) {
            keep_terms(it, place.terms);
        }
    }
    for (const Place& place : record.settled) {
        forget(place);
    }
    done_ = record.done;
    skipped_ = record.skipped;
    expired_ = record.expired;
    dropped_ = record.dropped;
    failures_ = record.failures;
    term_ = record.term;
    count(record);
}

void Consumer::forget(Place place) {
    if (const auto it = entries_.find(place); it != entries_.end()) {
        const std::uint64_t key = it->second.key;
        let_go(it);
        drop_terms(it);
        entries_.erase(it);
        drop_lane(key);
    }
}

Consumer::Entries::iterator Consumer::recall(Place place, Version version, std::uint32_t bytes,
                                             std::uint64_t key, std::uint32_t attempts) {
    Entry entry;
    entry.version = version;
    entry.bytes = bytes;
    entry.key = key;
    entry.attempts = attempts;
    entry.recorded = true;
    return entries_.emplace(place, entry).first;
}

std::optional<wire::ConsumerRecord> Consumer::next_record() {
    if (under_way_) {
        return std::nullopt;
    }
    if (!whole_.empty()) {
        under_way_.emplace();
        wire::ConsumerRecord part = std::move(whole_.front());
        whole_.pop_front();
        under_way_term_ = part.term;
        return part;
    }
    if (!change_.says_something()) {
        effects_.confirmed.insert(effects_.confirmed.end(), change_.tickets.begin(),
                                  change_.tickets.end());
        change_.tickets.clear();
        return std::nullopt;
    }
    wire::ConsumerRecord record = begin_record();
    for (const auto& [partition, taken] : change_.taken) {
        taken.each([&, p = partition](Offset first, Offset next) {
            record.taken.push_back({p, first, next});
        });
    }
    for (const auto& [place, waiting] : change_.waiting) {
        record.waiting.push_back(waiting);
    }
    for (const auto& [place, parked] : change_.parked) {
        record.parked.push_back(parked);
    }
    for (const auto& [place, terms] : change_.terms) {
        record.terms.push_back({place, terms});
    }
    record.settled.assign(change_.settled.begin(), change_.settled.end());
    under_way_ = std::exchange(change_, {});
    under_way_term_ = record.term;
    count(record);
    if (records_since_ >=
            std::max(limits::kConsumerRecordsMax, whole_items_ / limits::kConsumerRecordItems) ||
        items_since_ >= std::max(limits::kConsumerItemsMin, 2 * whole_items_)) {
        begin_whole();
    }
    return record;
}

// Of what a start would read.
void Consumer::count(const wire::ConsumerRecord& record) {
    if (record.parts == 0) {
        ++records_since_;
        items_since_ += items(record);
        return;
    }
    if (record.part == 0) {
        records_since_ = items_since_ = whole_items_ = 0;
    }
    whole_items_ += items(record);
}

wire::ConsumerRecord Consumer::begin_record() const {
    wire::ConsumerRecord record;
    record.done = done_;
    record.skipped = skipped_;
    record.expired = expired_;
    record.dropped = dropped_;
    record.failures = failures_;
    record.term = term_;
    return record;
}

// All there is, as the record that goes before makes it. While its parts are written, changes
// gather: nothing comes between them.
void Consumer::begin_whole() {
    whole_.push_back(begin_record());
    const auto part = [this]() -> wire::ConsumerRecord& {
        if (items(whole_.back()) >= limits::kConsumerPartItemsMax) {
            whole_.push_back(begin_record());
        }
        return whole_.back();
    };
    for (const auto& [partition, taken] : taken_) {
        taken.each([&, p = partition](Offset first, Offset next) {
            part().taken.push_back({p, first, next});
        });
    }
    for (const auto& [place, entry] : entries_) {
        if (!entry.recorded) {
            continue;
        }
        wire::ConsumerRecord& record = part();
        if (entry.has_terms) {
            record.terms.push_back({place, terms_.at(place)});
        }
        if (entry.state != State::parked) {
            record.waiting.push_back(
                {place, entry.version, entry.bytes, entry.key, entry.due, entry.attempts});
            continue;
        }
        const Parking& parking = parkings_.at(place);
        record.parked.push_back({place, entry.version, entry.bytes, entry.key, parking.at,
                                 entry.attempts, parking.follower, parking.reason});
    }
    for (std::size_t i = 0; i < whole_.size(); ++i) {
        whole_[i].part = static_cast<std::uint32_t>(i);
        whole_[i].parts = static_cast<std::uint32_t>(whole_.size());
        count(whole_[i]);
    }
}

void Consumer::recorded() {
    SKALD_CHECK(under_way_, "no record is under way");
    effects_.confirmed.insert(effects_.confirmed.end(), under_way_->tickets.begin(),
                              under_way_->tickets.end());
    effects_.left.count += under_way_->left.count;
    effects_.left.bytes += under_way_->left.bytes;
    under_way_.reset();
    term_recorded_ = term_recorded_ || under_way_term_ >= active_term_;
}

}  // namespace skald::broker
