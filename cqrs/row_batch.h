// The changes of a batch of events on their way into one version of a read model: in memory until
// they are written, sorted, in one transaction.
//
// One over another holds what a lane changes beside it (lanes.h): it finds what the other changed,
// and notes which rows and unique values it read and changed, until the other absorbs it.
//
// Threads: one. Any number may be over one that nobody changes meanwhile.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cqrs/byte_map.h"
#include "cqrs/effects.h"
#include "cqrs/model_tables.h"
#include "cqrs/touched.h"
#include "skald/cqrs/row.h"
#include "store/lmdb/env.h"

namespace skald::cqrs {

// Is told what a batch changes in the stored rows while it is written. Bytes are stored rows
// (stored_row.h), valid during the call; nothing: there was none, or is none any more.
class RowWatch {
  public:
    virtual ~RowWatch() = default;
    virtual void changed(std::string_view key, std::optional<std::string_view> before,
                         std::optional<std::string_view> after) = 0;
};

class RowBatch final : public RowChanges {
  public:
    // All outlive it.
    RowBatch(const store::lmdb::Env& env, const ModelTables& tables,
             const RowBatch* below = nullptr);

    Result<std::optional<std::string_view>> get(std::string_view key) override;
    Result<void> put(const RowImage& row) override;
    Result<bool> erase(std::string_view key) override;
    void effect(std::function<void()> act) override;

    // What follows belongs to this event; `place` is its place among those of all lanes.
    void begin_event(Partition partition, Offset offset, std::size_t place = 0);
    void undo_event();
    // Lets go of the transaction that reads what is stored. To be called before one waits.
    void end_reading() { reading_.reset(); }

    // Of one over another: to be called once its last event is handled, before touched().
    void note_changed();
    const Touched& touched() const { return touched_; }
    // Takes over what each of these, which are over it, changed. None changed what another read or
    // changed.
    void absorb(const std::vector<RowBatch*>& lanes);

    bool empty() const { return rows_.empty() && effects_.empty(); }
    std::size_t bytes() const { return arena_.bytes() + touched_.bytes(); }
    std::size_t rows() const { return rows_.size(); }
    // `watch` may be null.
    Result<void> write(store::lmdb::WriteTxn& txn, RowWatch* watch = nullptr) const;
    // Once it is written.
    void run_effects(const Position& muted_until, ModelProgress& progress) {
        effects_.run(muted_until, progress);
    }
    // For the next batch.
    void clear();

  private:
    // Bytes are valid until end_reading() or the next change.
    Result<std::optional<std::string_view>> stored(std::string_view key);
    Result<std::optional<std::string_view>> owner(std::size_t index, std::string_view value);
    // What is below its own changes.
    Result<std::optional<std::string_view>> read(std::size_t tree, std::string_view key);
    const ByteMap& changes(std::size_t tree) const { return tree == 0 ? rows_ : unique_[tree - 1]; }
    void take(ByteMap& into, const ByteMap& from);
    Result<void> check_unique(const RowImage& row);
    void release_unique(std::string_view stored, const RowImage* replaced_by);

    const store::lmdb::Env& env_;
    const ModelTables& tables_;
    const RowBatch* const below_;
    bool has_unique_ = false;
    ByteArena arena_;
    ByteMap rows_;                 // key -> stored row
    std::vector<ByteMap> unique_;  // of each index: values -> key; empty for those not unique
    std::optional<store::lmdb::ReadTxn> reading_;
    std::string scratch_;
    Effects effects_;
    Touched touched_;
};

}  // namespace skald::cqrs
