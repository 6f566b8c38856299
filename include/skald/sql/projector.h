// Projectors whose rows are tables of a SQLite database: the second kind of read model, for queries
// in SQL, by any program that opens the file.
//
// Tables, parked events and the checkpoint change in one SQL transaction (rule P2): each committed
// row reflects each event once, whatever crashed when. A transaction holds what was delivered
// together, at most 10,000 events, and is never open while one waits for events. The database is in
// WAL mode with synchronous=NORMAL: readers do not wait, and a power cut may undo the last commits,
// which are then done again.
//
// What cqrs/projector.h says of checkpoints, leases, events that fail and rebuilds holds here too.
// A file may hold several projections, of different names, and tables that are somebody else's; one
// version of each. A higher version drops the tables of the one before and builds its own at once:
// to build it beside, give it another file. Meanwhile the tables are not complete: ask
// checkpoint().
//
// Of the copies of a projector in all processes on the machine one runs, by a lock beside the file,
// FILE-lock. The file belongs on a local disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "skald/clock.h"
#include "skald/cqrs/projector.h"
#include "skald/position.h"
#include "skald/result.h"
#include "skald/sql/projection.h"

namespace skald::sql {

struct FileOptions {
    // How long a transaction waits for another writer of the file; then the projector pauses and
    // tries again (retrying).
    std::chrono::milliseconds busy_timeout{5'000};
    const Clock* clock = nullptr;  // outlives the projector; null: the machine's
};

// Creates the file, not its directory. Errors: invalid_argument for a name, a version below the one
// in the file, other tables of the same version, or definitions that SQLite refuses; busy; those of
// storage: unknown_format when a newer program wrote our tables.
Result<std::unique_ptr<cqrs::Projector>> start_projector(EventStore& store, const std::string& file,
                                                         AnyProjection projection,
                                                         cqrs::ProjectorOptions options = {},
                                                         const FileOptions& file_options = {});

// What the tables of a projection reflect.
struct Checkpoint {
    std::uint32_t version = 0;
    bool complete = false;  // was up to date once since the tables were made
    Position position;      // the events before it are in the tables, or were not selected
    std::uint64_t events = 0;
};
// By any connection, of the same commit as what it reads in the same transaction. not_found; busy.
Result<Checkpoint> checkpoint(SQLite::Database& database, const std::string& projection);

}  // namespace skald::sql
