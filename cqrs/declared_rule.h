// What a declared projection does with one event: rules, each with the types it is for, conditions,
// where the key comes from, and what changes. All rules of an event's type apply, in the order of
// the file.
//
// Threads: one object, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cqrs/declared_path.h"
#include "cqrs/declared_row.h"

namespace skald::cqrs {

// What gives a value.
struct Expression {
    enum class Kind : std::uint8_t { literal, path, seconds };
    Kind kind = Kind::literal;
    std::string literal;  // JSON
    Path path;            // seconds: the time they begin
    Path until;           // seconds: the time they end
    // A path that leads nowhere: this stands for it, or the action is left out, or the event fails.
    std::optional<std::string> otherwise;
    bool optional = false;
};

struct Condition {
    enum class Kind : std::uint8_t { exists, missing, equals };
    Kind kind = Kind::exists;
    Path path;
    std::vector<std::string> values;  // JSON; one of them
};

struct Action {
    enum class Verb : std::uint8_t { set, add, subtract, append, remove, clear };
    Verb verb = Verb::set;
    std::size_t column = 0;
    Expression value;
};

struct Rule {
    std::vector<std::string> types;     // globs
    std::vector<Condition> conditions;  // all of them
    std::vector<Expression> key;        // a value each column of it
    std::vector<Action> actions;
    bool deletes = false;  // the row; then there are no actions
    bool reads_row = false;
};

class DeclaredRules {
  public:
    DeclaredRules(DeclaredRows rows, std::vector<Rule> rules);

    bool handles(std::string_view type) const;
    // Errors of the event: malformed, invalid_event, and those of the changes.
    Result<void> apply(RowChanges& changes, const EventView& event);
    // Of the rows that the event may change, as text; without those that cannot be told, which no
    // later try of these rules would tell either.
    std::vector<std::string> keys(const EventView& event);

  private:
    Result<void> apply_rule(const Rule& rule, RowChanges& changes);
    // Of the conditions on the event, or of those on the row.
    Result<bool> holds(const Rule& rule, bool on_row);
    Result<bool> holds(const Condition& condition);
    // Into key_cells_ and key_.
    Result<void> find_key(const Rule& rule);
    Result<void> change(const Rule& rule);
    Result<void> change(const Action& action);
    // Into value_, as JSON; false when the action is left out.
    Result<bool> evaluate(const Expression& expression, ValueKind kind);
    Result<bool> seconds(const Expression& expression, ValueKind kind);
    Result<bool> nothing(const Expression& expression, std::string_view expected);
    Result<std::optional<std::string_view>> at(const Path& path);

    const DeclaredRows rows_;
    const std::vector<Rule> rules_;
    EventValues event_;
    bool row_exists_ = false;
    Cells cells_;   // the row as it becomes
    Cells before_;  // as it was, when a rule looks at it
    Cells key_cells_;
    std::string key_;
    std::string value_;
    std::string converted_;
    RowImage image_;
};

}  // namespace skald::cqrs
