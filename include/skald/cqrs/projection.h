// What events do to the rows of a read model, typed:
//
//     Projection<Order> orders("orders", 3, rows<Order>().key(&Order::id).index(&Order::customer));
//     orders.on<OrderPlaced>([](Rows<Order>& rows, const OrderPlaced& placed, const EventView& at)
//     {
//         rows.put({placed.id, placed.customer, at.recorded_at});
//     });
//     orders.on<OrderPaid>([](Rows<Order>& rows, const OrderPaid& paid) {
//         rows.change(paid.id, [](Order& order) { order.paid = true; });
//     });
//     auto projector = Projector::start(store, *model, orders.build());
//
// Without from() it selects the types it handles, wherever they are; above 60 of them, all events.
//
// Handlers read and change rows and nothing else, since they run again in every rebuild; what is to
// happen outside goes into rows.effect(). Rules P2, P5, P6.
//
// Threads: build one in one thread. Handlers are called by one thread at a time, unless the
// projection has lanes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "skald/cqrs/event_handlers.h"
#include "skald/cqrs/projector.h"
#include "skald/cqrs/row.h"

namespace skald::cqrs {

// The rows as one event finds and leaves them. Keys are given as the fields of the key, in order.
// All but effect() throw RowRefused. Valid during the handler's call.
template <Described T>
class Rows {
  public:
    Rows(RowChanges& changes, const RowsOf<T>& kind, RowImage& scratch)
        : changes_(changes), kind_(kind), scratch_(scratch) {}

    template <KeyType... Ks>
    std::optional<T> get(const Ks&... key) {
        return find(bytes_of(key...));
    }
    // Makes the row of that key, or replaces it.
    void put(const T& row) {
        must(kind_.image(row, scratch_));
        must(changes_.put(scratch_));
    }
    // fn(T&) on the row of that key; false when there is none. The key itself may change.
    template <typename Fn, KeyType... Ks>
    bool change(const std::tuple<Ks...>& key, const Fn& fn) {
        const std::string before =
            std::apply([this](const auto&... parts) { return bytes_of(parts...); }, key);
        auto row = find(before);
        if (!row) {
            return false;
        }
        fn(*row);
        replace(before, *row);
        return true;
    }
    template <typename Fn, KeyType K>
    bool change(const K& key, const Fn& fn) {
        return change(std::tuple<const K&>(key), fn);
    }
    // The row as it is, or else this one, after fn(T&).
    template <typename Fn>
    void change_or(T fresh, const Fn& fn) {
        must(kind_.image(fresh, scratch_));
        const std::string key = scratch_.key;
        auto row = find(key);
        T& changed = row ? *row : fresh;
        fn(changed);
        replace(key, changed);
    }
    template <KeyType... Ks>
    bool erase(const Ks&... key) {
        return must(changes_.erase(bytes_of(key...)));
    }
    // Called after the rows are committed, on the thread that handles events; by the active version
    // only, once for an event, or not at all when the process ends first. Must not use the store's
    // blocking methods.
    void effect(std::function<void()> act) { changes_.effect(std::move(act)); }

  private:
    template <typename R>
    static auto must(R result) {
        if (!result) {
            throw RowRefused(std::move(result.error()));
        }
        if constexpr (!std::is_void_v<typename R::value_type>) {
            return std::move(*result);
        }
    }
    template <typename... Ks>
    std::string bytes_of(const Ks&... key) const {
        const KeyValue value = key_of(key...);
        auto bytes = key_bytes::as_kinds(value, key_kinds());
        if (!bytes || value.kinds.size() != key_kinds().size()) {
            throw RowRefused(
                Error(Errc::invalid_argument, "the key has other fields than the rows"));
        }
        return std::move(*bytes);
    }
    const std::string& key_kinds() const { return kind_.key_kinds(); }
    std::optional<T> find(const std::string& key) {
        const auto json = must(changes_.get(key));
        return json ? std::optional(must(RowsOf<T>::row(*json))) : std::nullopt;
    }
    void replace(const std::string& before, const T& row) {
        must(kind_.image(row, scratch_));
        if (scratch_.key != before) {
            must(changes_.erase(before));
        }
        must(changes_.put(scratch_));
    }

    RowChanges& changes_;
    const RowsOf<T>& kind_;
    RowImage& scratch_;
};

template <Described T>
class Projection {
  public:
    Projection(std::string name, std::uint32_t version, RowsOf<T> kind)
        : name_(std::move(name)), version_(version), kind_(std::move(kind)) {}

    // fn(Rows<T>&, const E&) or fn(Rows<T>&, const E&, const EventView&).
    template <Described E, typename Fn>
    Projection& on(Fn fn) {
        handlers_.template on<E>(std::move(fn));
        return *this;
    }
    Projection& from(Selection selection) {
        selection_ = std::move(selection);
        return *this;
    }
    // A projector handles events on up to `count` threads at once, 1 to 16: those of one key in
    // their order on one of them, the key being what `key` says of an event, or its stream. The
    // outcome is always that of one lane, whatever the key: events of different lanes that come
    // upon the same row or unique value, one changing it, and an event that fails, make all events
    // of that try be handled again one after the other (VersionStatus::reruns). So lanes are for
    // handlers that cost time and rows that few lanes share. Inline projections and those into SQL
    // have one lane all the same.
    //
    // Handlers are called by several threads at once then, and may be called for rows as they are
    // without what earlier events of other lanes do; what comes of such a call is thrown away, an
    // exception too. `key` is called for each event, by one thread; it must not throw.
    Projection& lanes(unsigned count, std::function<std::string(const EventView&)> key = {}) {
        lanes_ = count;
        lane_key_ = std::move(key);
        return *this;
    }

    // May be called again; each owns what it needs.
    AnyProjection build() const {
        struct Built {
            RowsOf<T> kind;
            EventHandlers<Rows<T>> handlers;
        };
        const auto built = std::make_shared<const Built>(Built{kind_, handlers_});
        AnyProjection any;
        any.name = name_;
        any.version = version_;
        any.selection = selection_.value_or(handlers_.selection());
        any.rows = kind_.schema();
        any.lanes = lanes_;
        any.lane_key = lane_key_;
        any.handles = [built](std::string_view type) { return built->handlers.handle(type); };
        any.apply = [built, scratch = RowImage()](RowChanges& changes,
                                                  const EventView& event) mutable -> Result<void> {
            Rows<T> rows(changes, built->kind, scratch);
            try {
                return built->handlers.apply(rows, event);
            } catch (const RowRefused& refused) {
                return refused.error();
            }
        };
        return any;
    }
    const RowsOf<T>& rows() const { return kind_; }

  private:
    std::string name_;
    std::uint32_t version_;
    RowsOf<T> kind_;
    std::optional<Selection> selection_;
    unsigned lanes_ = 1;
    std::function<std::string(const EventView&)> lane_key_;
    EventHandlers<Rows<T>> handlers_;
};

}  // namespace skald::cqrs
