// What happens to orders, as far as their customers are told.
#pragma once

#include <array>
#include <string>

#include "skald/cqrs/event_table.h"

namespace shop {

struct StatusChanged {
    std::string status;
    std::string mail;  // the customer's address
    static auto describe() {
        return skald::cqrs::event<StatusChanged>("OrderStatusChanged", 1)
            .required("status", &StatusChanged::status)
            .required("mail", &StatusChanged::mail);
    }
};

constexpr std::array<const char*, 3> kStatuses{"placed", "paid", "shipped"};

}  // namespace shop
