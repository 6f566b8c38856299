// Our own tables in a SQLite database: which projections there are, their tables, checkpoints and
// parked events. Names begin with skald_; the format has a number of its own in each row.
//
//     skald_projections  name -> format, version, term, events, complete, position, muted_until
//     skald_tables       projection, number -> name, definition
//     skald_parked       projection, entry (cqrs/parked_events.h) -> event as JSON
//
// Threads: as the connection's.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cqrs/parked_events.h"
#include "skald/position.h"
#include "skald/sql/projection.h"

namespace skald::sql {

struct Record {
    std::uint32_t version = 0;
    std::uint64_t term = 0;    // of the copy that works on it, or did last
    std::uint64_t events = 0;  // handled since the tables were made
    bool complete = false;
    Position position;
    Position muted_until;  // events before it have no effects
};

// Every method may throw SQLite::Exception, and all but find() and parked() want a transaction.
class Catalogue {
  public:
    Catalogue(SQLite::Database& database, std::string projection)
        : database_(database), projection_(std::move(projection)) {}

    void create();
    // nullopt when there is none. unknown_format, corrupt.
    Result<std::optional<Record>> find();
    void put(const Record& record);

    std::vector<Table> tables();
    void put_tables(const std::vector<Table>& tables);
    bool exists(const std::string& table);

    // Of one key, or of all when it is empty; from the first. corrupt.
    Result<std::vector<cqrs::ParkedEvents::Numbered>> parked(std::string_view key,
                                                             std::size_t limit);
    Result<void> write(const cqrs::ParkedEvents& parked);
    void clear_parked();

  private:
    // Made once; without bindings.
    SQLite::Statement& prepared(std::optional<SQLite::Statement>& statement, const char* text);

    SQLite::Database& database_;
    const std::string projection_;
    std::optional<SQLite::Statement> find_;
    std::optional<SQLite::Statement> put_;
};

}  // namespace skald::sql
