// Queries of a read model, typed:
//
//     View<Order> orders(*model);
//     auto one = orders.get("17");                                    // Result<optional<Order>>
//     auto page = orders.where(&Order::customer, "ann").order_by(&Order::placed).descending()
//                       .limit(50).at_least(receipt.position, 200ms).page();
//
// The same as a live query (live_query.h), whose handler is a LiveHandler<Order>:
//
//     auto live = orders.where(&Order::customer, "ann").live(board);
//
// The indexes are those of the version that is active, which may be another than this program's
// rows declare: fields that it does not have keep their defaults, an index that it does not have is
// an error. Errors: read_model.h.
//
// Threads: any; a Find belongs to one. The model outlives both, not what live() returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "skald/cqrs/live_query.h"
#include "skald/cqrs/read_model.h"
#include "skald/cqrs/row.h"

namespace skald::cqrs {

template <Described T>
struct Found {
    std::vector<T> rows;
    std::string next;                          // for after(); empty when there is no more
    std::shared_ptr<const Position> position;  // that the rows reflect
    std::uint32_t version = 0;                 // that they are of
};

// Hands the rows of a live query on as what T describes; ends it with malformed when one is not.
template <Described T>
class TypedLive final : public LiveQuery, private LiveHandler<std::string> {
  public:
    static Result<std::unique_ptr<LiveQuery>> start(const ReadModel& model, const RowQuery& query,
                                                    LiveHandler<T>& handler,
                                                    const LiveOptions& options) {
        std::unique_ptr<TypedLive> typed(new TypedLive(handler));
        auto live = model.live(query, *typed, options);
        if (!live) {
            return live.error();
        }
        typed->live_ = std::move(*live);
        return std::unique_ptr<LiveQuery>(std::move(typed));
    }
    void close() override { live_->close(); }

  private:
    explicit TypedLive(LiveHandler<T>& handler) : handler_(handler) {}

    static T row(const std::string& json) {
        auto row = RowsOf<T>::row(json);
        if (!row) {
            throw RowRefused(row.error());
        }
        return std::move(*row);
    }
    void on_snapshot(const LiveSnapshot<std::string>& snapshot) override {
        LiveSnapshot<T> typed{{}, snapshot.position, snapshot.version};
        typed.rows.reserve(snapshot.rows.size());
        for (const LiveRow<std::string>& each : snapshot.rows) {
            typed.rows.push_back({each.key, row(each.row)});
        }
        handler_.on_snapshot(typed);
    }
    void on_deltas(const LiveDeltas<std::string>& deltas) override {
        LiveDeltas<T> typed{{}, deltas.position, deltas.version};
        typed.deltas.reserve(deltas.deltas.size());
        for (const LiveDelta<std::string>& each : deltas.deltas) {
            typed.deltas.push_back({each.op, each.key, row(each.row)});
        }
        handler_.on_deltas(typed);
    }
    void on_resync(Resync why) override { handler_.on_resync(why); }
    void on_ended(const Error& reason) override { handler_.on_ended(reason); }

    LiveHandler<T>& handler_;
    std::unique_ptr<LiveQuery> live_;  // the last: it ends before the rest goes
};

// One query on its way. What is not said is the default of RowQuery. Rows may be of a read model,
// or folded (fold.h).
template <Described T, typename Model = ReadModel>
class Find {
  public:
    explicit Find(const Model& model) : model_(model) {}

    template <typename M>
    Find&& where(M T::*field, const std::type_identity_t<M>& value) && {
        query_.where.push_back({RowsOf<T>::name_of(field), key_of(value)});
        return std::move(*this);
    }
    template <typename M>
    Find&& order_by(M T::*field) && {
        query_.order = RowsOf<T>::name_of(field);
        return std::move(*this);
    }
    // Inclusive; orders by that field. The same for the next two, of which below is exclusive.
    template <typename M>
    Find&& from(M T::*field, const std::type_identity_t<M>& value) && {
        query_.from = RowQuery::Bound{key_of(value), true};
        return std::move(*this).order_by(field);
    }
    template <typename M>
    Find&& to(M T::*field, const std::type_identity_t<M>& value) && {
        query_.to = RowQuery::Bound{key_of(value), true};
        return std::move(*this).order_by(field);
    }
    template <typename M>
    Find&& below(M T::*field, const std::type_identity_t<M>& value) && {
        query_.to = RowQuery::Bound{key_of(value), false};
        return std::move(*this).order_by(field);
    }
    Find&& descending() && {
        query_.descending = true;
        return std::move(*this);
    }
    Find&& limit(std::uint32_t rows) && {
        query_.limit = rows;
        return std::move(*this);
    }
    Find&& after(std::string cursor) && {
        query_.after = std::move(cursor);
        return std::move(*this);
    }
    Find&& at_least(Position position, std::chrono::milliseconds wait) && {
        query_.at_least = std::move(position);
        query_.wait = wait;
        return std::move(*this);
    }

    // malformed when a row is not what T describes.
    Result<Found<T>> page() const {
        auto page = model_.query(query_);
        if (!page) {
            return page.error();
        }
        Found<T> found{{}, std::move(page->next), std::move(page->position), page->version};
        found.rows.reserve(page->rows.size());
        for (const std::string& json : page->rows) {
            auto row = RowsOf<T>::row(json);
            if (!row) {
                return row.error();
            }
            found.rows.push_back(std::move(*row));
        }
        return found;
    }
    // `handler` outlives what is returned.
    Result<std::unique_ptr<LiveQuery>> live(LiveHandler<T>& handler,
                                            const LiveOptions& options = {}) const {
        return TypedLive<T>::start(model_, query_, handler, options);
    }
    const RowQuery& query() const { return query_; }

  private:
    const Model& model_;
    RowQuery query_;
};

template <Described T, typename Model = ReadModel>
class View {
  public:
    explicit View(const Model& model) : model_(model) {}

    // The fields of the key, in order.
    template <KeyType... Ks>
    Result<std::optional<T>> get(const Ks&... key) const {
        auto json = model_.get(key_of(key...));
        if (!json) {
            return json.error();
        }
        if (!*json) {
            return std::optional<T>();
        }
        auto row = RowsOf<T>::row(**json);
        return row ? Result<std::optional<T>>(std::optional<T>(std::move(*row))) : row.error();
    }
    Find<T, Model> all() const { return Find<T, Model>(model_); }
    template <typename M>
    Find<T, Model> where(M T::*field, const std::type_identity_t<M>& value) const {
        return all().where(field, value);
    }

  private:
    const Model& model_;
};

}  // namespace skald::cqrs
