// What happens to accounts (account.h), as other programs write it, and whether a projector of it
// is up to date.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "skald/cqrs/projector.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {

struct AccountsLog {
    explicit AccountsLog(const std::string& kind = "memory") : world(kind) {}

    Position end() {
        auto position = world.store().position();
        REQUIRE(position);
        return *position;
    }
    void open(const std::string& id, const std::string& owner) {
        world.append(id, "Opened", R"({"owner":")" + owner + "\"}");
    }
    void deposit(const std::string& id, std::int64_t cents, const std::string& note = "") {
        world.append(id, "Deposited",
                     R"({"cents":)" + std::to_string(cents) + R"(,"note":")" + note + "\"}");
    }
    void withdraw(const std::string& id, std::int64_t cents) {
        world.append(id, "Withdrawn", R"({"cents":)" + std::to_string(cents) + "}");
    }
    // Whether the rows reflect all of the log.
    bool up_to_date(const Projector& projector) {
        const Freshness freshness = projector.wait_for(end(), std::chrono::minutes(1));
        UNSCOPED_INFO(freshness.error.message);
        return freshness.reached();
    }

    World world;
};

}  // namespace skald::cqrs
