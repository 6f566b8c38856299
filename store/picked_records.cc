#include "store/picked_records.h"

#include "store/lifecycle_mask.h"

namespace skald::store {
namespace {

// One call of pick_records.
class Picking {
  public:
    Picking(const PartitionLog& log, const IndexSnapshot* index, Time clock)
        : log_(log), index_(index), clock_(clock) {}

    // The picks that the batch holds.
    Result<void> take(const BatchRef& batch, std::span<const Pick> picks) {
        std::vector<wire::Choice> choices;
        for (const Pick& pick : picks) {
            const auto i = static_cast<std::uint32_t>(pick.offset - batch.view.base());
            auto there = alive(batch.view, i, pick.version);
            if (!there) {
                return there.error();
            }
            if (*there) {
                choices.push_back({i, pick.version});
            } else {
                picked_.gone.push_back(pick.offset);
            }
        }
        if (!choices.empty()) {
            picked_.chunks.push_back(chunk_of(batch, choices));
        }
        return {};
    }
    void miss(Offset offset) { picked_.gone.push_back(offset); }
    Picked take() && { return std::move(picked_); }

  private:
    Result<bool> alive(const wire::BatchView& batch, std::uint32_t i, Version version) {
        const auto record = batch.record(i);
        const auto event = record ? batch.event(i, *record, version) : std::nullopt;
        if (!event) {
            return record_damaged(log_.partition(), batch.base() + i);
        }
        if (record->prefix.hole()) {
            return false;
        }
        return index_ == nullptr ? Result<bool>(true) : mask_.alive(log_, *index_, clock_, *event);
    }

    Chunk chunk_of(const BatchRef& batch, const std::vector<wire::Choice>& choices) const {
        Chunk chunk;
        chunk.partition = log_.partition();
        chunk.events = static_cast<std::uint32_t>(choices.size());
        chunk.first = batch.view.base() + choices.front().index;
        chunk.next = batch.view.base() + choices.back().index + 1;
        if (batch.frame && choices.size() == batch.view.size()) {
            chunk.frame = batch.frame;
        } else {
            chunk.frame =
                std::make_shared<const std::string>(wire::encode_slice(batch.view, choices));
        }
        return chunk;
    }

    const PartitionLog& log_;
    const IndexSnapshot* index_;  // none: nothing is hidden
    const Time clock_;
    LifecycleMask mask_;
    Picked picked_;
};

}  // namespace

Result<Picked> pick_records(const PartitionLog& log, lmdb::Env& env, const Visible& seen,
                            std::span<const Pick> picks) {
    auto txn = env.read();
    if (!txn) {
        return txn.error();
    }
    std::unique_ptr<IndexSnapshot> index;
    if (log.has_lifecycle()) {
        auto snapshot = log.index().snapshot(*txn, seen.high_watermark);
        if (!snapshot) {
            return snapshot.error();
        }
        index = std::move(*snapshot);
    }
    auto cursor = log.reader().cursor(*txn);
    if (!cursor) {
        return cursor.error();
    }
    Picking picking(log, index.get(), seen.clock);
    for (std::size_t begin = 0; begin < picks.size();) {
        auto batch = log.reader().at(*cursor, picks[begin].offset);
        if (!batch) {
            return batch.error();
        }
        if (!*batch || !(*batch)->view.holds(picks[begin].offset)) {
            picking.miss(picks[begin++].offset);
            continue;
        }
        std::size_t end = begin;
        while (end < picks.size() && (*batch)->view.holds(picks[end].offset)) {
            ++end;
        }
        if (auto ok = picking.take(**batch, picks.subspan(begin, end - begin)); !ok) {
            return ok.error();
        }
        begin = end;
    }
    return std::move(picking).take();
}

}  // namespace skald::store
