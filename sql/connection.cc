#include "sql/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <string_view>

namespace skald::sql {
namespace {

Errc code_of(int primary, Errc otherwise) {
    switch (primary) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Errc::busy;
        case SQLITE_FULL:
            return Errc::disk_full;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL:
            return Errc::io_error;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Errc::corrupt;
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return Errc::read_only;
        case SQLITE_NOMEM:
            return Errc::store_failed;
        default:
            return otherwise;
    }
}

bool is_ours(const char* table) {
    return table != nullptr && std::string_view(table).starts_with("skald_");
}

}  // namespace

Error error_of(const SQLite::Exception& e, Errc otherwise) {
    return {code_of(e.getErrorCode() & 0xff, otherwise), fmt::format("SQLite: {}", e.what())};
}

Connection::Connection(const std::string& file, Use use, std::chrono::milliseconds busy_timeout)
    : database_(
          file,
          use == Use::write ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE : SQLite::OPEN_READONLY,
          static_cast<int>(busy_timeout.count())) {}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& file, Use use,
                                                     std::chrono::milliseconds busy_timeout) {
    auto opened = attempt([&]() -> Result<std::unique_ptr<Connection>> {
        std::unique_ptr<Connection> connection(new Connection(file, use, busy_timeout));
        if (use == Use::write) {
            SQLite::Statement mode(connection->database_, "PRAGMA journal_mode=WAL");
            if (!mode.executeStep() || mode.getColumn(0).getString() != "wal") {
                return Error(Errc::io_error, "SQLite: the file cannot be in WAL mode");
            }
            connection->database_.exec("PRAGMA synchronous=NORMAL");
            sqlite3_set_authorizer(connection->database_.getHandle(), authorize, connection.get());
        }
        return connection;
    });
    if (!opened) {
        return Error(opened.error().code, fmt::format("{}: {}", file, opened.error().message));
    }
    return opened;
}

int Connection::authorize(void* self, int action, const char* first, const char*, const char*,
                          const char*) {
    if (!static_cast<Connection*>(self)->foreign_) {
        return SQLITE_OK;
    }
    switch (action) {
        case SQLITE_TRANSACTION:
        case SQLITE_SAVEPOINT:
            return SQLITE_DENY;
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
        case SQLITE_DELETE:
        case SQLITE_DROP_TABLE:
        case SQLITE_CREATE_TABLE:
        case SQLITE_CREATE_TRIGGER:
            return is_ours(first) ? SQLITE_DENY : SQLITE_OK;
        default:
            return SQLITE_OK;
    }
}

Result<void> Connection::begin() {
    return attempt([&]() -> Result<void> {
        database_.exec("BEGIN IMMEDIATE");
        return {};
    });
}

Result<void> Connection::commit() {
    return attempt([&]() -> Result<void> {
        database_.exec("COMMIT");
        return {};
    });
}

void Connection::rollback() {
    if (in_transaction()) {
        database_.tryExec("ROLLBACK");
    }
}

bool Connection::in_transaction() const {
    return sqlite3_get_autocommit(const_cast<SQLite::Database&>(database_).getHandle()) == 0;
}

}  // namespace skald::sql
