// The trees of a view of a read model, for a query.
//
// Threads: those of the view.
#pragma once

#include "cqrs/model_core.h"
#include "cqrs/row_scan.h"

namespace skald::cqrs {

class ModelTrees final : public RowTrees {
  public:
    explicit ModelTrees(const ModelCore::View& view) : view_(view) {}

    std::uint32_t version() const override { return view_.version->number; }
    const RowSchema& schema() const override { return view_.version->tables.schema; }
    Result<std::unique_ptr<RowWalk>> walk(int index) const override;

  private:
    const ModelCore::View& view_;
};

}  // namespace skald::cqrs
