// An index with its environment and maintenance, one step at a time, beside a plain list of the
// records it was given, from which every answer can be worked out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/index/maintenance.h"
#include "tests/temp_directory.h"

namespace skald::store::index {

std::unique_ptr<lmdb::Env> open_env(const std::string& directory);

// A record as the log would hold it.
struct Record {
    std::string stream;
    std::string type = "Type";
    std::string correlation{};
    std::vector<std::string> tags{};
    bool control = false;
    bool hole = false;
    std::uint64_t version = 0;
    std::string fields{};

    void encode_fields();
    EventView view(Offset offset) const;
};

// The records at their offsets; offsets without one were skipped.
struct Oracle {
    std::map<std::uint64_t, Record> records;

    std::vector<Posting> postings(TermKind kind, const std::string& key, std::uint64_t below) const;
    std::optional<StreamHead> head(const std::string& stream, std::uint64_t below) const;
    std::vector<std::string> keys(TermKind kind, std::uint64_t below) const;
    std::uint64_t fingerprint(std::uint64_t below) const;
};

class World {
  public:
    World();

    SegmentedIndex& index() { return *index_; }
    Maintenance& maintenance() { return *maintenance_; }
    lmdb::Env& env() { return *env_; }
    const Oracle& oracle() const { return oracle_; }
    std::uint64_t end() const { return index_->end().value; }

    // Adds at the end. The version follows from the stream's earlier records.
    void add(Record record);
    // Skips records until the active segment, which is not empty, was rolled.
    void roll();
    // One transaction of the writer; everything added becomes sealable.
    void commit();
    // Everything applied since the last commit is lost with the process.
    void crash();
    void reopen();
    // Steps and commits until nothing is left to do.
    void settle();
    lmdb::ReadTxn read() const { return env_->read().value(); }
    // Blocks on the disk of runs that are not live.
    std::size_t dead_blocks() const;

  private:
    void open();
    void feed();

    TempDirectory directory_;
    ManualClock clock_;
    std::unique_ptr<lmdb::Env> env_;
    std::unique_ptr<SegmentedIndex> index_;
    std::unique_ptr<Maintenance> maintenance_;
    Oracle oracle_;
    std::map<std::string, std::uint64_t> versions_;
};

// Answers of `snapshot` to questions about `key`, in both directions, from several places and with
// several limits, are those of the oracle.
void require_same(const IndexSnapshot& snapshot, const Oracle& oracle, TermKind kind,
                  const std::string& key, std::uint64_t below);

}  // namespace skald::store::index
