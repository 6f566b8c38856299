// An instance that is registered, and stays so until it is deregistered.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "coord/instance.h"
#include "coord/lease_keeper.h"

namespace skald::coord {

// Takes up to the probe's timeout, or ends early when it is asked to stop.
using Look = std::function<Result<void>(const Probe& probe, const std::stop_token& stop)>;

// Thread safe; waits for the store within.
class Enrolled {
  public:
    // The settings were checked, and have an id.
    Enrolled(Coord& coord, LeaseKeeper& keeper, const Clock& clock, InstanceSettings settings)
        : coord_(coord),
          keeper_(keeper),
          clock_(clock),
          keys_(settings.service, settings.id),
          probe_(settings.probe),
          settings_(std::move(settings)),
          checks_(settings_.heartbeat) {}

    // Takes the id from whoever has it. Once, first.
    Result<void> begin();
    // not_found: it has ended.
    Result<void> update(std::string endpoint, Metadata metadata);
    Result<void> end();
    // Begins again when its leases ended; ends when somebody erased it, or took its id.
    void keep_up();
    // Waits for what is under way.
    bool ended();
    // Through its probe, and keeps what was seen.
    void look(const Look& look, const std::stop_token& stop);

  private:
    struct Leases {
        std::shared_ptr<LeaseKeeper::Kept> registration;
        std::shared_ptr<LeaseKeeper::Kept> liveness;
    };
    // A claim of whose end nothing was heard: it may have been done.
    struct Unanswered {
        Leases leases;
        Time registered;
    };
    Compare mine() const;
    Result<Leases> grant();
    Result<bool> claim(std::vector<Compare> compares);
    Result<void> set_right();
    Result<void> be_heard();
    Result<void> begin_again();

    Coord& coord_;
    LeaseKeeper& keeper_;
    const Clock& clock_;
    const InstanceKeys keys_;
    const std::optional<Probe> probe_;
    // Held while the store is asked: one step after the other.
    std::mutex mutex_;
    InstanceSettings settings_;  // guarded by mutex_, like the rest
    Time registered_;
    std::optional<Leases> leases_;  // none: it has ended
    std::optional<Unanswered> unanswered_;
    CheckNews checks_;
};

}  // namespace skald::coord
