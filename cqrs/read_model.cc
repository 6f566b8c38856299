#include "skald/cqrs/read_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/limits.h"
#include "cqrs/model_trees.h"
#include "cqrs/row_scan.h"
#include "cqrs/stored_row.h"

namespace skald::cqrs {
namespace {

// 0: the active one.
Result<std::uint32_t> version_of(const RowQuery& query) {
    auto after = place_of(query);
    if (!after) {
        return after.error();
    }
    return *after ? (*after)->version : query.version;
}

Result<RowPage> page_of(const ModelCore::View& view, const RowQuery& query) {
    auto page = scan(ModelTrees(view), query);
    auto position =
        view.version->progress.position_of(view.checkpoint.commits, view.checkpoint.token);
    if (!page || !position) {
        return !page ? page.error() : position.error();
    }
    page->position = std::move(*position);
    return page;
}

}  // namespace

ReadModel::ReadModel(std::unique_ptr<ModelCore> core) : core_(std::move(core)) {}
ReadModel::~ReadModel() = default;

Result<std::unique_ptr<ReadModel>> ReadModel::open(const std::string& directory,
                                                   const ReadModelOptions& options) {
    auto core = ModelCore::open(directory, options);
    if (!core) {
        return core.error();
    }
    return std::unique_ptr<ReadModel>(new ReadModel(std::move(*core)));
}

std::string ReadModel::name() const {
    return core_->name();
}

std::vector<VersionStatus> ReadModel::versions() const {
    return core_->versions();
}

Result<void> ReadModel::wait_for_at_least(const RowQuery& query) const {
    if (query.at_least) {
        const Freshness freshness = wait_for(*query.at_least, query.wait);
        if (!freshness.reached()) {
            return freshness.error;
        }
    }
    return {};
}

Result<RowPage> ReadModel::query(const RowQuery& query) const {
    if (auto ok = wait_for_at_least(query); !ok) {
        return ok.error();
    }
    const auto version = version_of(query);
    auto view = version ? core_->view(*version) : version.error();
    return view ? page_of(*view, query) : view.error();
}

std::optional<RowPage> ReadModel::try_query(const RowQuery& query) const {
    const bool waits =
        query.at_least && !wait_for(*query.at_least, std::chrono::milliseconds(0)).reached();
    const auto version = version_of(query);
    if (query.key.empty() || waits || !version) {
        return std::nullopt;
    }
    const auto view = core_->try_view(*version);
    if (!view || !*view) {
        return std::nullopt;
    }
    auto page = page_of(**view, query);
    return page ? std::optional(std::move(*page)) : std::nullopt;
}

Result<std::optional<std::string>> ReadModel::get(const KeyValue& key) const {
    auto view = core_->view(0);
    if (!view) {
        return view.error();
    }
    const ModelTables& tables = view->version->tables;
    auto bytes = plan_get(tables.schema, key);
    if (!bytes) {
        return bytes.error();
    }
    if (bytes->size() > limits::kRowKeyBytesMax) {
        return std::optional<std::string>();
    }
    auto row = view->txn.get(tables.rows, as_bytes(*bytes));
    if (!row) {
        return row.error();
    }
    if (!*row) {
        return std::optional<std::string>();
    }
    return std::optional(std::string(StoredRow(as_text(**row)).json(tables.indexes.size())));
}

Freshness ReadModel::wait_for(const Position& position, std::chrono::milliseconds wait) const {
    if (const auto active = core_->active()) {
        return active->progress.wait(position, wait);
    }
    Freshness none;
    none.state = Freshness::State::stopped;
    none.error = Error(Errc::store_failed, "the read model holds no version yet");
    return none;
}

Result<void> ReadModel::promote(std::uint32_t version, std::chrono::milliseconds wait) {
    return core_->promote(version, wait);
}

Result<void> ReadModel::roll_back() {
    return core_->roll_back();
}

Result<void> ReadModel::retire(std::uint32_t version) {
    return core_->retire(version);
}

Freshness wait_for_all(const std::vector<const ReadModel*>& models, const Position& position,
                       std::chrono::milliseconds wait) {
    Freshness freshness;
    const Monotonic begin = SystemClock::instance().monotonic();
    for (const ReadModel* model : models) {
        const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
            SystemClock::instance().monotonic() - begin);
        freshness = model->wait_for(position, std::max(wait - passed, std::chrono::milliseconds{}));
        if (!freshness.reached()) {
            break;
        }
    }
    return freshness;
}

}  // namespace skald::cqrs
