#include "wire/batch_builder.h"

#include <algorithm>

#include "base/crc32c.h"

namespace skald::wire {
namespace {

constexpr std::size_t kBytesGuessAtFirst = 4096;

std::size_t class_of_half(std::uint64_t half) {
    return (half * 0x9e3779b97f4a7c15ULL) >> 56;
}

}  // namespace

std::uint16_t IdHalves::number(std::uint64_t half) {
    std::uint16_t& latest = latest_[class_of_half(half)];
    if (latest == 0 || halves_[latest - 1U] != half) {
        halves_.push_back(half);
        latest = static_cast<std::uint16_t>(halves_.size());
    }
    return static_cast<std::uint16_t>(latest - 1U);
}

void IdHalves::clear() {
    halves_.clear();
    latest_.fill(0);
}

void BatchBuilder::begin(Epoch epoch, Offset base, const ChainHash& chain_before) {
    header_ = BatchHeader{};
    header_.epoch = epoch.value;
    header_.base_offset = base.value;
    header_.chain_before = chain_before;
    out_.clear();
    out_.reserve(std::max(bytes_guess_, kBytesGuessAtFirst));
    out_.resize(kBatchHeaderBytes);
    entries_.clear();
    hashes_.clear();
    requests_.clear();
    producers_.clear();
    latest_producers_.fill(0);
    names_.clear();
    id_halves_.clear();
    stream_ = type_in_batch_ = 0;
}

std::uint32_t BatchBuilder::add(const RequestView& request, std::span<const Version> first_versions,
                                const Producer* producer) {
    const std::uint32_t first = size();
    const bool control = (request.header().flags & kRequestControl) != 0;
    header_.flags |= control ? kBatchControl : 0U;
    header_.controls += control ? request.header().records : 0U;
    type_in_request_ = half_in_request_ = kNone16;
    std::uint32_t i = 0;
    for (std::uint32_t s = 0; s < request.header().streams; ++s) {
        const RequestSection section = request.stream(s);
        stream_ = number_of(request.name(section.name), stream_);
        NameTable::Name& stream = names_[stream_];
        if (!control && !stream.versioned) {
            stream.first_version = first_versions[s].value;
            stream.versioned = true;
        }
        for (std::uint32_t r = 0; r < section.records; ++r) {
            add_record(request, i++, control ? Version{} : first_versions[s] + r);
        }
    }
    add_entry(request, first, producer);
    return first;
}

void BatchBuilder::add_record(const RequestView& request, std::uint32_t i, Version version) {
    const std::size_t place = out_.size();
    const Bytes bytes = request.record_bytes(i);
    auto prefix = load_as<RecordPrefix>(bytes.data());
    if (prefix.type != type_in_request_) {
        type_in_request_ = prefix.type;
        type_in_batch_ = number_of(request.name(prefix.type), type_in_batch_);
    }
    if (prefix.id_half != half_in_request_) {
        half_in_request_ = prefix.id_half;
        half_in_batch_ =
            id_halves_.number(load_as<std::uint64_t>(request.id_half(prefix.id_half).data()));
    }
    prefix.stream = stream_;
    prefix.type = type_in_batch_;
    prefix.id_half = half_in_batch_;
    append_as(out_, prefix);
    out_ += as_text(bytes.subspan(kRecordPrefixBytes));
    const Bytes record = as_bytes(out_).subspan(place);
    entries_.push_back(
        {static_cast<std::uint32_t>(place), crc32c(record),
         record_hash(record, names_[stream_].hash, names_[type_in_batch_].hash, version)});
    hashes_.push_back(entries_.back().hash);
}

std::uint16_t BatchBuilder::number_of(std::string_view name, std::uint16_t guess) {
    return guess < names_.size() && names_.is(guess, name) ? guess : names_.number(name);
}

void BatchBuilder::add_entry(const RequestView& request, std::uint32_t first,
                             const Producer* producer) {
    RequestEntry entry;
    entry.first_record = first;
    entry.requests = 1;
    entry.records = request.header().records;
    if (producer != nullptr) {
        entry.producer = producer_number(*producer);
        entry.sequence = producer->sequence;
    }
    if (!request.fence().empty()) {
        entry.fence = names_.number(request.fence());
        entry.fence_token = request.header().fence_token;
    }
    if (extends_last(entry)) {
        ++requests_.back().requests;
    } else {
        requests_.push_back(entry);
    }
}

bool BatchBuilder::extends_last(const RequestEntry& entry) const {
    if (requests_.empty()) {
        return false;
    }
    const RequestEntry& last = requests_.back();
    const bool next = entry.producer == kNone16 || entry.sequence == last.sequence + last.requests;
    return next && entry.fence == kNone16 && last.fence == kNone16 &&
           entry.producer == last.producer && entry.records == last.records;
}

std::uint16_t BatchBuilder::producer_number(const Producer& producer) {
    const std::size_t kind = (std::hash<Uuid>()(producer.id) * 0x9e3779b97f4a7c15ULL) >> 56;
    std::uint16_t& latest = latest_producers_[kind];
    const ProducerEntry entry{producer.id, producer.epoch.value};
    if (latest == 0 || producers_[latest - 1U].id != entry.id ||
        producers_[latest - 1U].epoch != entry.epoch) {
        producers_.push_back(entry);
        latest = static_cast<std::uint16_t>(producers_.size());
    }
    return static_cast<std::uint16_t>(latest - 1U);
}

std::size_t BatchBuilder::bytes() const {
    return out_.size() + entries_.size() * sizeof(RecordEntry) +
           requests_.size() * sizeof(RequestEntry) + producers_.size() * sizeof(ProducerEntry) +
           names_.size() * sizeof(NameEntry) + id_halves_.halves().size() * sizeof(std::uint64_t) +
           align8(names_.text().size());
}

std::string BatchBuilder::finish(Offset high_watermark, std::uint64_t clock_us) {
    header_.high_watermark = high_watermark.value;
    header_.clock_us = clock_us;
    append_tables();
    seal_batch(out_, header_);
    bytes_guess_ = out_.size();
    return std::move(out_);
}

void BatchBuilder::append_tables() {
    const auto add = [&](const auto& entries) {
        const auto bytes = std::as_bytes(std::span(entries));
        out_ += as_text(bytes);
        return static_cast<std::uint32_t>(entries.size());
    };
    out_.reserve(bytes());
    header_.tables = static_cast<std::uint32_t>(out_.size());
    header_.records = add(entries_);
    const std::size_t requests_at = out_.size();
    header_.requests = add(requests_);
    header_.producers = add(producers_);
    header_.chain = chain_hash(header_, as_bytes(out_).subspan(requests_at), hashes_);
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const auto number = static_cast<std::uint16_t>(i);
        const NameTable::Name& name = names_[number];
        append_as(out_, NameEntry{name.place, name.bytes, number, name.first_version});
    }
    header_.names = static_cast<std::uint32_t>(names_.size());
    header_.id_halves = add(id_halves_.halves());
    out_ += names_.text();
    header_.names_bytes = static_cast<std::uint32_t>(names_.text().size());
    out_.resize(align8(out_.size()));
}

}  // namespace skald::wire
