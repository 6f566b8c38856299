#include "account.h"

namespace bank {

Account::Decision Account::decide(const Open& command) const {
    if (!owner.empty()) {
        return AlreadyOpen{};
    }
    return Opened{command.owner};
}

Account::Decision Account::decide(const Deposit& command) const {
    if (owner.empty()) {
        return NotOpen{};
    }
    return Deposited{command.cents, command.from};
}

Account::Decision Account::decide(const Withdraw& command) const {
    if (owner.empty()) {
        return NotOpen{};
    }
    if (command.cents > cents) {
        return Overdrawn{command.cents - cents};
    }
    return Withdrawn{command.cents, command.to};
}

}  // namespace bank
