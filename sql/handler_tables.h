// What a handler gets: the database, statements that are kept, effects.
//
// Threads: as the connection's.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "cqrs/effects.h"
#include "skald/sql/projection.h"
#include "sql/connection.h"

namespace skald::sql {

class HandlerTables final : public Tables {
  public:
    explicit HandlerTables(Connection& connection) : connection_(connection) {}

    SQLite::Database& database() override { return connection_.database(); }
    SQLite::Statement& statement(const std::string& text) override;
    void effect(std::function<void()> act) override { effects_.add(std::move(act)); }

    cqrs::Effects& effects() { return effects_; }
    // After a handler: what its statements still read would keep the transaction's state.
    void end_statements();
    void forget_statements();

  private:
    Connection& connection_;
    std::unordered_map<std::string, SQLite::Statement> statements_;
    std::vector<SQLite::Statement*> used_;  // by this handler
    cqrs::Effects effects_;
};

}  // namespace skald::sql
