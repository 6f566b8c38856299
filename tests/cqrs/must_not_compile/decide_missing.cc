// An account that is sent a command it has no decide for.
#include <variant>

#include "skald/cqrs/repository.h"

struct Opened {
    static auto describe() { return skald::cqrs::event<Opened>("Opened", 1); }
};
struct Withdraw {};
struct NotOpen {};

struct Account {
    using Events = skald::cqrs::EventList<Opened>;
    using Rejection = std::variant<NotOpen>;
    void evolve(const Opened&) {}
#ifdef WHOLE
    skald::cqrs::Decision<Account> decide(const Withdraw&) const {
        return NotOpen{};
    }
#endif
};

bool withdraw(skald::cqrs::Repository<Account>& accounts) {
    return accounts.execute("7", Withdraw{}).has_value();
}
