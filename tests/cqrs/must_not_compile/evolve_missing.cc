// An account that forgets how to evolve by one of its events.
#include <variant>

#include "skald/cqrs/repository.h"

struct Opened {
    static auto describe() { return skald::cqrs::event<Opened>("Opened", 1); }
};
struct Withdrawn {
    static auto describe() { return skald::cqrs::event<Withdrawn>("Withdrawn", 1); }
};
struct Withdraw {};
struct NotOpen {};

struct Account {
    using Events = skald::cqrs::EventList<Opened, Withdrawn>;
    using Rejection = std::variant<NotOpen>;
    void evolve(const Opened&) {}
#ifdef WHOLE
    void evolve(const Withdrawn&) {}
#endif
    skald::cqrs::Decision<Account> decide(const Withdraw&) const {
        return Withdrawn{};
    }
};

bool load(skald::EventStore& store) {
    skald::cqrs::Repository<Account> accounts(store);
    return accounts.load("7").has_value();
}
