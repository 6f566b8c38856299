#include "cqrs/declared_expression_reader.h"

#include <fmt/format.h>

#include "base/near_names.h"

namespace skald::cqrs {

ExpressionReader::ExpressionReader(const TomlFile& file, const DeclaredRows& rows)
    : file_(&file), rows_(&rows) {}

Result<std::size_t> ExpressionReader::column(const toml::source_region& place,
                                             const std::string& name) const {
    std::vector<std::string> known;
    std::string all;
    for (std::size_t i = 0; i < rows_->columns().size(); ++i) {
        if (rows_->columns()[i].name == name) {
            return i;
        }
        known.push_back(rows_->columns()[i].name);
        all += (all.empty() ? "" : ", ") + known.back();
    }
    const std::string meant = did_you_mean(name, known);
    return file_->at(place, fmt::format("there is no column `{}`{}{} there are {}", name, meant,
                                        meant.empty() ? ";" : "", all));
}

Result<Path> ExpressionReader::path(const toml::node& node, const std::string& what) {
    auto text = file_->text(node, what, "a path as `data.order.id`");
    if (!text) {
        return text.error();
    }
    auto path = parse_path(*text);
    if (!path) {
        return file_->at(node.source(), fmt::format("`{}`: {}", what, path.error().message));
    }
    if (path->root == Path::Root::row) {
        if (in_key) {
            return file_->wrong(node, what, "a path into the event: the key says which row it is");
        }
        auto found = column(node.source(), path->segments.front());
        if (!found) {
            return found.error();
        }
        path->column = *found;
        reads_row_ = true;
    }
    return path;
}

Result<Expression> ExpressionReader::literal(const toml::node& node, const std::string& what,
                                             ValueKind kind) {
    auto json = json_of(node);
    if (!json) {
        return file_->wrong(node, what, json.error().message);
    }
    Expression expression;
    if (auto ok = json_value::convert(expression.literal, kind, *json); !ok) {
        return file_->wrong(node, what, words_for(kind));
    }
    return expression;
}

Result<Expression> ExpressionReader::read(const toml::node& node, const std::string& what,
                                          ValueKind kind) {
    if (const toml::table* table = node.as_table()) {
        return this->table(*table, what, kind);
    }
    if (!node.is_string()) {
        return node.is_number() || node.is_boolean() ? literal(node, what, kind)
                                                     : file_->wrong(node, what, kExpected);
    }
    auto from = path(node, what);
    if (!from) {
        return from.error();
    }
    Expression expression;
    expression.kind = Expression::Kind::path;
    expression.path = std::move(*from);
    return expression;
}

Result<Expression> ExpressionReader::table(const toml::table& table, const std::string& what,
                                           ValueKind kind) {
    if (auto ok = file_->check_keys(table, what + ".",
                                    {"value", "path", "seconds", "optional", "default"});
        !ok) {
        return ok.error();
    }
    const toml::node* value = table.get("value");
    const toml::node* from = table.get("path");
    const toml::node* times = table.get("seconds");
    if ((value != nullptr) + (from != nullptr) + (times != nullptr) != 1 ||
        (value != nullptr && table.size() > 1)) {
        return file_->at(table.source(),
                         fmt::format("`{}` must be {}: one of them, optional and default with path "
                                     "or seconds only",
                                     what, kExpected));
    }
    if (value != nullptr) {
        return literal(*value, what, kind);
    }
    Expression expression;
    Result<void> ok;
    if (from != nullptr) {
        expression.kind = Expression::Kind::path;
        auto where = path(*from, what + ".path");
        ok = where ? Result<void>() : where.error();
        expression.path = where ? std::move(*where) : Path{};
    } else {
        ok = seconds(*times, what + ".seconds", kind, expression);
    }
    if (ok) {
        ok = missing_means(table, what, kind, expression);
    }
    return ok ? Result<Expression>(std::move(expression)) : ok.error();
}

Result<void> ExpressionReader::seconds(const toml::node& node, const std::string& what,
                                       ValueKind kind, Expression& into) {
    const toml::table* table = node.as_table();
    if (table == nullptr || !table->contains("from") || !table->contains("to")) {
        return file_->wrong(node, what, "a table with from and to, two paths to times");
    }
    if (kind != ValueKind::integer && kind != ValueKind::natural && kind != ValueKind::number) {
        return file_->at(node.source(),
                         fmt::format("`{}` is a number, the column is {}", what, words_for(kind)));
    }
    into.kind = Expression::Kind::seconds;
    auto ok = file_->check_keys(*table, what + ".", {"from", "to"});
    auto from = path(*table->get("from"), what + ".from");
    auto to = path(*table->get("to"), what + ".to");
    if (!ok || !from || !to) {
        return !ok ? ok.error() : !from ? from.error() : to.error();
    }
    into.path = std::move(*from);
    into.until = std::move(*to);
    return {};
}

Result<void> ExpressionReader::missing_means(const toml::table& table, const std::string& what,
                                             ValueKind kind, Expression& into) {
    const toml::node* otherwise = table.get("default");
    const toml::node* optional = table.get("optional");
    if (otherwise != nullptr && optional != nullptr) {
        return file_->at(otherwise->source(),
                         fmt::format("`{}` has both optional and default: expected one", what));
    }
    if (otherwise != nullptr) {
        auto value = literal(*otherwise, what + ".default", kind);
        if (!value) {
            return value.error();
        }
        into.otherwise = std::move(value->literal);
    }
    if (optional != nullptr) {
        auto flag = file_->boolean(*optional, what + ".optional");
        if (!flag) {
            return flag.error();
        }
        into.optional = *flag;
    }
    return {};
}

}  // namespace skald::cqrs
