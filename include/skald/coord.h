// Coordination: what nodes and services agree by. A small key-value store with one history, whose
// every change is a transaction, with leases and watches; its shapes are those of etcd. Never a
// store of data: what is kept here changes when members come and go, not when messages do.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "skald/clock.h"
#include "skald/ids.h"
#include "skald/result.h"

namespace skald {
struct ClientOptions;
}

namespace skald::coord {

// A place in the store's one history: each transaction that changes something is the next. From 1.
using Revision = StrongInt<struct RevisionTag, std::uint64_t>;
// Keys that carry one are erased when it ends. 0: none.
using LeaseId = StrongInt<struct LeaseTag, std::uint64_t>;

struct Entry {
    std::string key;            // 1-511 bytes, compared as bytes
    std::string value;          // up to 64 KiB
    Revision created;           // by: a key that was erased and put again has another
    Revision modified;          // last, by
    std::uint64_t version = 0;  // puts since it was created: from 1
    LeaseId lease;
    bool operator==(const Entry&) const = default;
};

// One key, or all from `key`, which may be empty then, to below `end`.
struct KeyRange {
    std::string key;
    std::optional<std::string> end;  // none: only `key`; empty: to the last one
    static KeyRange one(std::string key) { return {std::move(key), std::nullopt}; }
    // All that begin so.
    static KeyRange prefix(std::string prefix);
    bool contains(std::string_view other) const;
    bool operator==(const KeyRange&) const = default;
};

// What a transaction asks of one key. Of a key that is not there all numbers are 0, and nothing
// holds that is asked of its value.
struct Compare {
    enum class Field : std::uint8_t { created, modified, version, lease, value };
    enum class Is : std::uint8_t { equal, not_equal, less, greater };
    std::string key;
    Field field = Field::modified;
    Is is = Is::equal;
    std::uint64_t number = 0;
    std::string value;  // with Field::value
    bool operator==(const Compare&) const = default;

    static Compare absent(std::string key) { return {std::move(key), Field::created, {}, 0, {}}; }
    static Compare unchanged(std::string key, Revision since) {
        return {std::move(key), Field::modified, {}, since.value, {}};
    }
};

struct Put {
    std::string key;
    std::string value;
    LeaseId lease;
    bool operator==(const Put&) const = default;
};
struct Erase {
    KeyRange keys;
    bool operator==(const Erase&) const = default;
};
struct Get {
    KeyRange keys;
    bool operator==(const Get&) const = default;
};
using Operation = std::variant<Put, Erase, Get>;

// All compares hold: `then`, else `otherwise`. Either as a whole. In a branch no key may be put
// twice, and none that is put or erased may be in another operation's range.
struct Txn {
    std::vector<Compare> compares;
    std::vector<Operation> then;
    std::vector<Operation> otherwise;
    bool operator==(const Txn&) const = default;
};

struct TxnResult {
    bool succeeded = false;
    Revision revision;  // of the store behind it
    // What each Get of the branch found, one after the other, in the order of their keys.
    std::vector<std::vector<Entry>> found;
};

struct Listing {
    std::vector<Entry> entries;  // in the order of their keys
    Revision revision;           // of the store
};

enum class Reading : std::uint8_t {
    linearizable,  // sees all that was answered before
    stale,         // may be behind; goes on where no majority can be reached
};

// One change of a key.
struct Change {
    Entry entry;          // of an erased key: its name, and when, in `modified`
    bool erased = false;  // by somebody, or since its lease ended
    bool operator==(const Change&) const = default;
};

enum class WatchEnd : std::uint8_t {
    compacted,  // what came behind the revision is forgotten: list, and watch from behind that
    lost,       // the connection is, or the store failed: the same
};

// Called on one thread of the store's own; must not block, nor call the store back but for ending
// other watches.
struct WatchHandler {
    // The changes of one revision, each revision once, rising.
    std::function<void(Revision revision, const std::vector<Change>& changes)> on_changes;
    // The last call. None when the watch was destroyed first.
    std::function<void(WatchEnd why)> on_end;
};

// Ends when destroyed, which the store must outlive; no call comes behind that.
class Watch {
  public:
    virtual ~Watch() = default;
    // All changes up to there were told; 0: it is not known. May be called from any thread.
    virtual Revision told() const { return {}; }
};

// Thread safe. A change that ends as outcome_unknown may have been done: look what is there before
// trying again; after any other error nothing was. Errors: invalid_argument; request_too_large
// beyond 128 compares or operations or 1 MiB, or 3.5 MiB of entries found, each counted for 128
// bytes more (of a branch that also changes something etcd says so only when it was done, as
// outcome_unknown); busy when the store holds all it can (that of one process 64 MiB, each entry
// counted for 128 bytes more; 65,536 leases; 4,096 watches); store_failed once it could not keep a
// change.
class Coord {
  public:
    virtual ~Coord() = default;

    virtual Result<Listing> get(const KeyRange& keys, Reading reading) = 0;
    // not_found: a lease that a Put names has ended.
    virtual Result<TxnResult> txn(const Txn& txn) = 0;

    // 1 s to 1 day. It ends when nobody kept it alive for so long, and may live somewhat longer:
    // after a failure of the store every lease begins anew.
    virtual Result<LeaseId> grant(std::chrono::milliseconds ttl) = 0;
    // From now on it has its whole time again. not_found: it has ended.
    virtual Result<void> keep_alive(LeaseId lease) = 0;
    // Ends it at once. not_found likewise.
    virtual Result<void> revoke(LeaseId lease) = 0;

    // All changes of these keys at or behind `from`, those to come included.
    virtual Result<std::unique_ptr<Watch>> watch(const KeyRange& keys, Revision from,
                                                 WatchHandler handler) = 0;
};

// The store of one process, in a directory of its own on LMDB: what was answered is on the disk.
// Errors: already_open, corrupt, unknown_format, io_error, disk_full.
Result<std::unique_ptr<Coord>> open_coord(const std::string& directory,
                                          const Clock& clock = SystemClock::instance());

// The store that a node serves, over the network (skald::client; ClientOptions is in client.h).
// Each call takes up to the options' timeout, and a watch is lost when the node was not heard for
// so long. 900 watches, those that ended in the last 10 s included, beyond which they are busy.
// Takes the right to write `service/coord`. Errors: those of connect_services().
Result<std::unique_ptr<Coord>> connect_coord(const ClientOptions& options);

}  // namespace skald::coord
