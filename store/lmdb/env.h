// LMDB as values that clean up after themselves. The only place in skald that calls mdb_.
// Facts behind the rules: LMDB's lmdb.h, and docs/decisions/ where we measured.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "skald/result.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace skald::store::lmdb {

class WriteTxn;
class WriteCursor;
class ReadTxn;

// A named database inside an environment. Integer keys are 8 bytes, native order.
struct Database {
    unsigned handle = 0;
    bool operator==(const Database&) const = default;
};
enum class Keys : std::uint8_t { bytes, integers };

// Who else may have it open: while one writes others may read, but for one that reads at rest.
enum class Access : std::uint8_t { write, read, read_at_rest };

struct EnvOptions {
    std::size_t map_bytes = 0;
    unsigned readers_max = 126;
    unsigned databases_max = 16;
    bool create = true;  // else not_found
    Access access = Access::write;
};

struct EnvInfo {
    std::uint64_t last_page = 0;  // highest page in use by the last commit
    std::uint64_t last_txn = 0;
    std::uint64_t oldest_reader_txn = 0;  // last_txn when there is none
    std::size_t page_bytes = 4096;
    std::size_t map_bytes = 0;
    unsigned readers = 0;
};

// One environment: a directory with data.mdb and lock.mdb. Opened once per process, else
// already_open; held by one process at a time for writing, or by any number at rest (a lock on the
// file `skald.lock`), else already_open. Default sync flags only: a commit that returned is on the
// disk. Thread safe; must outlive its transactions. Never fork with one open.
class Env {
  public:
    static Result<std::unique_ptr<Env>> open(const std::string& directory,
                                             const EnvOptions& options);
    ~Env();
    Env(const Env&) = delete;
    Env& operator=(const Env&) = delete;

    // busy when every reader slot is taken, also after those of dead processes were freed.
    Result<ReadTxn> read() const;
    // One at a time; begun, used and ended in one thread.
    Result<WriteTxn> write();
    EnvInfo info() const;
    // Frees slots of readers whose process died; how many.
    int clear_stale_readers() const;
    // No commit so far took more pages, give or take the upper levels of its trees.
    std::size_t pages_per_commit_max() const { return pages_max_.load(); }
    const std::string& directory() const { return directory_; }
    MDB_env* raw() const { return env_; }

  private:
    friend class ReadTxn;
    friend class WriteTxn;
    Env(std::string directory, MDB_env* env, int lock_fd);
    void give_back(MDB_txn* read) const;
    std::string directory_;
    MDB_env* env_;
    int lock_fd_;
    std::atomic<std::size_t> pages_max_{0};
    // Ended reads, for the next: to begin one LMDB clears a record of each database that there may
    // be, 400 KB of them in a log's environment. Each keeps its reader slot.
    mutable std::mutex idle_mutex_;
    mutable std::vector<MDB_txn*> idle_;  // guarded by idle_mutex_
};

// Bytes returned by a transaction live until it ends or, in a WriteTxn, until its next change.
class Txn {
  public:
    Result<std::optional<Bytes>> get(Database db, Bytes key) const;
    Result<std::optional<Bytes>> get(Database db, std::uint64_t key) const;
    // nullopt when there is no such database.
    Result<std::optional<Database>> find(const char* name, Keys keys);
    // How many entries the environment's own directory of databases has.
    Result<std::size_t> databases() const;
    MDB_txn* raw() const { return txn_; }

  protected:
    explicit Txn(MDB_txn* txn) : txn_(txn) {}
    ~Txn();
    Txn(Txn&& other) noexcept : txn_(std::exchange(other.txn_, nullptr)) {}
    Txn& operator=(Txn&& other) noexcept;
    MDB_txn* txn_;
};

// A snapshot. Keep it shorter than 2 s: it holds back the reuse of pages. May move between threads.
class ReadTxn : public Txn {
  public:
    using Txn::Txn;
    ~ReadTxn();
    ReadTxn(ReadTxn&&) noexcept = default;
    ReadTxn& operator=(ReadTxn&&) noexcept = default;
    std::uint64_t id() const;
    // Ends it and keeps the database handles that it opened.
    Result<void> keep_handles() &&;

  private:
    friend class Env;
};

// Aborts unless committed. Errors of put and commit: map_full, disk_full, io_error; after one, only
// destroying it is allowed.
class WriteTxn : public Txn {
  public:
    Result<Database> open(const char* name, Keys keys);  // creates it
    Result<void> put(Database db, Bytes key, Bytes value);
    Result<void> put(Database db, std::uint64_t key, Bytes value);
    // The key must be higher than every key in db: costs no search.
    Result<void> append(Database db, std::uint64_t key, Bytes value);
    // The same, for a value that the caller writes at once; what is there before is left over.
    Result<std::span<std::byte>> reserve(Database db, std::uint64_t key, std::size_t bytes);
    // False when there was none.
    Result<bool> erase(Database db, Bytes key);
    Result<bool> erase(Database db, std::uint64_t key);
    Result<void> drop(Database db);   // and everything in it
    Result<void> clear(Database db);  // removes everything in it
    // A child: its changes become this transaction's on its commit. It must not outlive it.
    Result<WriteTxn> child();
    Result<void> commit() &&;
    // An upper bound of what its puts made the file grow by, bytes; a child counts on its own.
    std::uint64_t growth() const { return growth_; }

  private:
    using Txn::Txn;
    friend class Env;
    friend class WriteCursor;
    // A value of so many bytes was put, or one erased.
    void grow(std::size_t bytes);
    std::uint64_t pages() const { return growth_ / kPageBytes + children_pages_; }
    Result<void> put_with(Database db, Bytes key, Bytes value, unsigned flags);
    static constexpr std::uint64_t kPageBytes = 4096;
    WriteTxn* parent_ = nullptr;
    std::uint64_t growth_ = 0;
    std::uint64_t children_pages_ = 0;  // of those that were committed
};

// Walks one database in key order. Must not outlive its transaction.
class Cursor {
  public:
    static Result<Cursor> open(const Txn& txn, Database db);
    ~Cursor();
    Cursor(Cursor&& other) noexcept : cursor_(std::exchange(other.cursor_, nullptr)) {}
    Cursor& operator=(Cursor&& other) noexcept;

    struct Entry {
        Bytes key;
        Bytes value;
        std::uint64_t number() const { return load_le<std::uint64_t>(key.data()); }
    };
    using Found = Result<std::optional<Entry>>;
    Found first();
    Found last();
    Found next();
    Found previous();
    Found at_or_after(Bytes key);
    Found at_or_after(std::uint64_t key);
    // The last entry at or below the key.
    Found at_or_before(std::uint64_t key);

  private:
    explicit Cursor(MDB_cursor* cursor) : cursor_(cursor) {}
    Found move(int operation, Bytes key = {});
    MDB_cursor* cursor_;
};

}  // namespace skald::store::lmdb
