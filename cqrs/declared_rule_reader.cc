#include "cqrs/declared_rule_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

struct KnownVerb {
    std::string_view name;
    Action::Verb verb;
};
constexpr KnownVerb kVerbs[] = {
    {"set", Action::Verb::set},           {"add", Action::Verb::add},
    {"subtract", Action::Verb::subtract}, {"append", Action::Verb::append},
    {"remove", Action::Verb::remove},
};

bool is_arithmetic(Action::Verb verb) {
    return verb == Action::Verb::add || verb == Action::Verb::subtract;
}

bool is_of_lists(Action::Verb verb) {
    return verb == Action::Verb::append || verb == Action::Verb::remove;
}

}  // namespace

RuleReader::RuleReader(const TomlFile& file, const DeclaredRows& rows)
    : file_(file), rows_(rows), expressions_(file, rows) {}

Result<Rule> RuleReader::read(const toml::table& table) {
    auto ok = file_.check_keys(
        table, "on.",
        {"type", "when", "key", "set", "add", "subtract", "append", "remove", "clear", "delete"});
    if (!ok) {
        return ok.error();
    }
    const toml::node* type = table.get("type");
    const toml::node* key = table.get("key");
    if (type == nullptr || key == nullptr) {
        return type == nullptr ? file_.lacks(table, "on.type", "a type of events, or globs")
                               : file_.lacks(table, "on.key", "where the row's key comes from");
    }
    auto types = file_.texts(*type, "on.type", limits::kDeclaredGlobsMax);
    if (!types) {
        return types.error();
    }
    rule_ = Rule{};
    expressions_ = ExpressionReader(file_, rows_);
    rule_.types = std::move(*types);
    ok = read_key(*key, table);
    if (const toml::node* when = table.get("when"); ok && when != nullptr) {
        ok = read_conditions(*when);
    }
    for (const KnownVerb& known : kVerbs) {
        if (const toml::node* actions = table.get(known.name); ok && actions != nullptr) {
            ok = read_actions(*actions, known.verb, fmt::format("on.{}", known.name));
        }
    }
    if (const toml::node* clear = table.get("clear"); ok && clear != nullptr) {
        ok = read_clear(*clear);
    }
    if (const toml::node* deletes = table.get("delete"); ok && deletes != nullptr) {
        auto flag = file_.boolean(*deletes, "on.delete");
        if (!flag || (*flag && !rule_.actions.empty())) {
            return !flag ? flag.error()
                         : file_.at(deletes->source(), "`on.delete` stands with no other action");
        }
        rule_.deletes = *flag;
    }
    rule_.reads_row = expressions_.reads_row();
    return ok ? Result<Rule>(std::move(rule_)) : ok.error();
}

Result<void> RuleReader::read_key(const toml::node& node, const toml::table& rule) {
    expressions_.in_key = true;
    const toml::table* table = node.as_table();
    if (table == nullptr && rows_.key().size() > 1) {
        return file_.wrong(node, "on.key", "a table with a value for each column of the key");
    }
    std::vector<std::string> names;
    for (const std::size_t column : rows_.key()) {
        names.push_back(rows_.columns()[column].name);
    }
    if (table != nullptr) {
        if (auto ok = file_.check_keys(*table, "on.key.", names); !ok) {
            return ok;
        }
    }
    for (const std::size_t column : rows_.key()) {
        const DeclaredColumn& its = rows_.columns()[column];
        const toml::node* value = table == nullptr ? &node : table->get(its.name);
        if (value == nullptr) {
            return file_.lacks(table == nullptr ? rule : *table, "on.key." + its.name,
                               ExpressionReader::kExpected);
        }
        auto from = expressions_.read(*value, "on.key." + its.name, its.kind);
        if (!from) {
            return from.error();
        }
        if (from->optional) {
            return file_.at(
                value->source(),
                "a key cannot be optional: expected a `default`, or `when` with exists");
        }
        rule_.key.push_back(std::move(*from));
    }
    expressions_.in_key = false;
    return {};
}

Result<void> RuleReader::read_conditions(const toml::node& node) {
    constexpr std::string_view kExpected =
        "a table with exists, missing, or path and equals, or a list of them";
    std::vector<const toml::table*> tables;
    if (node.is_table()) {
        tables.push_back(node.as_table());
    } else {
        auto listed = file_.tables(node, "on.when", limits::kDeclaredConditionsMax);
        if (!listed) {
            return file_.wrong(node, "on.when", kExpected);
        }
        tables = std::move(*listed);
    }
    for (const toml::table* table : tables) {
        auto condition = read_condition(*table);
        if (!condition) {
            return condition.error();
        }
        rule_.conditions.push_back(std::move(*condition));
    }
    return {};
}

