#include "wire/envelope_parts.h"

#include <algorithm>

#include "base/limits.h"

namespace skald::wire::parts {
namespace {

constexpr std::size_t kPartitionsListedMax = limits::kPartitionsMax;

Ref<fb::QueryItem> build(Builder& b, const QueryItem& item) {
    const auto types = b.CreateVectorOfStrings(item.types);
    const auto tags = b.CreateVectorOfStrings(item.tags);
    return fb::CreateQueryItem(b, types, tags);
}

std::uint64_t to_us(const std::optional<std::chrono::microseconds>& age) {
    return age ? static_cast<std::uint64_t>(age->count()) : 0;
}

}  // namespace

fb::Id to_fb(const Uuid& id) {
    return fb::Id(flatbuffers::span<const std::uint8_t, 16>(id.bytes.data(), id.bytes.size()));
}

fb::Expected to_fb(const Expected& expected) {
    return {expected.version().value, static_cast<fb::ExpectedKind>(expected.kind())};
}

Ref<fb::Position> build(Builder& b, const Position& position) {
    fb::PartitionPosition* places = nullptr;
    const auto list = b.CreateUninitializedVectorOfStructs(position.partitions.size(), &places);
    for (std::size_t i = 0; i < position.partitions.size(); ++i) {
        const PartitionPosition& p = position.partitions[i];
        places[i] = fb::PartitionPosition(to_fb(p.lineage), p.epoch.value, p.next.value, p.digest,
                                          p.partition.value);
    }
    const fb::Id cluster = to_fb(position.cluster);
    return fb::CreatePosition(b, &cluster, list);
}

Ref<fb::Start> build(Builder& b, const Start& start) {
    std::uint64_t value = 0;
    Ref<fb::Position> position;
    if (const auto* version = std::get_if<Version>(&start)) {
        value = version->value;
    } else if (const auto* offset = std::get_if<Offset>(&start)) {
        value = offset->value;
    } else if (const auto* time = std::get_if<AtTime>(&start)) {
        value = static_cast<std::uint64_t>(time->time.us);
    } else if (const auto* place = std::get_if<Position>(&start)) {
        position = build(b, *place);
    }
    return fb::CreateStart(b, static_cast<fb::StartKind>(start.index()), value, position);
}

Ref<fb::Selection> build(Builder& b, const Selection& selection) {
    const auto name = b.CreateString(selection.name);
    std::vector<Ref<fb::QueryItem>> items;
    for (const QueryItem& item : selection.query.items) {
        items.push_back(build(b, item));
    }
    const auto item_list = b.CreateVector(items);
    const auto types = b.CreateVectorOfStrings(selection.types);
    const auto streams = b.CreateVectorOfStrings(selection.streams);
    return fb::CreateSelection(b, static_cast<fb::SelectionKind>(selection.kind), name, item_list,
                               types, streams, selection.system);
}

Ref<fb::Fault> build(Builder& b, const Error& error) {
    std::vector<Ref<fb::Conflict>> conflicts;
    for (const Conflict& conflict : error.conflicts) {
        const auto stream = b.CreateString(conflict.stream);
        const auto expected = b.CreateString(conflict.expected);
        conflicts.push_back(fb::CreateConflict(b, stream, expected, conflict.actual));
    }
    const auto message = b.CreateString(error.message);
    const auto list = b.CreateVector(conflicts);
    fb::FaultBuilder fault(b);
    fault.add_code(static_cast<std::uint16_t>(error.code));
    fault.add_message(message);
    fault.add_conflicts(list);
    if (error.offset) {
        fault.add_offset(*error.offset);
    }
    return fault.Finish();
}

Ref<fb::StreamInfo> build(Builder& b, const StreamInfo& info) {
    const auto name = b.CreateString(info.name);
    fb::StreamInfoBuilder stream(b);
    stream.add_name(name);
    stream.add_partition(info.partition.value);
    stream.add_state(static_cast<fb::StreamState>(info.state));
    if (info.first) {
        stream.add_first(info.first->value);
    }
    if (info.last) {
        stream.add_last(info.last->value);
    }
    stream.add_max_count(info.limits.max_count.value_or(0));
    stream.add_max_age_us(to_us(info.limits.max_age));
    stream.add_truncate_before(info.truncate_before.value);
    return stream.Finish();
}

Ref<fb::LogPartition> build(Builder& b, const PartitionState& state) {
    const LogMeta& meta = state.meta;
    fb::Lineage* places = nullptr;
    const auto lineages = b.CreateUninitializedVectorOfStructs(meta.lineages.size(), &places);
    for (std::size_t i = 0; i < meta.lineages.size(); ++i) {
        places[i] = fb::Lineage(to_fb(meta.lineages[i].id), meta.lineages[i].begin.value);
    }
    const fb::Id chain = to_fb(Uuid{meta.start_chain});
    return fb::CreateLogPartition(b, lineages, meta.epoch.value, meta.start.value, &chain,
                                  meta.lifecycle, state.high_watermark.value);
}

Ref<flatbuffers::Vector<const fb::ChunkHead*>> build(Builder& b,
                                                     const std::vector<msg::ChunkHead>& chunks) {
    fb::ChunkHead* places = nullptr;
    const auto list = b.CreateUninitializedVectorOfStructs(chunks.size(), &places);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        const msg::ChunkHead& c = chunks[i];
        places[i] = fb::ChunkHead(c.first.value, c.next.value, c.events, c.partition.value);
    }
    return list;
}

