// Rows of a declared projection: a cell of JSON text for each column, in the order of the file.
//
// Threads: any; a declaration never changes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cqrs/declared_value.h"
#include "skald/cqrs/row.h"

namespace skald::cqrs {

struct DeclaredColumn {
    std::string name;
    ValueKind kind = ValueKind::text;
    std::string initial{json_value::kNull};  // of a new row
};

struct DeclaredIndex {
    std::vector<std::size_t> columns;
    bool unique = false;
};

using Cells = std::vector<std::string>;

class DeclaredRows {
  public:
    DeclaredRows() = default;
    // None of the columns in the key or an index is JSON; limits of row.h.
    DeclaredRows(std::vector<DeclaredColumn> columns, std::vector<std::size_t> key,
                 std::vector<DeclaredIndex> indexes);

    const std::vector<DeclaredColumn>& columns() const { return columns_; }
    const std::vector<std::size_t>& key() const { return key_; }
    RowSchema schema() const;

    void initial(Cells& cells) const;
    // A row that image() made; corrupt when it is none.
    Result<void> read(std::string_view json, Cells& cells) const;
    void image(const Cells& cells, RowImage& row) const;

  private:
    IndexSchema index_schema(const DeclaredIndex& index) const;
    // False when one of them is null.
    bool append_values(const Cells& cells, const std::vector<std::size_t>& columns,
                       std::string& out) const;

    std::vector<DeclaredColumn> columns_;
    std::vector<std::string> names_;  // quoted
    std::vector<std::size_t> key_;
    std::vector<DeclaredIndex> indexes_;
};

}  // namespace skald::cqrs
