// The aggregate that the tests of cqrs/ talk about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "skald/cqrs/decider.h"
#include "skald/cqrs/describe.h"

namespace skald::cqrs {

struct Opened {
    std::string owner;
    static auto describe() { return event<Opened>("Opened", 1).required("owner", &Opened::owner); }
};

struct Deposited {
    std::int64_t cents = 0;
    std::string note;
    static auto describe() {
        return event<Deposited>("Deposited", 1)
            .required("cents", &Deposited::cents)
            .field("note", &Deposited::note);
    }
};

struct Withdrawn {
    std::int64_t cents = 0;
    static auto describe() {
        return event<Withdrawn>("Withdrawn", 1).required("cents", &Withdrawn::cents);
    }
};

struct Open {
    std::string owner;
};
struct Deposit {
    std::int64_t cents = 0;
};
struct Withdraw {
    std::int64_t cents = 0;
};
// Decides two events.
struct Exchange {
    std::int64_t out = 0;
    std::int64_t in = 0;
};
struct Audit {};  // decides nothing

struct NotOpen {
    static auto describe() { return record<NotOpen>("NotOpen"); }
};
struct AlreadyOpen {};
struct Overdrawn {
    std::int64_t missing = 0;
    static auto describe() {
        return record<Overdrawn>("Overdrawn").field("missing", &Overdrawn::missing);
    }
};

struct Account {
    using Events = EventList<Opened, Deposited, Withdrawn>;
    using Rejection = std::variant<NotOpen, AlreadyOpen, Overdrawn>;
    using Decision = cqrs::Decision<Account>;

    std::string owner;
    std::int64_t cents = 0;
    std::uint64_t changes = 0;

    void evolve(const Opened& opened) { owner = opened.owner; }
    void evolve(const Deposited& deposited) {
        cents += deposited.cents;
        ++changes;
    }
    Account evolve(const Withdrawn& withdrawn) const {
        Account after = *this;
        after.cents -= withdrawn.cents;
        ++after.changes;
        return after;
    }

    Decision decide(const Open& command) const {
        if (!owner.empty()) {
            return AlreadyOpen{};
        }
        return Opened{command.owner};
    }
    Decision decide(const Deposit& command, const Context& context) const {
        if (owner.empty()) {
            return NotOpen{};
        }
        return Deposited{command.cents, to_string(context.id())};
    }
    Decision decide(const Withdraw& command) const {
        if (owner.empty()) {
            return NotOpen{};
        }
        if (command.cents > cents) {
            return Overdrawn{command.cents - cents};
        }
        return Withdrawn{command.cents};
    }
    Decision decide(const Exchange& command) const {
        return {Withdrawn{command.out}, Deposited{command.in, ""}};
    }
    Decision decide(const Audit&) const { return Decision::nothing(); }

    static auto describe() {
        return record<Account>("Account")
            .field("owner", &Account::owner)
            .field("cents", &Account::cents)
            .field("changes", &Account::changes);
    }
};

}  // namespace skald::cqrs
