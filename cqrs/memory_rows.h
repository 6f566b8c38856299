// Rows of one version in memory, with their indexes: what a fold makes. An event that fails leaves
// them in between; they are thrown away then.
//
// Threads: one that changes; any once nobody does.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cqrs/row_scan.h"
#include "skald/cqrs/row.h"

namespace skald::cqrs {

class MemoryRows final : public RowChanges, public RowTrees {
  public:
    MemoryRows(RowSchema schema, std::uint32_t version)
        : schema_(std::move(schema)), version_(version), indexes_(schema_.indexes.size()) {}

    Result<std::optional<std::string_view>> get(std::string_view key) override { return find(key); }
    Result<void> put(const RowImage& row) override;
    Result<bool> erase(std::string_view key) override;
    void effect(std::function<void()>) override {}

    // The JSON of a row.
    std::optional<std::string_view> find(std::string_view key) const;
    std::size_t bytes() const { return bytes_; }  // of keys, rows and indexes

    std::uint32_t version() const override { return version_; }
    const RowSchema& schema() const override { return schema_; }
    Result<std::unique_ptr<RowWalk>> walk(int index) const override;

  private:
    struct Stored {
        std::string json;
        std::vector<std::string> entries;  // of each index
    };
    using Tree = std::map<std::string, Stored, std::less<>>;
    using Index = std::map<std::string, const Tree::value_type*, std::less<>>;

    void remove(Tree::iterator row);
    static std::size_t size_of(const Tree::value_type& row);

    const RowSchema schema_;
    const std::uint32_t version_;
    Tree rows_;
    std::vector<Index> indexes_;
    std::size_t bytes_ = 0;
};

}  // namespace skald::cqrs
