// Orders in SQL tables: two tables of one projection, queried by SQL, with a write that is seen at
// once and the position that a query reflects. Ends non-zero when something is wrong.
#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "orders.h"
#include "skald/sql/projector.h"
#include "skald/store.h"
#include "tell.h"

namespace {

using namespace std::chrono_literals;
using shop::Cancelled;
using shop::Placed;
using skald::EventView;
using skald::sql::Tables;

skald::sql::AnyProjection orders() {
    skald::sql::Projection orders("orders", 1);
    orders
        .table("orders",
               "CREATE TABLE orders(id TEXT PRIMARY KEY, customer TEXT, cents INTEGER);"
               "CREATE INDEX orders_by_customer ON orders(customer, cents)")
        .on<Placed>([](Tables& tables, const Placed& placed, const EventView& at) {
            auto& insert = tables.statement("INSERT INTO orders VALUES(?, ?, ?)");
            SQLite::bind(insert, std::string(at.stream), placed.customer, placed.cents);
            insert.exec();
        })
        .on<Cancelled>([](Tables& tables, const Cancelled&, const EventView& at) {
            auto& erase = tables.statement("DELETE FROM orders WHERE id = ?");
            erase.bind(1, std::string(at.stream));
            erase.exec();
        });
    return orders.build();
}

int fail(const std::string& why) {
    std::fprintf(stderr, "orders_sql: %s\n", why.c_str());
    return 1;
}

// What each customer ordered, and the position that this is of.
int show(const std::string& file, const skald::Receipt& receipt) {
    SQLite::Database database(file, SQLite::OPEN_READONLY);
    SQLite::Transaction reading(database);
    const auto checkpoint = skald::sql::checkpoint(database, "orders");
    if (!checkpoint || compare(checkpoint->position, receipt.position) == skald::Order::before) {
        return fail("the tables do not have what was written before");
    }
    SQLite::Statement query(database,
                            "SELECT customer, count(*), sum(cents) FROM orders "
                            "GROUP BY customer ORDER BY customer");
    int customers = 0;
    while (query.executeStep()) {
        std::printf("%s: %s orders, %s cents\n", query.getColumn(0).getText(),
                    query.getColumn(1).getText(), query.getColumn(2).getText());
        ++customers;
    }
    return customers == 2 ? 0 : fail("there are two customers");
}

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = argc > 1 ? argv[1] : "orders-sql-data";
    auto store = skald::open_store(directory + "/log");
    if (!store) {
        return fail(store.error().message);
    }
    const std::string file = directory + "/orders.sqlite";
    auto projector = skald::sql::start_projector(**store, file, orders());
    if (!projector) {
        return fail(projector.error().message);
    }
    const auto first = tell(**store, "order-1", Placed{"ann", 1200});
    const auto second = tell(**store, "order-2", Placed{"bob", 800});
    const auto third = tell(**store, "order-3", Placed{"ann", 500});
    const auto gone = tell(**store, "order-1", Cancelled{});
    if (!first || !second || !third || !gone) {
        return fail("an event was not written");
    }
    const auto freshness = (*projector)->wait_for(gone->position, 10s);
    if (!freshness.reached()) {
        return fail(freshness.error.message);
    }
    return show(file, *gone);
}
