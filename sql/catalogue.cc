#include "sql/catalogue.h"

#include <SQLiteCpp/VariadicBind.h>
#include <fmt/format.h>

#include <algorithm>

namespace skald::sql {
namespace {

constexpr int kFormat = 1;

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS skald_projections("
    "name TEXT PRIMARY KEY, format INTEGER NOT NULL, version INTEGER NOT NULL, "
    "term INTEGER NOT NULL, events INTEGER NOT NULL, complete INTEGER NOT NULL, "
    "position TEXT NOT NULL, muted_until TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS skald_tables("
    "projection TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, "
    "definition TEXT NOT NULL, PRIMARY KEY(projection, number)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS skald_parked("
    "projection TEXT NOT NULL, entry BLOB NOT NULL, event TEXT NOT NULL, "
    "PRIMARY KEY(projection, entry)) WITHOUT ROWID;";

std::string token_of(const Position& position) {
    return position.partitions.empty() ? std::string() : to_token(position);
}

Result<Position> position_of(const std::string& token) {
    return token.empty() ? Result<Position>(Position{}) : parse_position(token);
}

std::int64_t stored(std::uint64_t number) {
    return static_cast<std::int64_t>(number);
}

std::uint64_t loaded(const SQLite::Column& column) {
    return static_cast<std::uint64_t>(column.getInt64());
}

void bind_bytes(SQLite::Statement& statement, int index, const std::string& bytes) {
    statement.bind(index, static_cast<const void*>(bytes.data()), static_cast<int>(bytes.size()));
}

// The least text above all that begin with it; none when it is all 0xff.
std::string behind_prefix(std::string prefix) {
    while (!prefix.empty() && prefix.back() == '\xff') {
        prefix.pop_back();
    }
    if (!prefix.empty()) {
        prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    }
    return prefix;
}

}  // namespace

SQLite::Statement& Catalogue::prepared(std::optional<SQLite::Statement>& statement,
                                       const char* text) {
    if (!statement) {
        statement.emplace(database_, text);
    }
    statement->tryReset();
    statement->clearBindings();
    return *statement;
}

void Catalogue::create() {
    database_.exec(kTables);
}

Result<std::optional<Record>> Catalogue::find() {
    auto& query = prepared(find_,
                           "SELECT format, version, term, events, complete, position, muted_until "
                           "FROM skald_projections WHERE name = ?");
    query.bind(1, projection_);
    if (!query.executeStep()) {
        return std::optional<Record>();
    }
    if (const int format = query.getColumn(0).getInt(); format != kFormat) {
        return Error(Errc::unknown_format,
                     fmt::format("projection {} was written in format {}; this program knows {}",
                                 projection_, format, kFormat));
    }
    Record record;
    record.version = query.getColumn(1).getUInt();
    record.term = loaded(query.getColumn(2));
    record.events = loaded(query.getColumn(3));
    record.complete = query.getColumn(4).getInt() != 0;
    auto position = position_of(query.getColumn(5).getString());
    auto muted = position_of(query.getColumn(6).getString());
    query.tryReset();  // else it would keep the file's state of now
    if (!position || !muted) {
        return Error(
            Errc::corrupt,
            fmt::format("the checkpoint of projection {} is none; delete its row", projection_));
    }
    record.position = std::move(*position);
    record.muted_until = std::move(*muted);
    return std::optional(std::move(record));
}

void Catalogue::put(const Record& record) {
    auto& put =
        prepared(put_, "INSERT OR REPLACE INTO skald_projections VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    SQLite::bind(put, projection_, kFormat, record.version, stored(record.term),
                 stored(record.events), record.complete ? 1 : 0, token_of(record.position),
                 token_of(record.muted_until));
    put.exec();
    put.tryReset();
}

std::vector<Table> Catalogue::tables() {
    SQLite::Statement query(
        database_,
        "SELECT name, definition FROM skald_tables WHERE projection = ? ORDER BY number");
    query.bind(1, projection_);
    std::vector<Table> tables;
    while (query.executeStep()) {
        tables.push_back({query.getColumn(0).getString(), query.getColumn(1).getString()});
    }
    return tables;
}

void Catalogue::put_tables(const std::vector<Table>& tables) {
    SQLite::Statement erase(database_, "DELETE FROM skald_tables WHERE projection = ?");
    erase.bind(1, projection_);
    erase.exec();
    for (std::size_t i = 0; i < tables.size(); ++i) {
        SQLite::Statement put(database_, "INSERT INTO skald_tables VALUES(?, ?, ?, ?)");
        SQLite::bind(put, projection_, static_cast<int>(i), tables[i].name, tables[i].definition);
        put.exec();
    }
}

bool Catalogue::exists(const std::string& table) {
    SQLite::Statement query(
        database_, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE");
    query.bind(1, table);
    return query.executeStep();
}

Result<std::vector<cqrs::ParkedEvents::Numbered>> Catalogue::parked(std::string_view key,
                                                                    std::size_t limit) {
    const std::string from = key.empty() ? "" : cqrs::ParkedEvents::prefix_of(key);
    const std::string below = behind_prefix(from);
    SQLite::Statement query(database_, std::string("SELECT entry, event FROM skald_parked "
                                                   "WHERE projection = ? AND entry >= ?") +
                                           (below.empty() ? "" : " AND entry < ?3") +
                                           " ORDER BY entry LIMIT ?4");
    query.bind(1, projection_);
    bind_bytes(query, 2, from);
    if (!below.empty()) {
        bind_bytes(query, 3, below);
    }
    query.bind(4, stored(limit));
    std::vector<cqrs::ParkedEvents::Numbered> events;
    while (query.executeStep()) {
        auto event = cqrs::ParkedEvents::decode(query.getColumn(0).getString(),
                                                query.getColumn(1).getString());
        if (!event) {
            return event.error();
        }
        events.push_back(std::move(*event));
    }
    return events;
}

Result<void> Catalogue::write(const cqrs::ParkedEvents& parked) {
    for (const auto& [entry, event] : parked.changes()) {
        auto json = event ? cqrs::description_of<cqrs::ParkedEvent>().encode(*event)
                          : Result<std::string>(std::string());
        if (!json) {
            return json.error();
        }
        SQLite::Statement change(database_,
                                 event ? "INSERT OR REPLACE INTO skald_parked VALUES(?, ?, ?)"
                                       : "DELETE FROM skald_parked WHERE projection = ? AND "
                                         "entry = ?");
        change.bind(1, projection_);
        bind_bytes(change, 2, entry);
        if (event) {
            change.bind(3, *json);
        }
        change.exec();
    }
    return {};
}

void Catalogue::clear_parked() {
    SQLite::Statement erase(database_, "DELETE FROM skald_parked WHERE projection = ?");
    erase.bind(1, projection_);
    erase.exec();
}

}  // namespace skald::sql
