// Overwrites with zeros what LMDB leaves behind in the data file when a value is erased: free
// pages, and in pages of use the room that holds nothing.
//
// Why free pages may be written. LMDB's free list says which transaction T freed a page: snapshots
// from T on do not use it. A page is zeroed only while a write transaction is held that writes
// nothing, so nobody can take it meanwhile, and only when T is older than the last commit L and
// than the oldest reader. So neither does a reader see the page, nor does either of the two meta
// pages (of L and L - 1) lead to it: after a crash at any moment LMDB opens a whole snapshot.
//
// Why the gaps of pages in use may be written. LMDB never changes a page of a committed snapshot
// in place, and reuses none while a reader holds the snapshot; the scrubber holds one. A branch or
// leaf page keeps its nodes above `upper` and their places below `lower`: nobody reads what is
// between, nor what stands behind a value in its last overflow page. Both may hold bytes of
// other pages, because LMDB reuses its buffers. The rest of the sector is written again as it was;
// LMDB trusts the disk in the same way when it overwrites a meta page.
//
// Knows the data file of LMDB 0.9 (data version 1, 64 bits); any other is left alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/lmdb/env.h"

namespace skald::store::lmdb {

struct ScrubCounts {
    std::uint64_t pages_zeroed = 0;  // free ones
    std::uint64_t gaps_zeroed = 0;   // in pages of use
    std::uint64_t pages_kept = 0;    // free, but a reader or a meta page may still lead to them
};

// For one run over the file. The environment must outlive it. Errors: io_error; unknown_format for
// another version of LMDB; corrupt for a page that is not what its parent says.
class Scrubber {
  public:
    // Asked after each piece of work, of some 10 us; true ends the slice.
    using Enough = std::function<bool()>;

    static Result<std::unique_ptr<Scrubber>> open(Env& env);
    ~Scrubber();
    Scrubber(const Scrubber&) = delete;
    Scrubber& operator=(const Scrubber&) = delete;

    // One slice; false when all is done. Holds the write lock: no write transaction may be open in
    // the calling thread, and others wait.
    Result<bool> zero_free_pages(const Enough& enough);
    // One slice; false when all is done. Holds a read transaction.
    Result<bool> zero_gaps(const Enough& enough);
    // LMDB keeps the buffers of written pages, and writes what is left in one to the file when it
    // fills it only in part. This fills them with zeros, in a transaction that it gives up.
    // `scratch`: any database of integer keys with none in the highest thousands. True when a
    // buffer held something. Holds the write lock, for the time it takes to fill as many pages as
    // the largest commit took.
    Result<bool> wipe_buffers(Database scratch);
    // Everything zeroed so far is on the disk when it returns.
    Result<void> sync();
    const ScrubCounts& counts() const { return counts_; }

  private:
    Scrubber(Env& env, int fd);
    Result<bool> zero_pages(Bytes pages, std::uint64_t last_page, const Enough& enough);
    Result<std::uint64_t> zero_run(std::uint64_t page, std::uint64_t pages);

    Env& env_;
    int fd_;
    std::size_t page_bytes_;
    ScrubCounts counts_;
    std::vector<bool> zeroed_;      // by page
    std::uint64_t next_entry_ = 0;  // of the free list
    bool found_work_ = false;       // in this pass over it
    struct Resume {
        std::string tree;
        std::string key;
    };
    Resume resume_;
};

}  // namespace skald::store::lmdb
