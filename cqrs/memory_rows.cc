#include "cqrs/memory_rows.h"

#include <iterator>

#include "cqrs/stored_row.h"

namespace skald::cqrs {
namespace {

// Of a node of a map, beside what it holds.
constexpr std::size_t kNodeBytes = 64;

template <typename Map, typename RowOf>
class MapWalk final : public RowWalk {
  public:
    MapWalk(const Map& map, RowOf row_of)
        : map_(map), at_(map.begin()), row_of_(std::move(row_of)) {}

    Found first() override { return to(map_.begin()); }
    Found last() override { return map_.empty() ? to(map_.end()) : to(std::prev(map_.end())); }
    Found next() override { return to(std::next(at_)); }
    Found previous() override { return to(at_ == map_.begin() ? map_.end() : std::prev(at_)); }
    Found at_or_after(std::string_view key) override { return to(map_.lower_bound(key)); }
    std::string_view key() override { return row_of_(*at_).first; }
    Result<std::string_view> row() override { return std::string_view(row_of_(*at_).second.json); }

  private:
    Found to(typename Map::const_iterator place) {
        at_ = place;
        return at_ == map_.end() ? std::optional<std::string_view>()
                                 : std::optional<std::string_view>(at_->first);
    }

    const Map& map_;
    typename Map::const_iterator at_;
    const RowOf row_of_;
};

template <typename Map, typename RowOf>
std::unique_ptr<RowWalk> walk_over(const Map& map, RowOf row_of) {
    return std::make_unique<MapWalk<Map, RowOf>>(map, std::move(row_of));
}

}  // namespace

std::optional<std::string_view> MemoryRows::find(std::string_view key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? std::nullopt
                                : std::optional<std::string_view>(found->second.json);
}

Result<void> MemoryRows::put(const RowImage& row) {
    if (auto ok = check_row(row); !ok) {
        return ok;
    }
    Stored stored{row.json, {}};
    for (std::size_t i = 0; i < indexes_.size(); ++i) {
        const bool unique = schema_.indexes[i].unique && row.counts[i];
        stored.entries.push_back(unique ? row.values[i] : row.values[i] + row.key);
        const auto found = indexes_[i].find(stored.entries[i]);
        if (unique && found != indexes_[i].end() && found->second->first != row.key) {
            return taken(schema_.indexes[i]);
        }
    }
    if (const auto before = rows_.find(row.key); before != rows_.end()) {
        remove(before);
    }
    const auto made = rows_.emplace(row.key, std::move(stored)).first;
    for (std::size_t i = 0; i < indexes_.size(); ++i) {
        indexes_[i].emplace(made->second.entries[i], &*made);
    }
    bytes_ += size_of(*made);
    return {};
}

Result<bool> MemoryRows::erase(std::string_view key) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) {
        return false;
    }
    remove(found);
    return true;
}

void MemoryRows::remove(Tree::iterator row) {
    for (std::size_t i = 0; i < indexes_.size(); ++i) {
        indexes_[i].erase(row->second.entries[i]);
    }
    bytes_ -= size_of(*row);
    rows_.erase(row);
}

std::size_t MemoryRows::size_of(const Tree::value_type& row) {
    std::size_t bytes = kNodeBytes + row.first.size() + row.second.json.size();
    for (const std::string& entry : row.second.entries) {
        bytes += kNodeBytes + 2 * entry.size();
    }
    return bytes;
}

Result<std::unique_ptr<RowWalk>> MemoryRows::walk(int index) const {
    if (index < 0) {
        return walk_over(
            rows_, [](const Tree::value_type& row) -> const Tree::value_type& { return row; });
    }
    return walk_over(
        indexes_[static_cast<std::size_t>(index)],
        [](const Index::value_type& entry) -> const Tree::value_type& { return *entry.second; });
}

}  // namespace skald::cqrs