Result<Condition> RuleReader::read_condition(const toml::table& table) {
    if (auto ok = file_.check_keys(table, "on.when.", {"exists", "missing", "path", "equals"});
        !ok) {
        return ok.error();
    }
    const bool compares = table.contains("path") && table.contains("equals");
    if (table.size() != (compares ? 2U : 1U) ||
        (!compares && (table.contains("path") || table.contains("equals")))) {
        return file_.at(table.source(),
                        "expected exists, or missing, or path and equals, in a table of `on.when`");
    }
    Condition condition;
    const std::string name = compares ? "path" : std::string(table.begin()->first.str());
    condition.kind = compares           ? Condition::Kind::equals
                     : name == "exists" ? Condition::Kind::exists
                                        : Condition::Kind::missing;
    auto where = expressions_.path(*table.get(name), "on.when." + name);
    if (!where) {
        return where.error();
    }
    condition.path = std::move(*where);
    if (compares) {
        const toml::node& equals = *table.get("equals");
        const toml::array* several = equals.as_array();
        if (several != nullptr && several->empty()) {
            return file_.wrong(equals, "on.when.equals", "a value, or a list of at least one");
        }
        for (std::size_t i = 0; i < (several == nullptr ? 1 : several->size()); ++i) {
            const toml::node& one = several == nullptr ? equals : (*several)[i];
            auto json = json_of(one);
            if (!json) {
                return file_.wrong(one, "on.when.equals", json.error().message);
            }
            condition.values.push_back(std::move(*json));
        }
    }
    return condition;
}

Result<void> RuleReader::read_actions(const toml::node& node, Action::Verb verb,
                                      const std::string& what) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        return file_.wrong(node, what, "a table of columns and their values");
    }
    for (const auto& [name, value] : *table) {
        auto found = expressions_.column(name.source(), std::string(name.str()));
        auto ok = found ? read_action(value, *found, verb, what, &value) : found.error();
        if (!ok) {
            return ok;
        }
    }
    return {};
}

Result<void> RuleReader::read_clear(const toml::node& node) {
    auto names = file_.texts(node, "on.clear", limits::kDeclaredColumnsMax);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        auto found = expressions_.column(node.source(), name);
        auto ok = found ? read_action(node, *found, Action::Verb::clear, "on.clear", nullptr)
                        : found.error();
        if (!ok) {
            return ok;
        }
    }
    return {};
}

Result<void> RuleReader::read_action(const toml::node& place, std::size_t column, Action::Verb verb,
                                     const std::string& what, const toml::node* value) {
    auto ok = check_once(place, column);
    if (ok) {
        ok = check_verb(place, column, verb);
    }
    if (!ok) {
        return ok;
    }
    Action action{verb, column, {}};
    if (value != nullptr) {
        const DeclaredColumn& its = rows_.columns()[column];
        auto from = expressions_.read(*value, fmt::format("{}.{}", what, its.name), its.kind);
        if (!from) {
            return from.error();
        }
        action.value = std::move(*from);
    }
    rule_.actions.push_back(std::move(action));
    return {};
}

Result<void> RuleReader::check_once(const toml::node& place, std::size_t column) const {
    const std::string& name = rows_.columns()[column].name;
    if (std::find(rows_.key().begin(), rows_.key().end(), column) != rows_.key().end()) {
        return file_.at(place.source(),
                        fmt::format("the column `{}` is of the key, which never changes", name));
    }
    const bool again = std::any_of(rule_.actions.begin(), rule_.actions.end(),
                                   [&](const Action& other) { return other.column == column; });
    return again ? file_.at(place.source(),
                            fmt::format("the column `{}` is changed twice by one rule", name))
                 : Result<void>();
}

Result<void> RuleReader::check_verb(const toml::node& place, std::size_t column,
                                    Action::Verb verb) const {
    const ValueKind kind = rows_.columns()[column].kind;
    const bool is_number =
        kind == ValueKind::integer || kind == ValueKind::natural || kind == ValueKind::number;
    std::string_view needed;
    if (is_arithmetic(verb) && !is_number) {
        needed = "integer, natural or number";
    }
    if (is_of_lists(verb) && kind != ValueKind::json) {
        needed = "json";
    }
    return needed.empty() ? Result<void>()
                          : file_.at(place.source(),
                                     fmt::format("expected a column of {}; `{}` is {}", needed,
                                                 rows_.columns()[column].name, words_for(kind)));
}

}  // namespace skald::cqrs
