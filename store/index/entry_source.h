// Where the entries of a new run come from, in the order of a run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "skald/result.h"
#include "store/index/run.h"
#include "store/index/tail_segment.h"

namespace skald::store::index {

class EntrySource {
  public:
    virtual ~EntrySource() = default;
    // False at the end.
    virtual Result<bool> next() = 0;
    // The entry it stands at, until the next next().
    const Entry& entry() const { return entry_; }
    std::uint64_t hash() const { return hash_; }

  protected:
    Entry entry_;
    std::uint64_t hash_ = 0;
};

// A sealed segment's.
class SegmentEntries final : public EntrySource {
  public:
    explicit SegmentEntries(std::shared_ptr<const TailSegment> segment);
    Result<bool> next() override;

  private:
    void begin_term();

    std::shared_ptr<const TailSegment> segment_;
    std::vector<const TailTerm*> terms_;  // sorted
    std::size_t next_term_ = 0;
    std::vector<std::uint32_t> offsets_;  // of the term begun
    std::size_t next_offset_ = 0;
    std::string tokens_;
};

// A run's.
class RunEntries final : public EntrySource {
  public:
    explicit RunEntries(std::shared_ptr<const Run> run) : run_(std::move(run)) {}
    Result<bool> next() override;

  private:
    std::shared_ptr<const Run> run_;
    std::size_t block_ = 0;
    std::uint32_t index_ = 0;
    std::uint32_t count_ = 0;  // of block_, once it was counted
};

// Those of adjacent runs, given oldest first, as one run: entries of one term are joined up to
// kEntryPostingsMax postings.
class MergedEntries final : public EntrySource {
  public:
    explicit MergedEntries(const std::vector<std::shared_ptr<const Run>>& runs);
    Result<bool> next() override;

  private:
    Result<void> advance(std::size_t input);
    Result<void> begin();
    void join(const Entry& next);

    std::vector<RunEntries> inputs_;  // those that have not ended
    bool begun_ = false;
    std::size_t least_ = 0;
    std::string tokens_;
};

}  // namespace skald::store::index
