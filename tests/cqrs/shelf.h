// A read model of items that a test changes commit by commit, without a projector.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "cqrs/model_core.h"
#include "skald/cqrs/view.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

struct Item {
    std::uint64_t id = 0;
    std::int64_t group = 0;
    std::string text;
    std::optional<std::string> only;
    bool operator==(const Item&) const = default;
    static auto describe() {
        return record<Item>("Item")
            .field("id", &Item::id)
            .field("group", &Item::group)
            .field("text", &Item::text)
            .field("only", &Item::only);
    }
};

inline RowsOf<Item> item_rows() {
    return rows<Item>().key(&Item::id).index(&Item::group, &Item::text).unique(&Item::only);
}

inline Position at_offset(std::uint64_t next) {
    Position position;
    position.partitions.push_back({{}, {}, {}, Offset{next}, 0});
    return position;
}
inline std::uint64_t offset_of(const Position& position) {
    return position.partitions.empty() ? 0 : position.partitions[0].next.value;
}

class Shelf {
  public:
    explicit Shelf(std::string name = "items") : name_(std::move(name)) {
        ReadModelOptions options;
        options.map_bytes = std::size_t{1} << 30;
        auto opened = ReadModel::open(directory_.path(), options);
        REQUIRE(opened);
        model_ = std::move(*opened);
        add_version(1);
    }

    ReadModel& model() { return *model_; }
    ModelCore& core() { return model_->core(); }
    std::uint64_t offset() const { return offset_; }

    void add_version(std::uint32_t number) {
        auto version = core().open_version(name_, number, item_rows().schema(), {});
        REQUIRE(version);
        auto batch = std::make_unique<RowBatch>(core().env(), (*version)->tables);
        versions_[number] = {std::move(*version), std::move(batch)};
    }
    void put(const Item& item, std::uint32_t number = 1) {
        RowBatch& batch = *versions_.at(number).batch;
        RowImage image;
        REQUIRE(kind_.image(item, image));
        batch.begin_event({}, {});
        if (!batch.put(image)) {
            batch.undo_event();  // another has its `only`
        }
    }
    void erase(std::uint64_t id, std::uint32_t number = 1) {
        RowBatch& batch = *versions_.at(number).batch;
        batch.begin_event({}, {});
        REQUIRE(batch.erase(key_of(id).bytes));
    }
    // Each stands an offset behind the one before.
    void commit(std::uint32_t number = 1, bool complete = true) {
        ModelCore::Commit commit;
        commit.batch = versions_.at(number).batch.get();
        commit.position = at_offset(++offset_);
        commit.complete = complete;
        REQUIRE(core().commit(*versions_.at(number).version, commit));
        versions_.at(number).batch->clear();
    }
    void put_now(const Item& item) {
        put(item);
        commit();
    }
    void empty(std::uint32_t number = 1) {
        versions_.at(number).batch->clear();
        REQUIRE(core().reset(*versions_.at(number).version, {}));
    }
    void forget(std::uint32_t number) { versions_.erase(number); }
    void close() {
        versions_.clear();
        model_.reset();
    }

    // What a fresh query gives.
    std::set<std::string> rows(RowQuery query, std::uint32_t number = 0) {
        query.version = number;
        query.limit = 10'000;
        auto page = model_->query(query);
        INFO((page ? "" : page.error().message));
        REQUIRE(page);
        return {page->rows.begin(), page->rows.end()};
    }

  private:
    struct Version {
        std::shared_ptr<ModelVersion> version;
        std::unique_ptr<RowBatch> batch;
    };

    const std::string name_;
    const RowsOf<Item> kind_ = item_rows();
    TempDirectory directory_;
    std::unique_ptr<ReadModel> model_;
    std::map<std::uint32_t, Version> versions_;
    std::uint64_t offset_ = 0;
};

}  // namespace skald::cqrs
