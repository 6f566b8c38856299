#include "tests/crash/sums_model.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>

#include <filesystem>
#include <stdexcept>

#include "skald/cqrs/inline_projection.h"
#include "skald/cqrs/view.h"
#include "skald/sql/projector.h"

namespace skald::crash {
namespace {

Result<std::optional<SumsModel::Looked>> look_at(const cqrs::ReadModel& model) {
    const auto versions = model.versions();
    if (versions.empty() || !versions[0].complete) {
        return std::optional<SumsModel::Looked>();
    }
    const cqrs::View<Sum> view(model);
    auto rows = view.all().limit(10'000).page();
    auto by_sum = view.all().order_by(&Sum::sum).limit(10'000).page();
    auto by_count = view.all().order_by(&Sum::count).limit(10'000).page();
    if (!rows || !by_sum || !by_count) {
        return !rows ? rows.error() : !by_sum ? by_sum.error() : by_count.error();
    }
    return std::optional(SumsModel::Looked{versions[0].position, versions[0].events,
                                           std::move(rows->rows), std::move(by_sum->rows),
                                           std::move(by_count->rows)});
}

class LmdbSums final : public SumsModel {
  public:
    explicit LmdbSums(std::unique_ptr<cqrs::ReadModel> model) : model_(std::move(model)) {}
    ~LmdbSums() override { projector_.reset(); }

    Result<void> start(EventStore& store, std::function<void()> committed) override {
        return keep(
            cqrs::Projector::start(store, *model_, sums(committed), {cqrs::Poison::park()}));
    }
    Result<std::optional<Looked>> look() override { return look_at(*model_); }

  private:
    std::unique_ptr<cqrs::ReadModel> model_;
};

sql::AnyProjection sql_sums(const std::function<void()>& committed) {
    sql::Projection projection("sums", 1);
    projection
        .table("sums",
               "CREATE TABLE sums(stream TEXT PRIMARY KEY, sum INTEGER, count INTEGER);"
               "CREATE INDEX by_sum ON sums(sum, stream); CREATE INDEX by_count ON sums(count, "
               "stream)")
        .on<Added>([committed](sql::Tables& tables, const Added& added, const EventView& at) {
            auto& add = tables.statement(
                "INSERT INTO sums VALUES(?, ?, 1) ON CONFLICT(stream) DO UPDATE SET "
                "sum = sum + excluded.sum, count = count + 1");
            SQLite::bind(add, std::string(at.stream), added.number);
            add.exec();
            if (is_poison(added.number)) {
                throw std::runtime_error("poison");
            }
            tables.effect(committed);
        });
    return projection.build();
}

std::vector<Sum> read_sums(SQLite::Database& database, const std::string& order) {
    SQLite::Statement query(database, "SELECT stream, sum, count FROM sums ORDER BY " + order);
    std::vector<Sum> rows;
    while (query.executeStep()) {
        rows.push_back({query.getColumn(0).getString(), query.getColumn(1).getInt64(),
                        static_cast<std::uint64_t>(query.getColumn(2).getInt64())});
    }
    return rows;
}

class SqlSums final : public SumsModel {
  public:
    explicit SqlSums(std::string file) : file_(std::move(file)) {}

    Result<void> start(EventStore& store, std::function<void()> committed) override {
        return keep(
            sql::start_projector(store, file_, sql_sums(committed), {cqrs::Poison::park()}));
    }

    Result<std::optional<Looked>> look() override {
        if (!std::filesystem::exists(file_)) {
            return std::optional<Looked>();
        }
        try {
            SQLite::Database database(file_, SQLite::OPEN_READWRITE);
            if (database.execAndGet("PRAGMA integrity_check").getString() != "ok") {
                return Error(Errc::corrupt, "SQLite finds the file corrupt");
            }
            SQLite::Transaction reading(database);
            auto checkpoint = sql::checkpoint(database, "sums");
            if (!checkpoint || !checkpoint->complete) {
                return checkpoint || checkpoint.error().code == Errc::not_found
                           ? Result<std::optional<Looked>>(std::optional<Looked>())
                           : checkpoint.error();
            }
            return std::optional(
                Looked{checkpoint->position, checkpoint->events, read_sums(database, "stream"),
                       read_sums(database, "sum, stream"), read_sums(database, "count, stream")});
        } catch (const SQLite::Exception& e) {
            return Error(Errc::store_failed, e.what());
        }
    }

  private:
    const std::string file_;
};

// In the commits of the log, so that it is never behind and never has to be brought up.
class InlineSums final : public SumsModel {
  public:
    Result<void> start(EventStore& store, std::function<void()> committed) override {
        attaching_ = true;
        auto projection = sums(committed);
        projection.apply = [this, inner = projection.apply](cqrs::RowChanges& rows,
                                                            const EventView& event) {
            behind_ = behind_ || attaching_;
            return inner(rows, event);
        };
        auto attached = cqrs::InlineProjection::attach(store, std::move(projection));
        attaching_ = false;
        if (!attached) {
            return attached.error();
        }
        attached_ = std::move(*attached);
        return {};
    }
    bool caught_up(EventStore& store) const override {
        return !behind_ && attached_->model().wait_for(*store.position(), {}).reached();
    }
    Result<std::optional<Looked>> look() override { return look_at(attached_->model()); }

  private:
    bool attaching_ = false;
    bool behind_ = false;
    std::unique_ptr<cqrs::InlineProjection> attached_;
};

}  // namespace

Result<void> SumsModel::keep(Result<std::unique_ptr<cqrs::Projector>> projector) {
    if (!projector) {
        return projector.error();
    }
    projector_ = std::move(*projector);
    return {};
}

std::vector<std::uint64_t> SumsModel::parked(const std::string& stream) const {
    std::vector<std::uint64_t> versions;
    auto parked = projector_
                      ? projector_->parked(stream)
                      : Result<std::vector<cqrs::ParkedEvent>>(std::vector<cqrs::ParkedEvent>());
    for (std::size_t i = 0; parked && i < parked->size(); ++i) {
        versions.push_back(parked->at(i).version.value);
    }
    return versions;
}

Result<std::unique_ptr<SumsModel>> open_sums(const std::string& kind,
                                             const std::string& directory) {
    if (kind == "sql") {
        std::filesystem::create_directories(directory);
        return std::unique_ptr<SumsModel>(std::make_unique<SqlSums>(directory + "/sums.sqlite"));
    }
    if (kind == "inline") {
        return std::unique_ptr<SumsModel>(std::make_unique<InlineSums>());
    }
    if (kind != "lmdb") {
        return Error(Errc::invalid_argument, "rows are kept in lmdb, sql or inline, not " + kind);
    }
    cqrs::ReadModelOptions options;
    options.map_bytes = std::size_t{1} << 30;
    auto model = cqrs::ReadModel::open(directory, options);
    if (!model) {
        return model.error();
    }
    return std::unique_ptr<SumsModel>(std::make_unique<LmdbSums>(std::move(*model)));
}

}  // namespace skald::crash
