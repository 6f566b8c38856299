// Writes down what happened to an order.
#pragma once

#include <string>
#include <utility>

#include "skald/cqrs/event_table.h"
#include "skald/event_store.h"

namespace shop {

template <typename Event>
skald::Result<skald::Receipt> tell(skald::EventStore& store, const std::string& order,
                                   const Event& event) {
    auto made = skald::cqrs::to_new_event(event);
    if (!made) {
        return made.error();
    }
    return store.append(skald::Append::one(order, std::move(*made)));
}

}  // namespace shop
