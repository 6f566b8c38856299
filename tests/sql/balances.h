// The SQL tables that the tests of projectors talk about: what accounts (tests/cqrs/account.h)
// hold.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "skald/sql/projector.h"
#include "tests/cqrs/accounts_log.h"
#include "tests/temp_directory.h"

namespace skald::sql {

using namespace std::chrono_literals;
using cqrs::Deposited;
using cqrs::Freshness;
using cqrs::ModelState;
using cqrs::Opened;
using cqrs::Poison;
using cqrs::Projector;
using cqrs::ProjectorOptions;
using cqrs::Withdrawn;

inline constexpr const char* kBalances =
    "CREATE TABLE balances(account TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "cents INTEGER NOT NULL DEFAULT 0, note TEXT UNIQUE);"
    "CREATE INDEX balances_by_owner ON balances(owner, cents)";

// A withdrawal of 13 throws, after it changed the row.
inline Projection balances(std::uint32_t version = 1) {
    Projection projection("balances", version);
    projection.table("balances", kBalances)
        .on<Opened>([](Tables& tables, const Opened& opened, const EventView& at) {
            auto& insert = tables.statement("INSERT INTO balances(account, owner) VALUES(?, ?)");
            SQLite::bind(insert, std::string(at.stream), opened.owner);
            insert.exec();
        })
        .on<Deposited>([](Tables& tables, const Deposited& deposited, const EventView& at) {
            auto& update = tables.statement(
                "UPDATE balances SET cents = cents + ?, note = coalesce(nullif(?, ''), note) "
                "WHERE account = ?");
            SQLite::bind(update, static_cast<std::int64_t>(deposited.cents), deposited.note,
                         std::string(at.stream));
            update.exec();
        })
        .on<Withdrawn>([](Tables& tables, const Withdrawn& withdrawn, const EventView& at) {
            auto& update =
                tables.statement("UPDATE balances SET cents = cents - ? WHERE account = ?");
            SQLite::bind(update, static_cast<std::int64_t>(withdrawn.cents),
                         std::string(at.stream));
            update.exec();
            if (withdrawn.cents == 13) {
                throw std::runtime_error("thirteen");
            }
        });
    return projection;
}

// A log, and a directory for a database of it.
struct Ledgers : cqrs::AccountsLog {
    using AccountsLog::AccountsLog;

    std::string file() const { return directory.path("balances.sqlite"); }
    Result<std::unique_ptr<Projector>> try_start(const AnyProjection& projection,
                                                 const ProjectorOptions& options = {},
                                                 const FileOptions& file_options = {}) {
        return start_projector(world.store(), file(), projection, options, file_options);
    }
    std::unique_ptr<Projector> start(const AnyProjection& projection,
                                     const ProjectorOptions& options = {}) {
        auto started = try_start(projection, options);
        INFO((started ? "" : started.error().message));
        REQUIRE(started);
        return std::move(*started);
    }
    std::unique_ptr<Projector> start(const ProjectorOptions& options = {}) {
        return start(balances().build(), options);
    }

    // "owner cents", by a connection of its own, as another program would.
    std::optional<std::string> balance(const std::string& id) {
        SQLite::Database database(file(), SQLite::OPEN_READONLY);
        SQLite::Statement query(database, "SELECT owner, cents FROM balances WHERE account = ?");
        query.bind(1, id);
        if (!query.executeStep()) {
            return std::nullopt;
        }
        return query.getColumn(0).getString() + " " + query.getColumn(1).getString();
    }
    std::int64_t number(const std::string& query) {
        SQLite::Database database(file(), SQLite::OPEN_READONLY);
        return database.execAndGet(query).getInt64();
    }
    Checkpoint stored() {
        SQLite::Database database(file(), SQLite::OPEN_READONLY);
        auto found = checkpoint(database, "balances");
        REQUIRE(found);
        return *found;
    }

    TempDirectory directory;
};

}  // namespace skald::sql
