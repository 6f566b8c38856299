// What events do to tables of a SQLite database:
//
//     sql::Projection orders("orders", 1);
//     orders.table("orders", "CREATE TABLE orders(id TEXT PRIMARY KEY, customer TEXT NOT NULL)")
//         .on<OrderPlaced>([](sql::Tables& tables, const OrderPlaced& placed, const EventView& at)
//         {
//             auto& insert = tables.statement("INSERT INTO orders VALUES(?, ?)");
//             SQLite::bind(insert, std::string(at.stream), placed.customer);
//             insert.exec();
//         });
//     auto projector = sql::start_projector(store, "data/orders.sqlite", orders.build());
//
// Handlers speak SQLiteCpp (<SQLiteCpp/SQLiteCpp.h>, and <SQLiteCpp/VariadicBind.h> for the bind
// above), inside a transaction that also stores the checkpoint. They change the projection's tables
// and nothing else, since they run again in every rebuild; what is to happen outside goes into
// tables.effect(). Without from() it selects the types it handles, wherever they are; above 60 of
// them, all events.
//
// Threads: build one in one thread. Handlers are called by one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/cqrs/event_handlers.h"

namespace SQLite {
class Database;
class Statement;
}  // namespace SQLite

namespace skald::sql {

// The tables as one event finds and leaves them. Valid during the handler's call. What SQLite
// throws is to be let through: a constraint that refuses is the event's failure, a disk that is
// full is not (cqrs/poison.h).
//
// Refused, as the event's failure: BEGIN, COMMIT, ROLLBACK and SAVEPOINT, and changes of tables
// whose names begin with skald_. A conflict clause ROLLBACK would undo other events too: the
// projector stops then.
class Tables {
  public:
    virtual ~Tables() = default;
    virtual SQLite::Database& database() = 0;
    // Prepared once and kept, at most 256 of them; without bindings. What it reads is to be read
    // before the handler returns.
    virtual SQLite::Statement& statement(const std::string& text) = 0;
    // Called after the commit, on the thread that handles events; once for an event, or not at all
    // when the process ends first; not for events that an earlier version has passed, nor for those
    // that were in the log before the projection was first started. Must not use the store's
    // blocking methods.
    virtual void effect(std::function<void()> act) = 0;
};

struct Table {
    std::string name;        // a letter, then letters, digits and _; 64 bytes, not skald_...
    std::string definition;  // statements that make it, its indexes and triggers; 64 KiB
    bool operator==(const Table&) const = default;
};

// What to do with events, without their types.
struct AnyProjection {
    std::string name;           // as a table's
    std::uint32_t version = 1;  // from 1: raise it when tables or handlers change
    Selection selection;
    std::vector<Table> tables;  // 1-64; dropped and made again by every rebuild
    std::function<bool(std::string_view type)> handles;
    // An exception is an error of the event.
    std::function<Result<void>(Tables&, const EventView&)> apply;
};

class Projection {
  public:
    Projection(std::string name, std::uint32_t version)
        : name_(std::move(name)), version_(version) {}

    Projection& table(std::string name, std::string definition) {
        tables_.push_back({std::move(name), std::move(definition)});
        return *this;
    }
    // fn(Tables&, const E&) or fn(Tables&, const E&, const EventView&).
    template <cqrs::Described E, typename Fn>
    Projection& on(Fn fn) {
        handlers_.on<E>(std::move(fn));
        return *this;
    }
    Projection& from(Selection selection) {
        selection_ = std::move(selection);
        return *this;
    }

    // May be called again; each owns what it needs.
    AnyProjection build() const {
        const auto handlers = std::make_shared<const cqrs::EventHandlers<Tables>>(handlers_);
        AnyProjection any;
        any.name = name_;
        any.version = version_;
        any.selection = selection_.value_or(handlers->selection());
        any.tables = tables_;
        any.handles = [handlers](std::string_view type) { return handlers->handle(type); };
        any.apply = [handlers](Tables& tables, const EventView& event) {
            return handlers->apply(tables, event);
        };
        return any;
    }

  private:
    std::string name_;
    std::uint32_t version_;
    std::optional<Selection> selection_;
    std::vector<Table> tables_;
    cqrs::EventHandlers<Tables> handlers_;
};

}  // namespace skald::sql
