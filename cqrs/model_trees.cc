#include "cqrs/model_trees.h"

#include "cqrs/stored_row.h"

namespace skald::cqrs {
namespace {

using store::lmdb::Cursor;

class ModelWalk final : public RowWalk {
  public:
    ModelWalk(const ModelCore::View& view, Cursor cursor, int index)
        : view_(view), cursor_(std::move(cursor)), index_(index) {}

    Found first() override { return to(cursor_.first()); }
    Found last() override { return to(cursor_.last()); }
    Found next() override { return to(cursor_.next()); }
    Found previous() override { return to(cursor_.previous()); }
    Found at_or_after(std::string_view key) override {
        return to(cursor_.at_or_after(as_bytes(key)));
    }

    std::string_view key() override {
        const RowSchema& schema = view_.version->tables.schema;
        return index_ < 0 ? as_text(entry_.key)
                          : row_key_of(schema.indexes[static_cast<std::size_t>(index_)], entry_);
    }
    Result<std::string_view> row() override {
        const ModelTables& tables = view_.version->tables;
        if (index_ < 0) {
            return StoredRow(as_text(entry_.value)).json(tables.indexes.size());
        }
        auto row = view_.txn.get(tables.rows, as_bytes(key()));
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return Error(Errc::corrupt,
                         "an index names a row that is not there; rebuild the model");
        }
        return StoredRow(as_text(**row)).json(tables.indexes.size());
    }

  private:
    Found to(Cursor::Found found) {
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return std::optional<std::string_view>();
        }
        entry_ = **found;
        return std::optional(as_text(entry_.key));
    }

    const ModelCore::View& view_;
    Cursor cursor_;
    const int index_;
    Cursor::Entry entry_{};
};

}  // namespace

Result<std::unique_ptr<RowWalk>> ModelTrees::walk(int index) const {
    const ModelTables& tables = view_.version->tables;
    auto cursor = Cursor::open(
        view_.txn, index < 0 ? tables.rows : tables.indexes[static_cast<std::size_t>(index)]);
    if (!cursor) {
        return cursor.error();
    }
    return std::unique_ptr<RowWalk>(std::make_unique<ModelWalk>(view_, std::move(*cursor), index));
}

}  // namespace skald::cqrs
