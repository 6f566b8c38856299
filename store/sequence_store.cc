#include "store/sequence_store.h"

#include <algorithm>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::string_view kCoveredKey = "covered";
constexpr std::size_t kChunkRangesMax = 64;
constexpr std::uint32_t kRangeRequestsMax = 1U << 30;

std::string key_of(char kind, const Uuid& id) {
    std::string key(1, kind);
    key.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
    return key;
}

// Sequences in big endian, so that keys rise with them.
std::string chunk_key(const Uuid& id, std::uint64_t sequence) {
    std::string key = key_of(kRangesKey, id);
    for (int shift = 56; shift >= 0; shift -= 8) {
        key.push_back(static_cast<char>(sequence >> shift));
    }
    return key;
}

struct Chunk {
    std::string key;
    std::vector<SequenceRange> ranges;
};
using FoundChunk = Result<std::optional<Chunk>>;

FoundChunk chunk_of(const lmdb::Cursor::Found& found, const Uuid& id) {
    if (!found) {
        return found.error();
    }
    if (!*found || !as_text((*found)->key).starts_with(key_of(kRangesKey, id))) {
        return std::optional<Chunk>();
    }
    const Bytes value = (*found)->value;
    if (value.empty() || value.size() % sizeof(SequenceRange) != 0) {
        return Error(Errc::corrupt, "the requests of producer " + to_string(id) + " are damaged");
    }
    Chunk chunk{std::string(as_text((*found)->key)), {}};
    chunk.ranges.resize(value.size() / sizeof(SequenceRange));
    std::memcpy(chunk.ranges.data(), value.data(), value.size());
    return std::optional(std::move(chunk));
}

FoundChunk chunk_from(const lmdb::Txn& txn, lmdb::Database database, const Uuid& id,
                      std::uint64_t sequence) {
    auto cursor = lmdb::Cursor::open(txn, database);
    if (!cursor) {
        return cursor.error();
    }
    return chunk_of(cursor->at_or_after(as_bytes(chunk_key(id, sequence))), id);
}

// The last chunk that begins at or below the sequence.
FoundChunk chunk_at(const lmdb::Txn& txn, lmdb::Database database, const Uuid& id,
                    std::uint64_t sequence) {
    auto cursor = lmdb::Cursor::open(txn, database);
    if (!cursor) {
        return cursor.error();
    }
    const std::string key = chunk_key(id, sequence);
    auto found = cursor->at_or_after(as_bytes(key));
    if (found && (!*found || as_text((*found)->key) != key)) {
        found = *found ? cursor->previous() : cursor->last();
    }
    return chunk_of(found, id);
}

Result<void> prune(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id,
                   std::uint64_t last) {
    const std::uint64_t needed =
        last >= limits::kProducerRequestsMax ? last - limits::kProducerRequestsMax + 1 : 0;
    for (;;) {
        auto first = chunk_from(txn, database, id, 0);
        if (!first || !*first) {
            return first ? Result<void>() : first.error();
        }
        auto second = chunk_from(txn, database, id, (*first)->ranges.front().sequence + 1);
        if (!second) {
            return second.error();
        }
        if (!*second || (*second)->ranges.front().sequence > needed) {
            return {};
        }
        if (auto erased = txn.erase(database, as_bytes((*first)->key)); !erased) {
            return erased.error();
        }
    }
}

}  // namespace

bool add_range(std::vector<SequenceRange>& ranges, const SequenceRange& range) {
    SequenceRange* back = ranges.empty() ? nullptr : &ranges.back();
    if (back != nullptr && back->records == range.records &&
        back->sequence + back->requests == range.sequence &&
        back->offset + std::uint64_t{back->requests} * range.records == range.offset &&
        range.requests < kRangeRequestsMax && back->requests < kRangeRequestsMax) {
        back->requests += range.requests;
        return false;
    }
    ranges.push_back(range);
    return true;
}

std::optional<Written> find_in(const std::vector<SequenceRange>& ranges, std::uint64_t sequence) {
    const auto after = std::upper_bound(
        ranges.begin(), ranges.end(), sequence,
        [](std::uint64_t s, const SequenceRange& range) { return s < range.sequence; });
    if (after == ranges.begin()) {
        return std::nullopt;
    }
    const SequenceRange& range = *std::prev(after);
    const std::uint64_t nth = sequence - range.sequence;
    if (nth >= range.requests) {
        return std::nullopt;
    }
    return Written{Offset{range.offset + nth * range.records}, range.records};
}

Result<std::optional<StoredProducer>> read_producer(const lmdb::Txn& txn, lmdb::Database database,
                                                    const Uuid& id) {
    auto stored = txn.get(database, as_bytes(key_of(kProducerKey, id)));
    if (!stored) {
        return stored.error();
    }
    if (!*stored) {
        return std::optional<StoredProducer>();
    }
    if ((*stored)->size() != sizeof(StoredProducer)) {
        return Error(Errc::corrupt, "the state of producer " + to_string(id) + " is damaged");
    }
    return std::optional(load_as<StoredProducer>((*stored)->data()));
}

Result<void> write_producer(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id,
                            const StoredProducer& producer) {
    return txn.put(database, as_bytes(key_of(kProducerKey, id)),
                   std::as_bytes(std::span(&producer, 1)));
}

Result<std::optional<Written>> read_written(const lmdb::Txn& txn, lmdb::Database database,
                                            const Uuid& id, std::uint64_t sequence) {
    auto chunk = chunk_at(txn, database, id, sequence);
    if (!chunk) {
        return chunk.error();
    }
    return *chunk ? find_in((*chunk)->ranges, sequence) : std::nullopt;
}

Result<std::size_t> add_written(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id,
                                const std::vector<SequenceRange>& ranges, std::uint64_t last) {
    auto tail = chunk_at(txn, database, id, ~std::uint64_t{0});
    if (!tail) {
        return tail.error();
    }
    Chunk chunk;
    if (*tail && (*tail)->ranges.size() < kChunkRangesMax) {
        chunk = std::move(**tail);
    }
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < ranges.size();) {
        while (i < ranges.size() && chunk.ranges.size() < kChunkRangesMax) {
            add_range(chunk.ranges, ranges[i++]);
        }
        const Bytes value = std::as_bytes(std::span(chunk.ranges));
        const std::string key = chunk_key(id, chunk.ranges.front().sequence);
        if (auto ok = txn.put(database, as_bytes(key), value); !ok) {
            return ok.error();
        }
        bytes += value.size();
        chunk = {};
    }
    if (auto ok = prune(txn, database, id, last); !ok) {
        return ok.error();
    }
    return bytes;
}

Result<void> forget_written(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id) {
    for (;;) {
        auto chunk = chunk_from(txn, database, id, 0);
        if (!chunk || !*chunk) {
            return chunk ? Result<void>() : chunk.error();
        }
        if (auto erased = txn.erase(database, as_bytes((*chunk)->key)); !erased) {
            return erased.error();
        }
    }
}

Result<Offset> read_covered(const lmdb::Txn& txn, lmdb::Database database) {
    auto stored = txn.get(database, as_bytes(kCoveredKey));
    if (!stored) {
        return stored.error();
    }
    return *stored && (*stored)->size() == 8 ? Offset{load_le<std::uint64_t>((*stored)->data())}
                                             : Offset{};
}

Result<void> write_covered(lmdb::WriteTxn& txn, lmdb::Database database, Offset covered) {
    return txn.put(database, as_bytes(kCoveredKey), std::as_bytes(std::span(&covered.value, 1)));
}

}  // namespace skald::store