Uuid from_fb(const fb::Id* id) {
    Uuid uuid;
    if (id != nullptr) {
        std::memcpy(uuid.bytes.data(), id, sizeof *id);
    }
    return uuid;
}

std::string text(const flatbuffers::String* string) {
    return string == nullptr ? std::string() : string->str();
}

std::string text(const flatbuffers::Vector<std::uint8_t>* bytes) {
    return bytes == nullptr ? std::string() : std::string(bytes->begin(), bytes->end());
}

// Many entries of a vector may be one string.
std::string short_text(const flatbuffers::String* string, std::size_t bytes_max) {
    return string == nullptr
               ? std::string()
               : std::string(string->c_str(), std::min<std::size_t>(string->size(), bytes_max + 1));
}

// One entry more than may be, likewise.
std::vector<std::string> texts(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* strings,
    std::size_t count_max, std::size_t bytes_max) {
    std::vector<std::string> list;
    if (strings != nullptr) {
        const auto count =
            static_cast<std::uint32_t>(std::min<std::size_t>(strings->size(), count_max + 1));
        list.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            list.push_back(short_text(strings->Get(i), bytes_max));
        }
    }
    return list;
}

Expected from_fb(const fb::Expected* expected) {
    if (expected == nullptr) {
        return Expected::any();
    }
    check_range(expected->kind(), fb::ExpectedKind::MAX, "expected version");
    switch (expected->kind()) {
        case fb::ExpectedKind::any:
            break;
        case fb::ExpectedKind::no_stream:
            return Expected::no_stream();
        case fb::ExpectedKind::stream_exists:
            return Expected::stream_exists();
        case fb::ExpectedKind::exact:
            return Expected::exact(expected->version());
    }
    return Expected::any();
}

Position from_fb(const fb::Position* position) {
    Position place;
    if (position == nullptr) {
        return place;
    }
    place.cluster = from_fb(position->cluster());
    if (position->partitions() == nullptr) {
        return place;
    }
    if (position->partitions()->size() > kPartitionsListedMax) {
        throw Refused("position with too many partitions");
    }
    check_aligned(position->partitions());
    place.partitions.reserve(position->partitions()->size());
    for (const fb::PartitionPosition* p : *position->partitions()) {
        if (!place.partitions.empty() &&
            p->partition() <= place.partitions.back().partition.value) {
            throw Refused("position whose partitions do not rise");
        }
        place.partitions.push_back({Partition{p->partition()}, from_fb(&p->lineage()),
                                    Epoch{p->epoch()}, Offset{p->next()}, p->digest()});
    }
    return place;
}

Start from_fb(const fb::Start* start) {
    if (start == nullptr) {
        return Beginning{};
    }
    check_range(start->kind(), fb::StartKind::MAX, "start");
    switch (start->kind()) {
        case fb::StartKind::beginning:
            break;
        case fb::StartKind::end:
            return End{};
        case fb::StartKind::version:
            return Version{start->value()};
        case fb::StartKind::offset:
            return Offset{start->value()};
        case fb::StartKind::position:
            return from_fb(start->position());
        case fb::StartKind::time:
            return AtTime{Time{static_cast<std::int64_t>(start->value())}};
    }
    return Beginning{};
}

