#include "cqrs/declared_row.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/json_scanner.h"

namespace skald::cqrs {

DeclaredRows::DeclaredRows(std::vector<DeclaredColumn> columns, std::vector<std::size_t> key,
                           std::vector<DeclaredIndex> indexes)
    : columns_(std::move(columns)), key_(std::move(key)), indexes_(std::move(indexes)) {
    for (const DeclaredColumn& column : columns_) {
        names_.push_back(json_value::quoted(column.name));
    }
}

IndexSchema DeclaredRows::index_schema(const DeclaredIndex& index) const {
    IndexSchema schema;
    schema.unique = index.unique;
    for (const std::size_t column : index.columns) {
        const auto kind = key_kind_of(columns_[column].kind);
        SKALD_CHECK(kind, "a column of an index has an order");
        schema.columns.push_back({columns_[column].name, *kind});
    }
    return schema;
}

RowSchema DeclaredRows::schema() const {
    RowSchema schema;
    schema.shape = "declared";
    for (const DeclaredColumn& column : columns_) {
        schema.fields.push_back(column.name);
        schema.shape += fmt::format(" {}:{}", column.name, static_cast<char>(column.kind));
    }
    schema.key = index_schema({key_, true});
    for (const DeclaredIndex& index : indexes_) {
        schema.indexes.push_back(index_schema(index));
    }
    return schema;
}

void DeclaredRows::initial(Cells& cells) const {
    cells.resize(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        cells[i] = columns_[i].initial;
    }
}

Result<void> DeclaredRows::read(std::string_view json, Cells& cells) const {
    JsonScanner scanner(json);
    bool good = scanner.punctuation('{');
    cells.resize(columns_.size());
    std::string_view slice;
    for (std::string& cell : cells) {
        good = good && scanner.value(slice) && scanner.punctuation(':') && scanner.value(slice);
        if (!good) {
            return Error(Errc::corrupt, "a row cannot be read; rebuild the read model");
        }
        cell = slice;
        (void)scanner.punctuation(',');
    }
    return {};
}

bool DeclaredRows::append_values(const Cells& cells, const std::vector<std::size_t>& columns,
                                 std::string& out) const {
    bool holds = true;
    for (const std::size_t column : columns) {
        const std::string& cell = cells[column];
        json_value::append_key(out, *key_kind_of(columns_[column].kind), cell);
        holds = holds && cell != json_value::kNull;
    }
    return holds;
}

void DeclaredRows::image(const Cells& cells, RowImage& row) const {
    row.key.clear();
    append_values(cells, key_, row.key);
    row.values.resize(indexes_.size());
    row.counts.resize(indexes_.size());
    for (std::size_t i = 0; i < indexes_.size(); ++i) {
        row.values[i].clear();
        row.counts[i] = append_values(cells, indexes_[i].columns, row.values[i]);
    }
    row.json.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        row.json += i == 0 ? '{' : ',';
        row.json += names_[i];
        row.json += ':';
        row.json += cells[i];
    }
    row.json += '}';
}

}  // namespace skald::cqrs
