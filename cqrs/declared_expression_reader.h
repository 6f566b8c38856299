// What gives a value, as a declaration writes it: a path, a literal, seconds between two times.
//
// Threads: one.
#pragma once

#include <string>
#include <string_view>

#include "cqrs/declared_rule.h"
#include "cqrs/declared_toml.h"

namespace skald::cqrs {

class ExpressionReader {
  public:
    static constexpr std::string_view kExpected =
        "a path, a number, true, false, or a table with value, path or seconds";

    // Both outlive it.
    ExpressionReader(const TomlFile& file, const DeclaredRows& rows);

    // `what` is the key it stands under; `kind` that of the column it is for.
    Result<Expression> read(const toml::node& node, const std::string& what, ValueKind kind);
    Result<Path> path(const toml::node& node, const std::string& what);
    Result<std::size_t> column(const toml::source_region& place, const std::string& name) const;

    bool in_key = false;  // paths into the row are refused
    bool reads_row() const { return reads_row_; }

  private:
    Result<Expression> table(const toml::table& table, const std::string& what, ValueKind kind);
    Result<Expression> literal(const toml::node& node, const std::string& what, ValueKind kind);
    Result<void> seconds(const toml::node& node, const std::string& what, ValueKind kind,
                         Expression& into);
    Result<void> missing_means(const toml::table& table, const std::string& what, ValueKind kind,
                               Expression& into);

    const TomlFile* file_;
    const DeclaredRows* rows_;
    bool reads_row_ = false;
};

}  // namespace skald::cqrs
