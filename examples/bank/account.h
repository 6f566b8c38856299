// A bank account, as events, commands and the rules between them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "skald/cqrs/decider.h"
#include "skald/cqrs/describe.h"

namespace bank {

// ---- what happened

struct Opened {
    std::string owner;
    static auto describe() {
        return skald::cqrs::event<Opened>("Opened", 1).required("owner", &Opened::owner);
    }
};

// The first version counted in whole euros, and is still in the log.
struct DepositedV1 {
    std::int64_t euros = 0;
    static auto describe() {
        return skald::cqrs::event<DepositedV1>("Deposited", 1)
            .required("euros", &DepositedV1::euros);
    }
};
struct Deposited {
    std::int64_t cents = 0;
    std::string from;
    static auto describe() {
        return skald::cqrs::event<Deposited>("Deposited", 2)
            .required("cents", &Deposited::cents)
            .field("from", &Deposited::from)
            .upcast<1>([](const DepositedV1& old) {
                return Deposited{old.euros * 100, ""};
            });
    }
};

struct Withdrawn {
    std::int64_t cents = 0;
    std::string to;
    static auto describe() {
        return skald::cqrs::event<Withdrawn>("Withdrawn", 1)
            .required("cents", &Withdrawn::cents)
            .field("to", &Withdrawn::to);
    }
};

// ---- what is asked for

struct Open {
    std::string owner;
};
struct Deposit {
    std::int64_t cents = 0;
    std::string from;
};
struct Withdraw {
    std::int64_t cents = 0;
    std::string to;
};

// ---- why it is refused

struct NotOpen {
    static auto describe() { return skald::cqrs::record<NotOpen>("NotOpen"); }
};
struct AlreadyOpen {
    static auto describe() { return skald::cqrs::record<AlreadyOpen>("AlreadyOpen"); }
};
struct Overdrawn {
    std::int64_t missing = 0;  // cents
    static auto describe() {
        return skald::cqrs::record<Overdrawn>("Overdrawn").field("missing", &Overdrawn::missing);
    }
};

// ---- the rules

struct Account {
    using Events = skald::cqrs::EventList<Opened, Deposited, Withdrawn>;
    using Rejection = std::variant<NotOpen, AlreadyOpen, Overdrawn>;
    using Decision = skald::cqrs::Decision<Account>;

    std::string owner;
    std::int64_t cents = 0;

    void evolve(const Opened& opened) { owner = opened.owner; }
    void evolve(const Deposited& deposited) { cents += deposited.cents; }
    void evolve(const Withdrawn& withdrawn) { cents -= withdrawn.cents; }

    Decision decide(const Open& command) const;
    Decision decide(const Deposit& command) const;
    Decision decide(const Withdraw& command) const;

    // For snapshots.
    static auto describe() {
        return skald::cqrs::record<Account>("Account")
            .field("owner", &Account::owner)
            .field("cents", &Account::cents);
    }
};

}  // namespace bank
