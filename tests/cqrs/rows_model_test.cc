// Rows, indexes and a unique index against maps: any changes, in batches of any size, with events
// that fail in between; and the same changes in memory, as a fold makes them.
#include <rapidcheck.h>

#include <map>
#include <set>

#include "cqrs/memory_rows.h"
#include "skald/cqrs/fold.h"
#include "tests/cqrs/shelf.h"

namespace skald::cqrs {
namespace {

struct Step {
    enum class Kind : std::uint8_t { put, erase, fail, commit };
    Kind kind;
    Item item;
};

class Run {
  public:
    explicit Run(const ReadModel& model, ModelCore& core, std::shared_ptr<ModelVersion> version)
        : model_(model),
          core_(core),
          version_(std::move(version)),
          batch_(core.env(), tables()),
          memory_(new MemoryRows(kind_.schema(), 1)),
          folded_(std::unique_ptr<const MemoryRows>(memory_), {}, 0) {}

    void take(const Step& step) {
        switch (step.kind) {
            case Step::Kind::put:
                put(step.item);
                break;
            case Step::Kind::erase:
                erase(step.item.id);
                break;
            case Step::Kind::fail:
                batch_.begin_event({}, {});
                (void)change(step.item);
                (void)batch_.erase(key_of(step.item.id + 1).bytes);
                batch_.undo_event();
                break;
            case Step::Kind::commit:
                commit();
                break;
        }
    }

    void commit() {
        ModelCore::Commit commit;
        commit.batch = &batch_;
        commit.complete = true;
        RC_ASSERT(core_.commit(*version_, commit));
        batch_.clear();
        check(View<Item>(model_));
        check(folded_.view<Item>());
    }

  private:
    const ModelTables& tables() const { return version_->tables; }

    Result<void> change(const Item& item) { return batch_.put(image_of(item)); }
    RowImage image_of(const Item& item) {
        RowImage image;
        RC_ASSERT(kind_.image(item, image));
        return image;
    }

    void put(const Item& item) {
        bool taken = false;
        for (const auto& [id, other] : expected_) {
            taken = taken || (id != item.id && item.only && other.only == item.only);
        }
        batch_.begin_event({}, {});
        auto done = change(item);
        RC_ASSERT(done.has_value() == !taken);
        RC_ASSERT(memory_->put(image_of(item)).has_value() == !taken);
        if (done) {
            expected_[item.id] = item;
        } else {
            RC_ASSERT(done.error().code == Errc::already_exists);
            batch_.undo_event();
        }
    }

    void erase(std::uint64_t id) {
        batch_.begin_event({}, {});
        auto erased = batch_.erase(key_of(id).bytes);
        RC_ASSERT(erased);
        RC_ASSERT(*erased == (expected_.erase(id) == 1));
        RC_ASSERT(memory_->erase(key_of(id).bytes).value() == *erased);
        RC_ASSERT(memory_->bytes() == 0 || !expected_.empty());
    }

    template <typename Rows>
    void check(const Rows& view) {
        auto all = view.all().limit(1000).page();
        RC_ASSERT(all);
        std::vector<Item> by_key;
        std::map<std::tuple<std::int64_t, std::string, std::uint64_t>, Item> by_group;
        for (const auto& [id, item] : expected_) {
            by_key.push_back(item);
            by_group.emplace(std::tuple(item.group, item.text, id), item);
        }
        RC_ASSERT(all->rows == by_key);
        std::vector<Item> grouped;
        for (const auto& [key, item] : by_group) {
            grouped.push_back(item);
        }
        RC_ASSERT(view.all().order_by(&Item::group).limit(1000).page()->rows == grouped);
        std::reverse(grouped.begin(), grouped.end());
        RC_ASSERT(view.all().order_by(&Item::group).descending().limit(1000).page()->rows ==
                  grouped);
        // As many entries as rows, those without a value too.
        auto unique = view.all().order_by(&Item::only).limit(1000).page();
        RC_ASSERT(unique->rows.size() == expected_.size());
        RC_ASSERT(std::is_sorted(unique->rows.begin(), unique->rows.end(),
                                 [](const Item& a, const Item& b) { return a.only < b.only; }));
        for (const auto& [id, item] : expected_) {
            RC_ASSERT(view.get(id).value() == item);
        }
    }

    const RowsOf<Item> kind_ = item_rows();
    const ReadModel& model_;
    ModelCore& core_;
    const std::shared_ptr<ModelVersion> version_;
    RowBatch batch_;
    MemoryRows* const memory_;
    const FoldedRows folded_;  // of them
    std::map<std::uint64_t, Item> expected_;
};

rc::Gen<Step> any_step() {
    using rc::gen::inRange;
    const auto item = rc::gen::apply(
        [](std::uint64_t id, std::int64_t group, std::string text, int only) {
            return Item{id, group, std::string(text.size() % 3, 'x') + std::string(1, '\0'),
                        only < 4 ? std::optional(std::to_string(only)) : std::nullopt};
        },
        inRange<std::uint64_t>(0, 12), inRange<std::int64_t>(-2, 3), rc::gen::string<std::string>(),
        inRange(0, 8));
    const auto kind = rc::gen::weightedElement<Step::Kind>({{6, Step::Kind::put},
                                                            {2, Step::Kind::erase},
                                                            {2, Step::Kind::fail},
                                                            {1, Step::Kind::commit}});
    return rc::gen::construct<Step>(kind, item);
}

}  // namespace

TEST_CASE("rows: rows and indexes are what maps would be", "[cqrs][model]") {
    TempDirectory directory;
    ReadModelOptions options;
    options.map_bytes = std::size_t{1} << 28;
    auto model = ReadModel::open(directory.path(), options);
    REQUIRE(model);
    CHECK(rc::check([&] {
        const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
        auto version = (*model)->core().open_version("items", 1, item_rows().schema(), {});
        RC_ASSERT(version);
        RC_ASSERT((*model)->core().reset(**version, {}));
        Run run(**model, (*model)->core(), *version);
        for (const Step& step : steps) {
            run.take(step);
        }
        run.commit();
    }));
}

}  // namespace skald::cqrs
