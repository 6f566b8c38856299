#include <fmt/format.h>

#include <algorithm>

#include "cqrs/limits.h"
#include "cqrs/row_scan.h"

namespace skald::cqrs {
namespace {

std::string known_indexes(const RowSchema& schema) {
    std::string names = fmt::format("{} (the key)", schema.key.name());
    for (const IndexSchema& index : schema.indexes) {
        names += fmt::format("; {}{}", index.name(), index.unique ? " (unique)" : "");
    }
    return names;
}

std::string known_fields(const RowSchema& schema) {
    std::string names;
    for (const std::string& field : schema.fields) {
        names += names.empty() ? field : ", " + field;
    }
    return names;
}

const RowQuery::Field* given(const RowQuery& query, const std::string& field) {
    const auto found = std::find_if(query.where.begin(), query.where.end(),
                                    [&](const auto& each) { return each.name == field; });
    return found == query.where.end() ? nullptr : &*found;
}

Result<void> check_fields(const RowSchema& schema, const RowQuery& query) {
    const auto check = [&](const std::string& field) -> Result<void> {
        if (std::find(schema.fields.begin(), schema.fields.end(), field) != schema.fields.end()) {
            return {};
        }
        return Error(Errc::invalid_argument,
                     fmt::format("no field {}; there are {}", field, known_fields(schema)));
    };
    for (const RowQuery::Field& field : query.where) {
        if (auto ok = check(field.name); !ok) {
            return ok;
        }
    }
    return query.order.empty() ? Result<void>() : check(query.order);
}

// Its first fields are those of `where`, in any order, and the next is the one that orders.
bool serves(const IndexSchema& index, const RowQuery& query) {
    const std::size_t fixed = query.where.size();
    if (fixed > index.columns.size()) {
        return false;
    }
    for (std::size_t i = 0; i < fixed; ++i) {
        if (given(query, index.columns[i].field) == nullptr) {
            return false;
        }
    }
    const bool ordered = query.from || query.to || !query.order.empty();
    return !ordered || (fixed < index.columns.size() &&
                        (query.order.empty() || index.columns[fixed].field == query.order));
}

Error no_index(const RowSchema& schema, const RowQuery& query) {
    std::string wanted;
    for (const RowQuery::Field& field : query.where) {
        wanted += wanted.empty() ? field.name : ", " + field.name;
    }
    if (!query.order.empty()) {
        wanted += fmt::format("{}ordered by {}", wanted.empty() ? "" : " ", query.order);
    }
    return {Errc::invalid_argument,
            fmt::format("no index for {}; there are {}", wanted.empty() ? "a range" : wanted,
                        known_indexes(schema))};
}

Result<void> append_value(std::string& out, const Column& column, const RowQuery::Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        auto ok = key_bytes::append_parsed(out, column.kind, *text);
        return ok ? std::move(ok)
                  : Error(ok.error().code,
                          fmt::format("field {}: {}", column.field, ok.error().message));
    }
    const auto& key = std::get<KeyValue>(value);
    const char kind = static_cast<char>(column.kind);
    const auto bytes =
        key.kinds.size() == 1 ? key_bytes::as_kinds(key, std::string_view(&kind, 1)) : std::nullopt;
    if (!bytes) {
        return Error(Errc::invalid_argument,
                     fmt::format("field {}: expected {}", column.field, name_of(column.kind)));
    }
    out += *bytes;
    return {};
}

// The first key above all that begin with these bytes.
std::optional<std::string> successor(std::string bytes) {
    while (!bytes.empty() && static_cast<unsigned char>(bytes.back()) == 0xff) {
        bytes.pop_back();
    }
    if (bytes.empty()) {
        return std::nullopt;
    }
    bytes.back() = static_cast<char>(bytes.back() + 1);
    return bytes;
}

Result<void> bound(ScanPlan& plan, const Column& column, const RowQuery& query) {
    const std::string prefix = plan.lower;
    if (query.from) {
        if (auto ok = append_value(plan.lower, column, query.from->value); !ok) {
            return ok;
        }
        if (!query.from->inclusive) {
            plan.lower = successor(plan.lower).value_or(plan.lower);
        }
    }
    if (query.to) {
        std::string upper = prefix;
        if (auto ok = append_value(upper, column, query.to->value); !ok) {
            return ok;
        }
        plan.upper = query.to->inclusive ? successor(upper) : upper;
    }
    return {};
}

// With RowQuery::key as conditions.
Result<RowQuery> with_key(const RowSchema& schema, const RowQuery& query) {
    const std::vector<Column>& columns = schema.key.columns;
    if (query.key.size() > columns.size()) {
        return Error(Errc::invalid_argument, fmt::format("the key is {}; {} values were given",
                                                         schema.key.name(), query.key.size()));
    }
    RowQuery whole = query;
    whole.key.clear();
    for (std::size_t i = 0; i < query.key.size(); ++i) {
        whole.where.push_back({columns[i].field, query.key[i]});
    }
    return whole;
}

}  // namespace

Result<ScanPlan> plan_scan(const RowSchema& schema, const RowQuery& query) {
    if (!query.key.empty()) {
        auto whole = with_key(schema, query);
        return whole ? plan_scan(schema, *whole) : whole.error();
    }
    if (auto ok = check_fields(schema, query); !ok) {
        return ok.error();
    }
    ScanPlan plan;
    const IndexSchema* index = serves(schema.key, query) ? &schema.key : nullptr;
    for (std::size_t i = 0; index == nullptr && i < schema.indexes.size(); ++i) {
        if (serves(schema.indexes[i], query)) {
            index = &schema.indexes[i];
            plan.index = static_cast<int>(i);
        }
    }
    if (index == nullptr) {
        return no_index(schema, query);
    }
    const std::size_t fixed = query.where.size();
    for (std::size_t i = 0; i < fixed; ++i) {
        const Column& column = index->columns[i];
        if (auto ok = append_value(plan.lower, column, given(query, column.field)->value); !ok) {
            return ok.error();
        }
    }
    plan.upper = successor(plan.lower);
    if (query.from || query.to) {
        if (auto ok = bound(plan, index->columns[fixed], query); !ok) {
            return ok.error();
        }
    }
    return plan;
}

Result<std::string> plan_get(const RowSchema& schema, const KeyValue& key) {
    const std::string kinds = schema.key.kinds();
    const auto bytes =
        key.kinds.size() == kinds.size() ? key_bytes::as_kinds(key, kinds) : std::nullopt;
    if (!bytes) {
        return Error(Errc::invalid_argument,
                     fmt::format("the key is {}; other values were given", schema.key.name()));
    }
    return *bytes;
}

}  // namespace skald::cqrs
