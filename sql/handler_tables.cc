#include "sql/handler_tables.h"

#include "sql/limits.h"

namespace skald::sql {

SQLite::Statement& HandlerTables::statement(const std::string& text) {
    auto found = statements_.find(text);
    if (found == statements_.end()) {
        if (statements_.size() >= limits::kStatementsMax && used_.empty()) {
            statements_.clear();
        }
        found = statements_.try_emplace(text, connection_.database(), text).first;
    }
    SQLite::Statement& statement = found->second;
    used_.push_back(&statement);
    statement.tryReset();
    statement.clearBindings();
    return statement;
}

void HandlerTables::end_statements() {
    for (SQLite::Statement* statement : used_) {
        statement->tryReset();
    }
    used_.clear();
}

void HandlerTables::forget_statements() {
    used_.clear();
    statements_.clear();
}

}  // namespace skald::sql
