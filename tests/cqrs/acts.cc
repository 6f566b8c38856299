#include "tests/cqrs/acts.h"

#include <map>

#include "cqrs/applier.h"
#include "cqrs/model_target.h"
#include "store/lmdb/env.h"

namespace skald::cqrs {
namespace {

// Behind these, of a log whose lineages are not looked at.
class Reached {
  public:
    Position behind(std::span<const EventView> events) {
        for (const EventView& event : events) {
            next_[event.partition] = event.offset + 1;
        }
        Position position;
        for (const auto& [partition, next] : next_) {
            position.partitions.push_back({partition, {}, {}, next, 0});
        }
        return position;
    }

  private:
    std::map<Partition, Offset> next_;
};

}  // namespace

ActsModel::ActsModel(unsigned lanes, std::function<std::string(const EventView&)> key)
    : projection_(acts(lanes, std::move(key))) {
    ReadModelOptions options;
    options.map_bytes = std::size_t{1} << 30;
    auto model = ReadModel::open(directory_.path(), options);
    REQUIRE(model);
    model_ = std::move(*model);
    auto version = model_->core().open_version("acts", 1, projection_.rows, {});
    REQUIRE(version);
    version_ = std::move(*version);
}

AnyProjection ActsModel::acts(unsigned lanes, std::function<std::string(const EventView&)> key) {
    Projection<Actor> acts("acts", 1,
                           rows<Actor>().key(&Actor::id).index(&Actor::group).unique(&Actor::only));
    acts.on<Act>(
        [this](Rows<Actor>& rows, const Act& act, const EventView& at) { apply(rows, act, at); });
    acts.lanes(lanes, std::move(key));
    return acts.build();
}

void ActsModel::apply(Rows<Actor>& rows, const Act& act, const EventView& at) {
    elsewhere_ += std::this_thread::get_id() == caller_ ? 0 : 1;
    const auto other = rows.get(act.reads);
    Actor actor = rows.get(act.id).value_or(Actor{act.id, 0, {}, ""});
    actor.group += 1 + (other ? other->group % 7 : 0);
    actor.only = act.only;
    actor.text.assign(act.text, 'x');
    if (act.becomes != act.id) {
        rows.erase(act.id);
        actor.id = act.becomes;
    }
    rows.put(actor);
    if (act.erases) {
        rows.erase(actor.id);
    }
    if (act.effects) {
        rows.effect([this, offset = at.offset.value] { effects_.push_back(offset); });
    }
    if (act.fails) {
        throw std::runtime_error("this act fails");
    }
}

ActsOutcome ActsModel::project(std::span<const EventView> events,
                               const std::vector<std::size_t>& sizes, const Poison& poison) {
    effects_.clear();
    REQUIRE(model_->core().reset(*version_, {}));
    ModelTarget target(model_->core(), version_, projection_);
    Applier applier(target, poison);
    REQUIRE(applier.begin(++term_));
    ActsOutcome outcome;
    Reached reached;
    for (std::size_t i = 0; !events.empty() && outcome.failure.empty(); ++i) {
        const std::size_t size = i < sizes.size() ? sizes[i] : events.size();
        const auto some = events.first(std::min(std::max<std::size_t>(size, 1), events.size()));
        if (const auto failure = applier.apply(some, reached.behind(some))) {
            outcome.failure = failure->error.message + (failure->poison ? " (poison)" : "");
        } else if (i % 2 == 1 || some.size() == events.size()) {
            REQUIRE(applier.commit(false));
        }
        events = events.subspan(some.size());
    }
    auto checkpoint = model_->core().begin(*version_, ++term_);
    REQUIRE(checkpoint);
    outcome.position = checkpoint->token;
    outcome.events = checkpoint->events;
    outcome.effects = effects_;
    outcome.entries = entries();
    return outcome;
}

std::vector<std::string> ActsModel::entries() const {
    std::vector<store::lmdb::Database> databases = version_->tables.indexes;
    databases.push_back(version_->tables.rows);
    databases.push_back(version_->tables.parked);
    auto txn = model_->core().env().read();
    REQUIRE(txn);
    std::vector<std::string> entries;
    for (const store::lmdb::Database database : databases) {
        auto cursor = store::lmdb::Cursor::open(*txn, database);
        REQUIRE(cursor);
        auto found = cursor->first();
        for (; found && *found; found = cursor->next()) {
            entries.push_back(std::string(as_text((*found)->key)) + '=' +
                              std::string(as_text((*found)->value)));
        }
        REQUIRE(found);
        entries.emplace_back("end");
    }
    return entries;
}

}  // namespace skald::cqrs
