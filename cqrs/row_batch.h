// The changes of a batch of events on their way into one version of a read model: in memory until
// they are written, sorted, in one transaction.
//
// Threads: one.
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
    // Both outlive it.
    RowBatch(const store::lmdb::Env& env, const ModelTables& tables);

    Result<std::optional<std::string_view>> get(std::string_view key) override;
    Result<void> put(const RowImage& row) override;
    Result<bool> erase(std::string_view key) override;
    void effect(std::function<void()> act) override;

    // What follows belongs to this event.
    void begin_event(Partition partition, Offset offset);
    void undo_event();
    // Lets go of the transaction that reads what is stored. To be called before one waits.
    void end_reading() { reading_.reset(); }

    bool empty() const { return rows_.empty() && effects_.empty(); }
    std::size_t bytes() const { return arena_.bytes(); }
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
    Result<std::optional<std::string_view>> read(store::lmdb::Database database,
                                                 std::string_view key);
    Result<void> check_unique(const RowImage& row);
    void release_unique(std::string_view stored, const RowImage* replaced_by);

    const store::lmdb::Env& env_;
    const ModelTables& tables_;
    bool has_unique_ = false;
    ByteArena arena_;
    ByteMap rows_;                 // key -> stored row
    std::vector<ByteMap> unique_;  // of each index: values -> key; empty for those not unique
    std::optional<store::lmdb::ReadTxn> reading_;
    std::string scratch_;
    Effects effects_;
};

}  // namespace skald::cqrs
