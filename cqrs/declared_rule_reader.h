// The [[on]] tables of a declaration.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "cqrs/declared_expression_reader.h"

namespace skald::cqrs {

class RuleReader {
  public:
    // Both outlive it.
    RuleReader(const TomlFile& file, const DeclaredRows& rows);
    Result<Rule> read(const toml::table& table);

  private:
    Result<void> read_key(const toml::node& node, const toml::table& rule);
    Result<void> read_conditions(const toml::node& node);
    Result<Condition> read_condition(const toml::table& table);
    Result<void> read_actions(const toml::node& node, Action::Verb verb, const std::string& what);
    Result<void> read_action(const toml::node& place, std::size_t column, Action::Verb verb,
                             const std::string& what, const toml::node* value);
    Result<void> check_verb(const toml::node& place, std::size_t column, Action::Verb verb) const;
    Result<void> check_once(const toml::node& place, std::size_t column) const;
    Result<void> read_clear(const toml::node& node);

    const TomlFile& file_;
    const DeclaredRows& rows_;
    ExpressionReader expressions_;
    Rule rule_;
};

}  // namespace skald::cqrs
