#include "cqrs/declared_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/glob.h"
#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;

Error inside(std::string_view where, const Error& error) {
    return {error.code, fmt::format("{}: {}", where, error.message)};
}

// "column cents from data.total"
std::string named(std::string_view what, const DeclaredColumn& column, const Expression& from) {
    std::string name = fmt::format("{} {}", what, column.name);
    if (from.kind == Expression::Kind::path) {
        name += fmt::format(" from {}", from.path.text);
    }
    return name;
}

// Quoted when it could be read as something else: as two values, as null, or as a stream's events
// that have no row.
std::string shown_in_key(const std::string& cell) {
    auto text = json_value::text_of(cell);
    if (!text) {
        return cell;
    }
    const bool plain =
        !text->empty() && *text != json_value::kNull && !text->starts_with("stream:") &&
        json_value::quoted(*text) == '"' + *text + '"' && text->find(',') == std::string::npos;
    return plain ? std::move(*text) : cell;
}

}  // namespace

DeclaredRules::DeclaredRules(DeclaredRows rows, std::vector<Rule> rules)
    : rows_(std::move(rows)), rules_(std::move(rules)) {}

bool DeclaredRules::handles(std::string_view type) const {
    return std::any_of(rules_.begin(), rules_.end(),
                       [&](const Rule& rule) { return matches_any(rule.types, type); });
}

Result<void> DeclaredRules::apply(RowChanges& changes, const EventView& event) {
    event_.begin(event);
    for (const Rule& rule : rules_) {
        if (!matches_any(rule.types, event.type)) {
            continue;
        }
        if (auto ok = apply_rule(rule, changes); !ok) {
            return ok;
        }
    }
    return {};
}

std::vector<std::string> DeclaredRules::keys(const EventView& event) {
    std::vector<std::string> keys;
    event_.begin(event);
    for (const Rule& rule : rules_) {
        const bool meant = matches_any(rule.types, event.type);
        const auto wanted = meant ? holds(rule, false) : Result<bool>(false);
        if (!wanted || !*wanted || !find_key(rule)) {
            continue;
        }
        std::string& text = keys.emplace_back();
        for (std::size_t i = 0; i < key_cells_.size(); ++i) {
            text += i == 0 ? "" : ",";
            text += shown_in_key(key_cells_[i]);
        }
    }
    return keys;
}

Result<void> DeclaredRules::apply_rule(const Rule& rule, RowChanges& changes) {
    auto wanted = holds(rule, false);
    if (!wanted || !*wanted) {
        return wanted ? Result<void>() : wanted.error();
    }
    if (auto ok = find_key(rule); !ok) {
        return ok;
    }
    auto found = changes.get(key_);
    if (!found) {
        return found.error();
    }
    row_exists_ = found->has_value();
    if (!row_exists_) {
        rows_.initial(cells_);
    } else if (auto ok = rows_.read(**found, cells_); !ok) {
        return ok;
    }
    if (rule.reads_row) {
        before_ = cells_;
    }
    wanted = holds(rule, true);
    if (!wanted || !*wanted) {
        return wanted ? Result<void>() : wanted.error();
    }
    if (rule.deletes) {
        auto erased = changes.erase(key_);
        return erased ? Result<void>() : erased.error();
    }
    if (auto ok = change(rule); !ok) {
        return ok;
    }
    rows_.image(cells_, image_);
    return changes.put(image_);
}

Result<bool> DeclaredRules::holds(const Rule& rule, bool on_row) {
    for (const Condition& condition : rule.conditions) {
        if ((condition.path.root == Path::Root::row) == on_row) {
            auto held = holds(condition);
            if (!held || !*held) {
                return held;
            }
        }
    }
    return true;
}

Result<bool> DeclaredRules::holds(const Condition& condition) {
    auto value = at(condition.path);
    if (!value) {
        return value.error();
    }
    switch (condition.kind) {
        case Condition::Kind::exists:
            return value->has_value();
        case Condition::Kind::missing:
            return !value->has_value();
        case Condition::Kind::equals:
            return *value && std::any_of(condition.values.begin(), condition.values.end(),
                                         [&](const std::string& wanted) {
                                             return json_value::same(**value, wanted);
                                         });
    }
    return false;
}