Selection from_fb(const fb::Selection* selection) {
    Selection chosen;
    if (selection == nullptr) {
        return chosen;
    }
    check_range(selection->kind(), fb::SelectionKind::MAX, "selection");
    chosen.kind = static_cast<Selection::Kind>(selection->kind());
    chosen.name = short_text(selection->name(), limits::kStreamNameBytesMax);
    if (selection->items() != nullptr) {
        for (const fb::QueryItem* item : *selection->items()) {
            if (chosen.query.items.size() > limits::kQueryItemsMax) {
                break;
            }
            chosen.query.items.push_back(
                {texts(item->types(), limits::kQueryTypesMax, limits::kTypeBytesMax),
                 texts(item->tags(), limits::kQueryTagsMax, limits::kTagBytesMax)});
        }
    }
    chosen.types = texts(selection->types(), limits::kGlobsMax, limits::kGlobBytesMax);
    chosen.streams = texts(selection->streams(), limits::kGlobsMax, limits::kGlobBytesMax);
    chosen.system = selection->system();
    return chosen;
}

// In words; a number at most.
constexpr std::size_t kExpectedBytesMax = 100;

Error from_fb(const fb::Fault* fault) {
    Error error;
    if (fault == nullptr) {
        throw Refused("error without its table");
    }
    error.code = static_cast<Errc>(fault->code());
    error.message = short_text(fault->message(), limits::kErrorTextBytesMax);
    if (fault->conflicts() != nullptr) {
        if (fault->conflicts()->size() > limits::kErrorConflictsMax) {
            throw Refused("more conflicts than an error has");
        }
        for (const fb::Conflict* conflict : *fault->conflicts()) {
            error.conflicts.push_back({short_text(conflict->stream(), limits::kStreamNameBytesMax),
                                       short_text(conflict->expected(), kExpectedBytesMax),
                                       conflict->actual()});
        }
    }
    if (const auto offset = fault->offset()) {
        error.offset = *offset;
    }
    return error;
}

StreamInfo from_fb(const fb::StreamInfo* info) {
    StreamInfo stream;
    if (info == nullptr) {
        throw Refused("stream without its table");
    }
    check_range(info->state(), fb::StreamState::MAX, "stream state");
    stream.name = text(info->name());
    stream.partition = Partition{info->partition()};
    stream.state = static_cast<StreamState>(info->state());
    if (const auto first = info->first()) {
        stream.first = Version{*first};
    }
    if (const auto last = info->last()) {
        stream.last = Version{*last};
    }
    if (info->max_count() != 0) {
        stream.limits.max_count = info->max_count();
    }
    if (info->max_age_us() != 0) {
        stream.limits.max_age = std::chrono::microseconds(info->max_age_us());
    }
    stream.truncate_before = Version{info->truncate_before()};
    return stream;
}

PartitionState from_fb(const fb::LogPartition* state) {
    if (state == nullptr || state->lineages() == nullptr || state->lineages()->size() == 0) {
        throw Refused("log of a partition without its lineage");
    }
    PartitionState read;
    check_aligned(state->lineages());
    for (const fb::Lineage* lineage : *state->lineages()) {
        read.meta.lineages.push_back({from_fb(&lineage->id()), Offset{lineage->begin()}});
    }
    read.meta.epoch = Epoch{state->epoch()};
    read.meta.start = Offset{state->start()};
    read.meta.start_chain = from_fb(state->start_chain()).bytes;
    read.meta.lifecycle = state->lifecycle();
    read.high_watermark = Offset{state->high_watermark()};
    return read;
}

std::vector<msg::ChunkHead> from_fb(const flatbuffers::Vector<const fb::ChunkHead*>* chunks) {
    std::vector<msg::ChunkHead> heads;
    if (chunks != nullptr) {
        heads.reserve(chunks->size());
        check_aligned(chunks);
        for (const fb::ChunkHead* c : *chunks) {
            heads.push_back(
                {Partition{c->partition()}, c->events(), Offset{c->first()}, Offset{c->next()}});
        }
    }
    return heads;
}

}  // namespace skald::wire::parts
