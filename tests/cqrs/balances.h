// The read model that the tests of projectors talk about: what accounts (account.h) hold.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "skald/cqrs/projection.h"
#include "skald/cqrs/view.h"
#include "tests/cqrs/accounts_log.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

using namespace std::chrono_literals;

struct Balance {
    std::string account;
    std::string owner;
    std::int64_t cents = 0;
    std::uint64_t changes = 0;
    std::optional<std::string> note;  // no two rows have the same
    bool operator==(const Balance&) const = default;
    static auto describe() {
        return record<Balance>("Balance")
            .field("account", &Balance::account)
            .field("owner", &Balance::owner)
            .field("cents", &Balance::cents)
            .field("changes", &Balance::changes)
            .field("note", &Balance::note);
    }
};

inline RowsOf<Balance> balance_rows() {
    return rows<Balance>()
        .key(&Balance::account)
        .index(&Balance::owner, &Balance::cents)
        .index(&Balance::cents)
        .unique(&Balance::note);
}

// A withdrawal of 13 throws.
inline Projection<Balance> balances(std::uint32_t version = 1) {
    Projection<Balance> projection("balances", version, balance_rows());
    projection
        .on<Opened>([](Rows<Balance>& rows, const Opened& opened, const EventView& at) {
            rows.put({std::string(at.stream), opened.owner, 0, 0, {}});
        })
        .on<Deposited>([](Rows<Balance>& rows, const Deposited& deposited, const EventView& at) {
            rows.change(at.stream, [&](Balance& balance) {
                balance.cents += deposited.cents;
                ++balance.changes;
                if (!deposited.note.empty()) {
                    balance.note = deposited.note;
                }
            });
        })
        .on<Withdrawn>([](Rows<Balance>& rows, const Withdrawn& withdrawn, const EventView& at) {
            rows.change(at.stream, [&](Balance& balance) {
                balance.cents -= withdrawn.cents;
                ++balance.changes;
            });
            if (withdrawn.cents == 13) {
                throw std::runtime_error("thirteen");
            }
        });
    return projection;
}

// A log, and a directory for a read model of it.
struct Ledgers : AccountsLog {
    explicit Ledgers(const std::string& kind = "memory") : AccountsLog(kind) { open_model(); }

    void open_model() {
        model.reset();
        ReadModelOptions options;
        options.map_bytes = std::size_t{1} << 30;
        options.clock = &world.clock();
        auto opened = ReadModel::open(directory.path("model"), options);
        REQUIRE(opened);
        model = std::move(*opened);
    }
    std::unique_ptr<Projector> start(const AnyProjection& projection,
                                     const ProjectorOptions& options = {}) {
        auto started = Projector::start(world.store(), *model, projection, options);
        INFO((started ? "" : started.error().message));
        REQUIRE(started);
        return std::move(*started);
    }
    std::unique_ptr<Projector> start(const ProjectorOptions& options = {}) {
        return start(balances().build(), options);
    }

    std::optional<Balance> balance(const std::string& id) {
        auto found = View<Balance>(*model).get(id);
        INFO((found ? "" : found.error().message));
        REQUIRE(found);
        return *found;
    }
    VersionStatus status(std::uint32_t version = 1) {
        for (const VersionStatus& each : model->versions()) {
            if (each.version == version) {
                return each;
            }
        }
        return {};
    }

    TempDirectory directory;
    std::unique_ptr<ReadModel> model;
};

}  // namespace skald::cqrs
