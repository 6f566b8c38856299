#include "store/producer_table.h"

#include <algorithm>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::size_t kProducersInMemoryMax = 16384;
constexpr std::size_t kFencesInMemoryMax = 4096;
constexpr char kProducerKey = 'p';
constexpr char kFenceKey = 'f';
constexpr std::string_view kCoveredKey = "covered";

std::string producer_key(const Uuid& id) {
    std::string key(1, kProducerKey);
    key.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
    return key;
}

std::string fence_key(std::string_view name) {
    return std::string(1, kFenceKey).append(name);
}

struct StoredState {
    std::uint64_t epoch = 0;
    std::uint64_t last = 0;
    std::uint64_t ranges = 0;
};

std::string encode(const ProducerState& state) {
    const StoredState head{state.epoch.value, state.last, state.written.size()};
    std::string out(reinterpret_cast<const char*>(&head), sizeof head);
    for (const SequenceRange& range : state.written) {
        out.append(reinterpret_cast<const char*>(&range), sizeof range);
    }
    return out;
}

std::optional<ProducerState> decode(Bytes bytes) {
    StoredState head;
    if (bytes.size() < sizeof head) {
        return std::nullopt;
    }
    std::memcpy(&head, bytes.data(), sizeof head);
    if (bytes.size() != sizeof head + head.ranges * sizeof(SequenceRange)) {
        return std::nullopt;
    }
    ProducerState state;
    state.epoch = Epoch{head.epoch};
    state.last = head.last;
    state.any = true;
    for (std::uint64_t i = 0; i < head.ranges; ++i) {
        SequenceRange range;
        std::memcpy(&range, bytes.data() + sizeof head + i * sizeof range, sizeof range);
        state.written.push_back(range);
        state.remembered += range.requests;
    }
    return state;
}

// Extends the last range when the request continues it; forgets the oldest beyond the limit.
void remember(ProducerState& state, std::uint64_t sequence, Offset first, std::uint32_t records) {
    SequenceRange* back = state.written.empty() ? nullptr : &state.written.back();
    const bool continues = back != nullptr && back->records == records &&
                           back->sequence + back->requests == sequence &&
                           back->offset + std::uint64_t{back->requests} * records == first.value;
    if (continues) {
        ++back->requests;
    } else {
        state.written.push_back({sequence, first.value, 1, records});
    }
    ++state.remembered;
    while (state.remembered - state.written.front().requests >= limits::kProducerRequestsMax) {
        state.remembered -= state.written.front().requests;
        state.written.pop_front();
    }
}

std::optional<Written> find_written(const ProducerState& state, std::uint64_t sequence) {
    const auto after = std::upper_bound(
        state.written.begin(), state.written.end(), sequence,
        [](std::uint64_t s, const SequenceRange& range) { return s < range.sequence; });
    if (after == state.written.begin()) {
        return std::nullopt;
    }
    const SequenceRange& range = *std::prev(after);
    const std::uint64_t nth = sequence - range.sequence;
    if (nth >= range.requests) {
        return std::nullopt;
    }
    return Written{Offset{range.offset + nth * range.records}, range.records};
}

}  // namespace

ProducerTable::ProducerTable(lmdb::Env& env, lmdb::Database database)
    : env_(env), database_(database) {}

Result<ProducerTable::Entry*> ProducerTable::find(const Uuid& id) {
    if (const auto it = producers_.find(id); it != producers_.end()) {
        ages_.splice(ages_.end(), ages_, it->second.age);
        return &it->second;
    }
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto stored = txn->get(database_, as_bytes(producer_key(id)));
    if (!stored) {
        return stored.error();
    }
    Entry entry;
    if (*stored) {
        auto state = decode(**stored);
        if (!state) {
            return Error(Errc::corrupt, "the state of producer " + to_string(id) + " is damaged");
        }
        entry.state = std::move(*state);
    }
    entry.age = ages_.insert(ages_.end(), id);
    Entry& placed = producers_.emplace(id, std::move(entry)).first->second;
    evict();
    return &placed;
}

Result<ProducerTable::Judged> ProducerTable::judge(const Producer& producer) {
    auto entry = find(producer.id);
    if (!entry) {
        return entry.error();
    }
    const ProducerState& state = (*entry)->state;
    Judged judged;
    judged.epoch = state.epoch;
    if (producer.epoch < state.epoch) {
        judged.verdict = Verdict::fenced;
        return judged;
    }
    const bool fresh_reign = producer.epoch > state.epoch || !state.any;
    const std::uint64_t next = fresh_reign ? producer.resolved_below : state.last + 1;
    if (fresh_reign || producer.sequence >= next) {
        judged.expected = std::max(next, producer.resolved_below);
        judged.verdict = producer.sequence > judged.expected ? Verdict::gap : Verdict::fresh;
        return judged;
    }
    if (const auto written = find_written(state, producer.sequence)) {
        judged.verdict = Verdict::repeated;
        judged.written = *written;
        return judged;
    }
    const bool remembered = state.written.empty() ||
                            producer.sequence > state.written.front().sequence ||
                            state.remembered < limits::kProducerRequestsMax;
    judged.verdict = remembered ? Verdict::already_rejected : Verdict::forgotten;
    return judged;
}

