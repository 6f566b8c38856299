#include <algorithm>

#include "store/index/maintenance.h"

// The writer's half of Maintenance.
namespace skald::store::index {

std::optional<Maintenance::Ready> Maintenance::take(std::size_t bytes_left) {
    const std::scoped_lock lock(mutex_);
    Queue& queue = seals_.ready.empty() ? merged_ : seals_;
    if (queue.ready.empty() || queue.ready.front().block.bytes.size() > bytes_left) {
        return std::nullopt;
    }
    Ready ready = std::move(queue.ready.front());
    queue.ready.pop_front();
    queue.bytes -= ready.block.bytes.size();
    return ready;
}

Result<void> Maintenance::apply(lmdb::WriteTxn& txn) {
    const Monotonic deadline = clock_.monotonic() + limits::kSliceTimeMax;
    if (auto ok = put_blocks(txn, deadline); !ok) {
        return ok;
    }
    if (auto ok = put_manifests(txn); !ok) {
        return ok;
    }
    return erase_dead(txn, deadline);
}

Result<void> Maintenance::put_blocks(lmdb::WriteTxn& txn, Monotonic deadline) {
    static_assert(kBlockBytesMax <= limits::kSliceBytesMax, "a block must fit a slice");
    std::size_t bytes_left = limits::kSliceBytesMax;
    while (clock_.monotonic() < deadline) {
        auto ready = take(bytes_left);
        if (!ready) {
            break;
        }
        const std::string& bytes = ready->block.bytes;
        bytes_left -= bytes.size();
        --pending_;
        if (!bytes.empty()) {
            const lmdb::Database runs = ready->partition->index->databases().runs;
            if (auto ok = txn.put(runs, ready->block.key, as_bytes(bytes)); !ok) {
                return ok;
            }
        }
        if (ready->finished) {
            ready->partition->manifest.apply(*ready->finished);
            ready->partition->changes.push_back(std::move(*ready->finished));
        }
    }
    return {};
}

Result<void> Maintenance::put_manifests(lmdb::WriteTxn& txn) {
    for (const auto& partition : partitions_) {
        if (partition->changes.empty()) {
            continue;
        }
        const std::string value = encode_manifest(partition->manifest);
        const lmdb::Database db = partition->index->databases().manifest;
        if (auto ok = txn.put(db, as_bytes(kManifestKey), as_bytes(value)); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> Maintenance::erase_dead(lmdb::WriteTxn& txn, Monotonic deadline) {
    for (std::size_t n = 0; n < kErasesMax && !dead_.empty() && clock_.monotonic() < deadline;) {
        const Dead dead = dead_.front();
        const lmdb::Database runs = dead.partition->index->databases().runs;
        auto cursor = lmdb::Cursor::open(txn, runs);
        if (!cursor) {
            return cursor.error();
        }
        const auto found = cursor->at_or_after(block_key(dead.run, 0));
        if (!found) {
            return found.error();
        }
        if (!*found || run_of((*found)->number()) != dead.run) {
            dead_.pop_front();
            --pending_;
            continue;
        }
        const auto erased = txn.erase(runs, (*found)->number());
        if (!erased) {
            return erased.error();
        }
        ++n;
    }
    return {};
}

Result<void> Maintenance::committed() {
    for (const auto& partition : partitions_) {
        if (partition->changes.empty()) {
            continue;
        }
        if (auto ok = partition->index->publish(partition->manifest); !ok) {
            return ok;
        }
        for (const RunChange& change : partition->changes) {
            if (change.replaced.empty()) {
                --partition->new_runs;
                continue;
            }
            partition->merging &= ~(1U << (change.run.level - 1));
            for (const std::uint64_t run : change.replaced) {
                dead_.push_back({partition.get(), run});
                ++pending_;
            }
        }
        partition->changes.clear();
    }
    return {};
}

Result<void> Maintenance::find_orphans() {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    for (const auto& partition : partitions_) {
        if (auto ok = find_orphans(*partition, *txn); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> Maintenance::find_orphans(Partition& partition, const lmdb::Txn& txn) {
    auto cursor = lmdb::Cursor::open(txn, partition.index->databases().runs);
    if (!cursor) {
        return cursor.error();
    }
    const auto& live = partition.manifest.runs;
    for (std::uint64_t run = 0;;) {
        const auto found = cursor->at_or_after(block_key(run, 0));
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return {};
        }
        run = run_of((*found)->number());
        if (std::none_of(live.begin(), live.end(), [&](const RunInfo& r) { return r.id == run; })) {
            dead_.push_back({&partition, run});
            ++pending_;
        }
        ++run;
    }
}

}  // namespace skald::store::index
