// A log in this process with the balances (balances.h) of its accounts inline.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "skald/cqrs/fold.h"
#include "skald/cqrs/inline_projection.h"
#include "skald/store.h"
#include "tests/cqrs/balances.h"

namespace skald::cqrs {

inline NewEvent opened(const std::string& owner) {
    NewEvent event;
    event.type = "Opened";
    event.data = R"({"owner":")" + owner + "\"}";
    return event;
}
inline NewEvent deposited(std::int64_t cents, const std::string& note = "") {
    NewEvent event;
    event.type = "Deposited";
    event.data = R"({"cents":)" + std::to_string(cents) + R"(,"note":")" + note + "\"}";
    return event;
}
inline NewEvent withdrawn(std::int64_t cents) {
    NewEvent event;
    event.type = "Withdrawn";
    event.data = R"({"cents":)" + std::to_string(cents) + "}";
    return event;
}

struct InlineLedger {
    explicit InlineLedger(std::uint16_t partitions = 1) : partitions_(partitions) { open(); }

    void open(std::size_t map_bytes = std::size_t{1} << 30) {
        model.reset();
        store.reset();
        StoreOptions options;
        options.partitions = partitions_;
        options.map_bytes = map_bytes;
        auto opened = open_store(directory.path("log"), options);
        REQUIRE(opened);
        store = std::move(*opened);
    }
    void attach(const AnyProjection& projection = balances().build()) {
        auto attached = InlineProjection::attach(*store, projection);
        INFO((attached ? "" : attached.error().message));
        REQUIRE(attached);
        model = std::move(*attached);
    }

    Result<Receipt> append(const std::string& stream, NewEvent event,
                           Expected expected = Expected::any()) const {
        return store->append(Append::one(stream, std::move(event), expected));
    }
    // What waits while a commit gives its outcomes is one commit.
    std::vector<Result<Receipt>> append_together(const std::vector<Append>& appends) const {
        std::promise<void> entered;
        std::promise<void> release;
        NewEvent gate;
        gate.type = "Gate";
        store->append_async(Append::one("gate", gate), [&](const auto&) {
            entered.set_value();
            release.get_future().wait();
        });
        entered.get_future().wait();
        std::vector<std::promise<Result<Receipt>>> promises(appends.size());
        for (std::size_t i = 0; i < appends.size(); ++i) {
            store->append_async(appends[i], [&promise = promises[i]](auto receipt) {
                promise.set_value(std::move(receipt));
            });
        }
        release.set_value();
        std::vector<Result<Receipt>> receipts;
        receipts.reserve(promises.size());
        for (auto& promise : promises) {
            receipts.push_back(promise.get_future().get());
        }
        return receipts;
    }

    std::optional<Balance> balance(const std::string& id) const {
        auto found = View<Balance>(model->model()).get(id);
        INFO((found ? "" : found.error().message));
        REQUIRE(found);
        return *found;
    }
    VersionStatus status() const {
        const auto versions = model->model().versions();
        REQUIRE(versions.size() == 1);
        return versions[0];
    }
    std::uint64_t log_end() const {
        std::uint64_t events = 0;
        const auto position = store->position();
        REQUIRE(position);
        for (const PartitionPosition& each : position->partitions) {
            events += each.next.value;
        }
        return events;
    }

    // Rows and indexes are what a fold of the log gives.
    bool is_recount(const AnyProjection& projection = balances().build()) const {
        auto folded = fold(*store, projection);
        UNSCOPED_INFO((folded ? "" : folded.error().message));
        if (!folded) {
            return false;
        }
        for (const char* order : {"", "owner", "cents", "note"}) {
            RowQuery query;
            query.order = order;
            query.limit = 10'000;
            auto expected = (*folded)->query(query);
            auto found = model->model().query(query);
            UNSCOPED_INFO("by `" << order << "`: " << (found ? "" : found.error().message));
            if (!expected || !found || expected->rows != found->rows) {
                return false;
            }
        }
        return true;
    }

    TempDirectory directory;
    std::unique_ptr<EventStore> store;
    std::unique_ptr<InlineProjection> model;

  private:
    std::uint16_t partitions_;
};

}  // namespace skald::cqrs
