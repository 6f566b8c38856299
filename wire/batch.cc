#include "wire/batch.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "base/crc32c.h"

namespace skald::wire {
namespace {

constexpr std::size_t kCrcAt = offsetof(BatchHeader, crc);
constexpr std::size_t kHalfEntryBytes = 8;  // in a slice 16: with its index
constexpr std::size_t kSliceHalfEntryBytes = 16;
constexpr std::size_t kSelectionBytes = 16;
constexpr std::uint32_t kFlagsKnown = kBatchControl | kBatchSlice;

Error corrupt(std::string why) {
    return {Errc::corrupt, fmt::format("batch is damaged: {}", why)};
}

std::uint32_t tables_crc(Bytes batch, std::size_t tables) {
    const Bytes rest_of_header =
        batch.first(kBatchHeaderBytes).subspan(kCrcAt + sizeof(std::uint32_t));
    return crc32c(batch.subspan(tables), crc32c(rest_of_header, crc32c(batch.first(kCrcAt))));
}

}  // namespace

void seal_batch(std::string& out, BatchHeader& header) {
    header.bytes = static_cast<std::uint32_t>(out.size());
    std::memcpy(out.data(), &header, sizeof header);
    header.crc = tables_crc(as_bytes(out), header.tables);
    store_le(out.data() + kCrcAt, header.crc);
}

std::uint64_t name_hash(std::string_view name) {
    return XXH3_64bits(name.data(), name.size());
}

std::uint64_t record_hash(Bytes record, std::uint64_t stream_hash, std::uint64_t type_hash,
                          Version version) {
    const std::uint64_t parts[4] = {XXH3_64bits(record.data(), record.size()), stream_hash,
                                    type_hash, version.value};
    return XXH3_64bits(parts, sizeof parts);
}

ChainHash chain_hash(const BatchHeader& header, Bytes requests_and_producers,
                     std::span<const std::uint64_t> hashes) {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    const auto add = [&](const void* data, std::size_t bytes) {
        XXH3_128bits_update(&state, data, bytes);
    };
    const std::uint64_t numbers[5] = {header.epoch, header.base_offset, header.records,
                                      header.high_watermark, header.clock_us};
    add(header.chain_before.data(), header.chain_before.size());
    add(numbers, sizeof numbers);
    add(requests_and_producers.data(), requests_and_producers.size());
    add(hashes.data(), hashes.size_bytes());
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    ChainHash chain;
    std::memcpy(chain.data(), canonical.digest, chain.size());
    return chain;
}

Result<BatchView> BatchView::open(Bytes bytes, Partition partition) {
    auto view = open_checked(bytes, partition);
    if (view && tables_crc(bytes, view->header_.tables) != view->header_.crc) {
        return corrupt("its header or tables do not match their crc");
    }
    return view;
}

Result<BatchView> BatchView::open_checked(Bytes bytes, Partition partition) {
    BatchView view;
    view.bytes_ = bytes;
    view.partition_ = partition;
    if (bytes.size() < kBatchHeaderBytes) {
        return corrupt(fmt::format("{} bytes are too few for a header", bytes.size()));
    }
    view.header_ = load_as<BatchHeader>(bytes.data());
    if (auto ok = view.lay_out(); !ok) {
        return ok.error();
    }
    return view;
}

Result<void> BatchView::lay_out() {
    const BatchHeader& h = header_;
    if (h.magic != kBatchMagic || h.version != kBatchVersion ||
        h.header_bytes != kBatchHeaderBytes) {
        return Error(Errc::unknown_format, "batch of an unknown format or version");
    }
    if ((h.flags & ~kFlagsKnown) != 0) {
        return Error(Errc::unknown_format, fmt::format("batch with unknown flags {:#x}", h.flags));
    }
    if (h.bytes != bytes_.size() || h.tables < kBatchHeaderBytes || h.tables % 8 != 0) {
        return corrupt("its size or the place of its tables is wrong");
    }
    const std::size_t half = slice() ? kSliceHalfEntryBytes : kHalfEntryBytes;
    requests_at_ = h.tables + std::size_t{h.records} * sizeof(RecordEntry);
    producers_at_ = requests_at_ + std::size_t{h.requests} * sizeof(RequestEntry);
    names_at_ = producers_at_ + std::size_t{h.producers} * sizeof(ProducerEntry);
    id_halves_at_ = names_at_ + std::size_t{h.names} * sizeof(NameEntry);
    selection_at_ = id_halves_at_ + std::size_t{h.id_halves} * half;
    text_at_ = selection_at_ + (slice() ? std::size_t{h.records} * kSelectionBytes : 0);
    if (text_at_ + align8(h.names_bytes) != h.bytes) {
        return corrupt("its tables do not fill it");
    }
    return {};
}

Offset BatchView::end() const {
    if (slice()) {
        return size() == 0 ? base() : offset(size() - 1) + 1;
    }
    return base() + size();
}

Offset BatchView::offset(std::uint32_t i) const {
    if (slice()) {
        return base() + load_as<std::uint32_t>(at(selection_at_ + i * kSelectionBytes));
    }
    return base() + i;
}

Version BatchView::slice_version(std::uint32_t i) const {
    return Version{load_as<std::uint64_t>(at(selection_at_ + i * kSelectionBytes + 8))};
}

RecordEntry BatchView::entry(std::uint32_t i) const {
    return load_as<RecordEntry>(at(header_.tables + i * sizeof(RecordEntry)));
}

Bytes BatchView::record_bytes(std::uint32_t i) const {
    const std::size_t begin = entry(i).place;
    const std::size_t end = i + 1 < size() ? entry(i + 1).place : header_.tables;
    if (begin < kBatchHeaderBytes || begin > end || end > header_.tables) {
        return {};
    }
    return bytes_.subspan(begin, end - begin);
}

std::optional<RecordView> BatchView::record(std::uint32_t i) const {
    const Bytes bytes = record_bytes(i);
    if (crc32c(bytes) != entry(i).crc) {
        return std::nullopt;
    }
    return parse_record(bytes);
}

NameEntry BatchView::name_entry(std::uint32_t position) const {
    return load_as<NameEntry>(at(names_at_ + position * sizeof(NameEntry)));
}

std::optional<NameEntry> BatchView::find_name(std::uint16_t index) const {
    if (!slice()) {
        return index < header_.names ? std::optional(name_entry(index)) : std::nullopt;
    }
    std::uint32_t low = 0;
    std::uint32_t high = header_.names;
    while (low < high) {
        const std::uint32_t middle = (low + high) / 2;
        const NameEntry entry = name_entry(middle);
        if (entry.index == index) {
            return entry;
        }
        (entry.index < index ? low : high) = entry.index < index ? middle + 1 : middle;
    }
    return std::nullopt;
}

std::string_view BatchView::name(std::uint16_t index) const {
    const auto entry = find_name(index);
    if (!entry || std::size_t{entry->place} + entry->bytes > header_.names_bytes) {
        return {};
    }
    return as_text(bytes_.subspan(text_at_ + entry->place, entry->bytes));
}

Version BatchView::first_version(std::uint16_t index) const {
    const auto entry = find_name(index);
    return Version{entry ? entry->first_version : 0};
}

std::optional<std::array<std::uint8_t, 8>> BatchView::id_half(std::uint16_t index) const {
    using Half = std::array<std::uint8_t, 8>;
    if (!slice()) {
        return index < header_.id_halves
                   ? std::optional(load_as<Half>(at(id_halves_at_ + index * kHalfEntryBytes)))
                   : std::nullopt;
    }
    std::uint32_t low = 0;
    for (std::uint32_t high = header_.id_halves; low < high;) {
        const std::uint32_t middle = (low + high) / 2;
        const std::byte* half = at(id_halves_at_ + middle * kSliceHalfEntryBytes);
        const auto number = load_as<std::uint16_t>(half + 8);
        if (number == index) {
            return load_as<Half>(half);
        }
        (number < index ? low : high) = number < index ? middle + 1 : middle;
    }
    return std::nullopt;
}

RequestEntry BatchView::request(std::uint32_t i) const {
    return load_as<RequestEntry>(at(requests_at_ + i * sizeof(RequestEntry)));
}

ProducerEntry BatchView::producer(std::uint32_t i) const {
    return load_as<ProducerEntry>(at(producers_at_ + i * sizeof(ProducerEntry)));
}

void BatchView::prefetch_tables(std::uint32_t i) const {
    __builtin_prefetch(at(header_.tables + i * sizeof(RecordEntry)));
    for (const std::size_t place : {names_at_, id_halves_at_, text_at_}) {
        __builtin_prefetch(at(place));
    }
}

void BatchView::prefetch_record(std::uint32_t i) const {
    constexpr std::size_t kLine = 64;
    constexpr std::size_t kLinesMax = 8;
    const Bytes record = record_bytes(i);
    for (std::size_t line = 0; line < kLinesMax && line * kLine < record.size(); ++line) {
        __builtin_prefetch(record.data() + line * kLine);
    }
}

std::optional<EventView> BatchView::event(std::uint32_t i, const RecordView& record,
                                          Version version, std::string_view stream) const {
    const auto half = id_half(record.prefix.id_half);
    EventView event;
    event.stream = stream.empty() ? name(record.prefix.stream) : stream;
    event.type = name(record.prefix.type);
    if (!half || event.stream.empty() || event.type.empty()) {
        return std::nullopt;
    }
    std::memcpy(event.id.bytes.data(), half->data(), half->size());
    std::memcpy(event.id.bytes.data() + 8, record.prefix.id_low.data(), 8);
    event.version = version;
    event.partition = partition_;
    event.offset = offset(i);
    event.recorded_at = recorded_at();
    event.control = record.prefix.control();
    event.data = record.data;
    event.fields = record.fields;
    return event;
}

ChainHash BatchView::computed_chain() const {
    std::vector<std::uint64_t> hashes(size());
    for (std::uint32_t i = 0; i < size(); ++i) {
        hashes[i] = entry(i).hash;
    }
    return chain_hash(header_, bytes_.subspan(requests_at_, names_at_ - requests_at_), hashes);
}

Result<void> BatchView::verify() const {
    EventCursor cursor(*this);
    std::uint32_t seen = 0;
    for (; cursor.next(); ++seen) {
        const EventView& event = cursor.event();
        const Version version = event.control ? Version{} : event.version;
        if (!cursor.hole() &&
            record_hash(record_bytes(cursor.index()), name_hash(event.stream),
                        name_hash(event.type), version) != entry(cursor.index()).hash) {
            return corrupt(
                fmt::format("the record at offset {} does not match its hash", event.offset.value));
        }
    }
    if (seen != size()) {
        return corrupt(fmt::format("the record at offset {} cannot be read", base().value + seen));
    }
    if (!slice() && computed_chain() != header_.chain) {
        return corrupt("its chain hash is wrong");
    }
    return {};
}

namespace {

// Numbers used by the chosen records, ascending, each once.
std::vector<std::uint16_t> distinct(std::vector<std::uint16_t> numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

void append_slice_names(std::string& out, std::string& text, const BatchView& batch,
                        std::vector<std::uint16_t> numbers) {
    for (const std::uint16_t number : distinct(std::move(numbers))) {
        const std::string_view name = batch.name(number);
        append_as(out, NameEntry{static_cast<std::uint32_t>(text.size()),
                                 static_cast<std::uint16_t>(name.size()), number,
                                 batch.first_version(number).value});
        text += name;
    }
}

}  // namespace

std::string encode_slice(const BatchView& batch, std::span<const Choice> choices) {
    BatchHeader header = batch.header();
    header.flags |= kBatchSlice;
    header.records = static_cast<std::uint32_t>(choices.size());
    header.requests = header.producers = 0;
    header.controls = header.holes = 0;
    header.chain_before = header.chain = {};
    std::string out(kBatchHeaderBytes, '\0');
    std::vector<RecordEntry> entries;
    std::vector<std::uint16_t> names;
    std::vector<std::uint16_t> halves;
    for (const Choice& choice : choices) {
        const Bytes bytes = batch.record_bytes(choice.index);
        RecordEntry entry = batch.entry(choice.index);
        entry.place = static_cast<std::uint32_t>(out.size());
        entries.push_back(entry);
        const auto prefix = load_as<RecordPrefix>(bytes.data());
        names.insert(names.end(), {prefix.stream, prefix.type});
        halves.push_back(prefix.id_half);
        header.controls += prefix.control() ? 1 : 0;
        out += as_text(bytes);
    }
    header.tables = static_cast<std::uint32_t>(out.size());
    for (const RecordEntry& entry : entries) {
        append_as(out, entry);
    }
    std::string text;
    const std::size_t names_at = out.size();
    append_slice_names(out, text, batch, std::move(names));
    header.names = static_cast<std::uint32_t>((out.size() - names_at) / sizeof(NameEntry));
    const std::vector<std::uint16_t> half_numbers = distinct(std::move(halves));
    for (const std::uint16_t number : half_numbers) {
        append_as(out, batch.id_half(number).value_or(std::array<std::uint8_t, 8>{}));
        append_as(out, std::uint64_t{number});
    }
    header.id_halves = static_cast<std::uint32_t>(half_numbers.size());
    for (const Choice& choice : choices) {
        append_as(out, batch.offset(choice.index) - batch.base());
        append_as(out, choice.version.value);
    }
    header.names_bytes = static_cast<std::uint32_t>(text.size());
    out += text;
    out.resize(align8(out.size()));
    seal_batch(out, header);
    return out;
}

std::string punch_holes(const BatchView& batch, std::span<const std::uint32_t> dead) {
    BatchHeader header = batch.header();
    std::string out(kBatchHeaderBytes, '\0');
    std::vector<RecordEntry> entries;
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
        RecordEntry entry = batch.entry(i);
        entry.place = static_cast<std::uint32_t>(out.size());
        if (std::binary_search(dead.begin(), dead.end(), i)) {
            auto prefix = load_as<RecordPrefix>(batch.record_bytes(i).data());
            header.holes += prefix.hole() ? 0 : 1;
            prefix.flags =
                static_cast<std::uint16_t>((prefix.flags & kRecordControl) | kRecordHole);
            append_as(out, prefix);
            entry.crc = crc32c(as_bytes(out).subspan(entry.place));
        } else {
            out += as_text(batch.record_bytes(i));
        }
        entries.push_back(entry);
    }
    const std::size_t after_entries = header.tables + entries.size() * sizeof(RecordEntry);
    header.tables = static_cast<std::uint32_t>(out.size());
    for (const RecordEntry& entry : entries) {
        append_as(out, entry);
    }
    out += as_text(batch.bytes().subspan(after_entries));
    seal_batch(out, header);
    return out;
}

}  // namespace skald::wire