Result<void> DeclaredRules::find_key(const Rule& rule) {
    key_.clear();
    key_cells_.resize(rule.key.size());
    for (std::size_t i = 0; i < rule.key.size(); ++i) {
        const DeclaredColumn& column = rows_.columns()[rows_.key()[i]];
        auto found = evaluate(rule.key[i], column.kind);
        auto ok = found ? json_value::convert(key_cells_[i], column.kind, value_) : found.error();
        if (!ok) {
            return inside(named("key", column, rule.key[i]), ok.error());
        }
        json_value::append_key(key_, *key_kind_of(column.kind), key_cells_[i]);
    }
    if (key_.size() > limits::kRowKeyBytesMax) {
        return Error(Errc::invalid_event, fmt::format("a key has at most {} bytes, this one {}",
                                                      limits::kRowKeyBytesMax, key_.size()));
    }
    return {};
}

Result<void> DeclaredRules::change(const Rule& rule) {
    for (std::size_t i = 0; i < key_cells_.size(); ++i) {
        cells_[rows_.key()[i]] = key_cells_[i];
    }
    for (const Action& action : rule.actions) {
        if (auto ok = change(action); !ok) {
            return inside(named("column", rows_.columns()[action.column], action.value),
                          ok.error());
        }
    }
    return {};
}

Result<void> DeclaredRules::change(const Action& action) {
    std::string& cell = cells_[action.column];
    const DeclaredColumn& column = rows_.columns()[action.column];
    if (action.verb == Action::Verb::clear) {
        cell = column.initial;
        return {};
    }
    auto found = evaluate(action.value, column.kind);
    if (!found || !*found) {
        return found ? Result<void>() : found.error();
    }
    switch (action.verb) {
        case Action::Verb::add:
            return json_value::add(cell, column.kind, value_);
        case Action::Verb::subtract:
            return json_value::subtract(cell, column.kind, value_);
        case Action::Verb::append:
            return json_value::append_item(cell, value_);
        case Action::Verb::remove:
            return json_value::remove_item(cell, value_);
        default:
            break;
    }
    auto ok = json_value::convert(converted_, column.kind, value_);
    if (ok) {
        cell = converted_;
    }
    return ok;
}

Result<std::optional<std::string_view>> DeclaredRules::at(const Path& path) {
    if (path.root != Path::Root::row) {
        return event_.at(path);
    }
    const bool there = row_exists_ && before_[path.column] != json_value::kNull;
    return there ? std::optional<std::string_view>(before_[path.column]) : std::nullopt;
}

Result<bool> DeclaredRules::nothing(const Expression& expression, std::string_view expected) {
    if (expression.otherwise) {
        value_ = *expression.otherwise;
        return true;
    }
    if (expression.optional) {
        return false;
    }
    return Error(Errc::malformed, fmt::format("expected {}, found nothing", expected));
}

Result<bool> DeclaredRules::evaluate(const Expression& expression, ValueKind kind) {
    if (expression.kind == Expression::Kind::literal) {
        value_ = expression.literal;
        return true;
    }
    if (expression.kind == Expression::Kind::seconds) {
        return seconds(expression, kind);
    }
    auto value = at(expression.path);
    if (!value) {
        return value.error();
    }
    if (!*value) {
        return nothing(expression, words_for(kind));
    }
    value_ = **value;
    return true;
}

Result<bool> DeclaredRules::seconds(const Expression& expression, ValueKind kind) {
    Time ends[2];
    const Path* const paths[2] = {&expression.path, &expression.until};
    for (int i = 0; i < 2; ++i) {
        auto value = at(*paths[i]);
        if (!value) {
            return value.error();
        }
        if (!*value) {
            auto other = nothing(expression, words_for(ValueKind::time));
            return other ? std::move(other) : inside(paths[i]->text, other.error());
        }
        auto time = json_value::time_of(**value);
        if (!time) {
            return inside(paths[i]->text, time.error());
        }
        ends[i] = *time;
    }
    const std::int64_t passed = ends[1].us - ends[0].us;
    value_ = kind == ValueKind::number
                 ? fmt::format("{}", static_cast<double>(passed) / kMicrosecondsPerSecond)
                 : fmt::format("{}", passed / kMicrosecondsPerSecond);
    return true;
}

}  // namespace skald::cqrs
