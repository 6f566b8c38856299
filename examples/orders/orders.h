// Orders: what happens to them, and the rows that queries see.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "skald/cqrs/projection.h"

namespace shop {

using skald::EventView;
using skald::cqrs::Projection;
using skald::cqrs::Rows;

struct Placed {
    std::string customer;
    std::int64_t cents = 0;
    static auto describe() {
        return skald::cqrs::event<Placed>("Placed", 1)
            .required("customer", &Placed::customer)
            .required("cents", &Placed::cents);
    }
};

struct Paid {
    std::string invoice;
    static auto describe() {
        return skald::cqrs::event<Paid>("Paid", 1).required("invoice", &Paid::invoice);
    }
};

struct Cancelled {
    static auto describe() { return skald::cqrs::event<Cancelled>("Cancelled", 1); }
};

struct Order {
    std::string id;
    std::string customer;
    std::int64_t cents = 0;
    std::optional<std::string> invoice;
    static auto describe() {
        return skald::cqrs::record<Order>("Order")
            .field("id", &Order::id)
            .field("customer", &Order::customer)
            .field("cents", &Order::cents)
            .field("invoice", &Order::invoice);
    }
};

inline auto order_rows() {
    return skald::cqrs::rows<Order>()
        .key(&Order::id)
        .index(&Order::customer, &Order::cents)
        .unique(&Order::invoice);
}

inline auto orders(std::uint32_t version) {
    Projection<Order> orders("orders", version, order_rows());
    orders
        .on<Placed>([](Rows<Order>& rows, const Placed& placed, const EventView& at) {
            rows.put({std::string(at.stream), placed.customer, placed.cents, {}});
        })
        .on<Paid>([](Rows<Order>& rows, const Paid& paid, const EventView& at) {
            rows.change(at.stream, [&](Order& order) { order.invoice = paid.invoice; });
        })
        .on<Cancelled>([](Rows<Order>& rows, const Cancelled&, const EventView& at) {
            rows.erase(at.stream);
        });
    return orders.build();
}

}  // namespace shop