void ProducerTable::touch(const Uuid& id, Entry& entry) {
    if (!entry.dirty) {
        entry.dirty = true;
        dirty_.push_back(id);
    }
}

Result<void> ProducerTable::wrote(const Producer& producer, Offset first, std::uint32_t records) {
    auto entry = find(producer.id);
    if (!entry) {
        return entry.error();
    }
    ProducerState& state = (*entry)->state;
    if (producer.epoch > state.epoch) {
        state = ProducerState{};
        state.epoch = producer.epoch;
    }
    // A replay at start may meet what a merge has already stored.
    if (state.any && producer.sequence <= state.last) {
        return {};
    }
    state.last = producer.sequence;
    state.any = true;
    remember(state, producer.sequence, first, records);
    touch(producer.id, **entry);
    return {};
}

Result<void> ProducerTable::rejected(const Producer& producer) {
    auto entry = find(producer.id);
    if (!entry) {
        return entry.error();
    }
    ProducerState& state = (*entry)->state;
    if (producer.epoch > state.epoch) {
        state = ProducerState{};
        state.epoch = producer.epoch;
    }
    state.last = state.any ? std::max(state.last, producer.sequence) : producer.sequence;
    state.any = true;
    touch(producer.id, **entry);
    return {};
}

Result<std::uint64_t> ProducerTable::fence(std::string_view name) {
    if (const auto it = fences_.find(name); it != fences_.end()) {
        return it->second;
    }
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto stored = txn->get(database_, as_bytes(fence_key(name)));
    if (!stored) {
        return stored.error();
    }
    const std::uint64_t token =
        *stored && (*stored)->size() == 8 ? load_le<std::uint64_t>((*stored)->data()) : 0;
    return token;
}

void ProducerTable::raise_fence(std::string_view name, std::uint64_t token) {
    auto [it, fresh] = fences_.try_emplace(std::string(name), token);
    if (!fresh && it->second >= token) {
        return;
    }
    it->second = token;
    if (std::find(dirty_fences_.begin(), dirty_fences_.end(), name) == dirty_fences_.end()) {
        dirty_fences_.emplace_back(name);
    }
}

Result<Offset> ProducerTable::covered() const {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto stored = txn->get(database_, as_bytes(kCoveredKey));
    if (!stored) {
        return stored.error();
    }
    return *stored && (*stored)->size() == 8 ? Offset{load_le<std::uint64_t>((*stored)->data())}
                                             : Offset{};
}

bool ProducerTable::merge_due(Offset end) const {
    return dirty() &&
           (end - merged_ >= limits::kTailEventsMax || dirty_.size() >= kProducersInMemoryMax / 2);
}

Result<std::size_t> ProducerTable::merge(lmdb::WriteTxn& txn, Offset upto, std::size_t bytes_max) {
    std::size_t bytes = 0;
    while (!dirty_.empty() && bytes < bytes_max) {
        Entry& entry = producers_.at(dirty_.front());
        const std::string value = encode(entry.state);
        if (auto ok = txn.put(database_, as_bytes(producer_key(dirty_.front())), as_bytes(value));
            !ok) {
            return ok.error();
        }
        entry.dirty = false;
        bytes += value.size();
        dirty_.pop_front();
    }
    while (!dirty_fences_.empty() && bytes < bytes_max) {
        const std::uint64_t token = fences_.at(dirty_fences_.front());
        if (auto ok = txn.put(database_, as_bytes(fence_key(dirty_fences_.front())),
                              std::as_bytes(std::span(&token, 1)));
            !ok) {
            return ok.error();
        }
        bytes += sizeof token;
        dirty_fences_.pop_front();
    }
    if (!dirty()) {
        merged_ = upto;
        if (auto ok =
                txn.put(database_, as_bytes(kCoveredKey), std::as_bytes(std::span(&upto.value, 1)));
            !ok) {
            return ok.error();
        }
        if (fences_.size() > kFencesInMemoryMax) {
            fences_.clear();
        }
        evict();
    }
    return bytes;
}

void ProducerTable::evict() {
    for (auto it = ages_.begin(); producers_.size() > kProducersInMemoryMax && it != ages_.end();) {
        const auto found = producers_.find(*it);
        if (found->second.dirty) {
            ++it;
            continue;
        }
        producers_.erase(found);
        it = ages_.erase(it);
    }
}

std::size_t ProducerTable::owned_bytes() const {
    std::size_t bytes = producers_.size() * (sizeof(Entry) + 64);
    for (const auto& [id, entry] : producers_) {
        bytes += entry.state.written.size() * sizeof(SequenceRange);
    }
    return bytes;
}

}  // namespace skald::store
