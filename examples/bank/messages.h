// What the bank is asked through a bus.
#pragma once

#include <cstdint>
#include <string>

#include "account.h"
#include "skald/cqrs/bus.h"

namespace bank {

struct Pay {
    using Rejection = Account::Rejection;
    std::string account;
    std::int64_t cents = 0;
    std::string to;
    static auto describe() {
        return skald::cqrs::record<Pay>("Pay")
            .required("account", &Pay::account)
            .required("cents", &Pay::cents)
            .field("to", &Pay::to);
    }
};

struct Balance {
    std::int64_t cents = 0;
    static auto describe() {
        return skald::cqrs::record<Balance>("Balance").required("cents", &Balance::cents);
    }
};
struct BalanceOf {
    using Reply = Balance;
    std::string account;
    static auto describe() {
        return skald::cqrs::record<BalanceOf>("BalanceOf").required("account", &BalanceOf::account);
    }
};

}  // namespace bank
