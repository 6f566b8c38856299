#include "skald/cqrs/row.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

void check_index(std::string_view row, const IndexSchema& index) {
    SKALD_CHECK(!index.columns.empty() && index.columns.size() <= limits::kIndexColumnsMax,
                fmt::format("rows of {}: {} fields in the index {}", row, index.columns.size(),
                            index.name()));
}

}  // namespace

std::string IndexSchema::name() const {
    std::string name;
    for (const Column& column : columns) {
        name += name.empty() ? column.field : "," + column.field;
    }
    return name;
}

std::string IndexSchema::kinds() const {
    std::string kinds;
    for (const Column& column : columns) {
        kinds += static_cast<char>(column.kind);
    }
    return kinds;
}

void check_member(bool is_field, std::string_view row) {
    SKALD_CHECK(is_field, fmt::format("rows of {}: a key or index that is no field of it", row));
}

void check_schema(std::string_view row, const RowSchema& schema) {
    check_index(row, schema.key);
    SKALD_CHECK(schema.indexes.size() <= limits::kIndexesMax,
                fmt::format("rows of {}: {} indexes", row, schema.indexes.size()));
    for (std::size_t i = 0; i < schema.indexes.size(); ++i) {
        check_index(row, schema.indexes[i]);
        for (std::size_t j = 0; j < i; ++j) {
            SKALD_CHECK(
                schema.indexes[i].name() != schema.indexes[j].name(),
                fmt::format("rows of {}: two indexes over {}", row, schema.indexes[i].name()));
        }
    }
}

}  // namespace skald::cqrs
