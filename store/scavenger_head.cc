// What a scavenger does once the records are holes: the head of the log, and the file's free room.
#include <algorithm>

#include "base/limits.h"
#include "store/scavenger.h"

namespace skald::store {
namespace {

constexpr std::size_t kDropsMax = 4096;
constexpr Offset kAnywhere{~std::uint64_t{0}};
constexpr int kWipeRoundsMax = 6;
constexpr auto kGapSliceMax = std::chrono::milliseconds(500);
static_assert(kGapSliceMax < limits::kReadTxnAgeMax);

}  // namespace

Result<void> Scavenger::drop_head(PartitionLog& log) {
    for (;;) {
        auto drops = find_head(log);
        if (!drops) {
            return drops.error();
        }
        if (drops->empty()) {
            return {};
        }
        const wire::BatchHeader& last = drops->back().header;
        if (auto ok = settle_producers(log, Offset{last.base_offset + last.records}); !ok) {
            return ok;
        }
        if (auto ok = drop(log, *drops); !ok) {
            return ok;
        }
    }
}

// The batches at the head that may go. The last batch stays: the log's end is read from it.
Result<std::vector<Scavenger::Drop>> Scavenger::find_head(PartitionLog& log) {
    std::vector<Drop> drops;
    auto walked = walk(log, log.start(), kAnywhere, [&](const wire::BatchView& batch) {
        if (drops.size() == kDropsMax || batch.end() >= seen_.high_watermark) {
            return Result<bool>(false);
        }
        auto may = may_drop(batch);
        if (may && *may) {
            drops.push_back({batch.header()});
        }
        return may;
    });
    return walked ? Result<std::vector<Drop>>(std::move(drops)) : walked.error();
}

Result<bool> Scavenger::may_drop(const wire::BatchView& batch) {
    if (batch.header().holes != batch.size()) {
        return false;
    }
    wire::EventCursor cursor(batch);
    while (cursor.next()) {
        const EventView& event = cursor.event();
        if (event.control) {
            continue;  // nothing rests on it
        }
        auto known = facts(event.stream);
        if (!known) {
            return known.error();
        }
        const StreamFacts& stream = **known;
        const bool told_elsewhere =
            event.version < stream.control.truncate_before || event.version + 1 < stream.next;
        if (!told_elsewhere) {
            return false;
        }
    }
    return !cursor.corrupt();
}

// What is known of requests only from their batches must be in the producers' database before
// these go.
Result<void> Scavenger::settle_producers(PartitionLog& log, Offset end) {
    for (;;) {
        auto covered = log.producers().covered();
        if (!covered) {
            return covered.error();
        }
        if (*covered >= end) {
            return {};
        }
        auto ok = parts_.writer.change([&](lmdb::WriteTxn& txn) -> Result<void> {
            auto put = log.producers().merge(txn, log.next, limits::kSliceBytesMax);
            if (!put) {
                // What it had taken for put is in no transaction now.
                parts_.writer.fail(put.error());
            }
            return put ? Result<void>() : put.error();
        });
        if (!ok) {
            return ok;
        }
    }
}

Result<void> Scavenger::drop(PartitionLog& log, const std::vector<Drop>& drops) {
    std::size_t done = 0;
    while (done < drops.size()) {
        std::size_t next = done;
        Offset start;
        auto ok = parts_.writer.change([&](lmdb::WriteTxn& txn) -> Result<void> {
            begin_slice();
            next = done;
            do {
                auto erased = txn.erase(log.databases().log, drops[next].header.base_offset);
                if (!erased) {
                    return erased.error();
                }
            } while (++next < drops.size() && !slice_over());
            const wire::BatchHeader& last = drops[next - 1].header;
            start = Offset{last.base_offset + last.records};
            return write_log_start(txn, log.databases().meta, start, last.chain);
        });
        if (!ok) {
            return ok;
        }
        log.raise_start(start);
        log.ring().clear();
        for (; done < next; ++done) {
            ++report_.batches_dropped;
            report_.bytes_freed += drops[done].header.bytes;
        }
    }
    return {};
}

// The order matters. With wiped buffers, what is written from here on leaves nothing behind; so
// a page that the gaps' pass does not meet is new, or it was freed meanwhile, and the free pages
// come last.
Result<void> Scavenger::scrub() {
    auto scrubber = lmdb::Scrubber::open(parts_.env);
    if (!scrubber) {
        return scrubber.error();
    }
    if (auto ok = wipe_buffers(**scrubber); !ok) {
        return ok;
    }
    if (auto ok = zero_gaps(**scrubber); !ok) {
        return ok;
    }
    // What the last commit freed, the meta page before it still leads to.
    for (int i = 0; i < 2; ++i) {
        if (auto ok = move_on(); !ok) {
            return ok;
        }
    }
    if (auto ok = zero_free_pages(**scrubber); !ok) {
        return ok;
    }
    const lmdb::ScrubCounts& counts = (*scrubber)->counts();
    report_.pages_zeroed = counts.pages_zeroed;
    report_.gaps_zeroed = counts.gaps_zeroed;
    report_.pages_kept = counts.pages_kept;
    return (*scrubber)->sync();
}

Result<void> Scavenger::zero_free_pages(lmdb::Scrubber& scrubber) {
    const std::size_t page_bytes = parts_.env.info().page_bytes;
    for (bool more = true; more;) {
        if (auto ok = go_on(); !ok) {
            return ok;
        }
        auto ok = parts_.writer.alone([&]() -> Result<void> {
            begin_slice();
            const std::uint64_t before = scrubber.counts().pages_zeroed;
            auto slice = scrubber.zero_free_pages([&] {
                const std::uint64_t pages = scrubber.counts().pages_zeroed - before;
                return slice_over() || pages * page_bytes >= limits::kSliceBytesMax;
            });
            more = slice && *slice;
            return slice ? Result<void>() : slice.error();
        });
        // Synced with the writer at work, so that no commit has much to sync for us.
        ok = ok ? scrubber.sync() : ok;
        if (!ok) {
            return ok;
        }
    }
    return {};
}

// Which buffer goes where is LMDB's: some of the dirty ones may serve as tree pages of the round
// and stay dirty. They come to the other end of its list, so that the next round meets them.
Result<void> Scavenger::wipe_buffers(lmdb::Scrubber& scrubber) {
    int clean_rounds = 0;
    for (int round = 0; round < kWipeRoundsMax && clean_rounds < 2; ++round) {
        auto ok = parts_.writer.alone([&]() -> Result<void> {
            auto held = scrubber.wipe_buffers(parts_.logs.front()->databases().log);
            if (!held && held.error().code == Errc::map_full) {
                clean_rounds = 2;  // there is no room for buffers to be written either
                return {};
            }
            clean_rounds = held && !*held ? clean_rounds + 1 : 0;
            return held ? Result<void>() : held.error();
        });
        if (!ok) {
            return ok;
        }
    }
    return {};
}

Result<void> Scavenger::zero_gaps(lmdb::Scrubber& scrubber) {
    for (bool more = true; more;) {
        if (auto ok = go_on(); !ok) {
            return ok;
        }
        begin_slice();
        auto slice = scrubber.zero_gaps(
            [&] { return parts_.clock.monotonic() - slice_begun_ >= kGapSliceMax; });
        if (!slice) {
            return slice.error();
        }
        more = *slice;
    }
    return {};
}

// A commit that changes nothing but the snapshot.
Result<void> Scavenger::move_on() {
    PartitionLog& log = *parts_.logs.front();
    return parts_.writer.change([&](lmdb::WriteTxn& txn) -> Result<void> {
        auto meta = read_log_meta(txn, log.partition(), log.databases().meta);
        if (!meta) {
            return meta.error();
        }
        return write_log_start(txn, log.databases().meta, meta->start, meta->start_chain);
    });
}

}  // namespace skald::store
